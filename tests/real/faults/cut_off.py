"""The primary is cut from the other databases and the store, in silence; the router reaches it."""
from faults import cut

MODEL = "cut-off"


def others(manager, machine):
    return cut.others(manager, machine) + manager.stores


def strike(manager, machine):
    cut.strike(manager, machine, others)


def end(manager, machine):
    cut.end(manager, machine, others)

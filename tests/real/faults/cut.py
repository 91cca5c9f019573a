"""The primary is cut from the other databases, in silence; clients, routers, witness and store reach it."""

MODEL = "cut-peers"


def others(manager, machine):
    return [other for other in manager.databases if other is not machine]


def strike(manager, machine, others=others):
    for other in others(manager, machine):
        machine.hears(other, False)
        other.hears(machine, False)


def end(manager, machine, others=others):
    for other in others(manager, machine):
        machine.hears(other, True)
        other.hears(machine, True)

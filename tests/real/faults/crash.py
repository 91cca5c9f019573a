"""The machine loses power: the cable is out before its processes die, so that nobody says goodbye for them."""
import signal

MODEL = "power"


def strike(manager, machine):
    machine.plug(False)
    machine.signal(signal.SIGKILL)


def end(manager, machine):
    machine.plug(True)
    manager.boot(machine)

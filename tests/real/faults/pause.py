"""Everything on the primary's machine stands still, longer than any lease; its kernel does not."""
import signal

MODEL = "pause"


def strike(manager, machine):
    machine.signal(signal.SIGSTOP)


def end(manager, machine):
    machine.signal(signal.SIGCONT)

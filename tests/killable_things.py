"""More tasks for the process of a ``KillableThreadPoolExecutor``, beside :mod:`killable_tasks`."""

from __future__ import annotations

import gc
import time

from killable_tasks import LIFE_S, add, call, hold, say
from poolcompat.stopping import checkpoint, current_stop_event, sleep, stop_requested

eaten = []

# What goes on until it is asked to stop


def until_asked(address, value=None):
    """Tell the test again when asked."""
    with call(address) as line:
        is_set = current_stop_event().wait(LIFE_S)
        line.sendall(b"asked\n" if is_set and stop_requested() else b"not asked\n")
    return value


def until_checkpoint(address):
    with call(address):
        until = time.monotonic() + LIFE_S
        while time.monotonic() < until:
            checkpoint()
            time.sleep(0)


def sleeping(address):
    with call(address):
        sleep(LIFE_S)


def looking_after(address):
    """Stay until let go, then tell whether a stop was requested."""
    hold(address)
    return stop_requested()


# What needs something of its process


def exhaust_memory(spare):
    """Let this process have no more than *spare* bytes beyond what it has."""
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, hard))


def exhaust(size=1 << 26):
    """Keep all memory that there is."""
    while size >= 16:
        try:
            while True:
                eaten.append(bytearray(size))
        except MemoryError:
            size //= 2


def use_an_executor(value):
    from poolcompat.futures import KillableThreadPoolExecutor

    globals()["_left"] = executor = KillableThreadPoolExecutor(1)
    say(executor.submit(add, value).result(LIFE_S))
    executor.submit(say, "last")


class Stopper:
    """Cannot be pickled, and is not done with that soon."""

    def __init__(self, begun, go_on):
        self.begun, self.go_on = begun, go_on

    def __reduce__(self):
        self.begun.set()
        self.go_on.wait(LIFE_S)
        raise ValueError("not pickled")


def announced(address, size):
    """Stay until let go, then return what calls when it is pickled."""
    hold(address)
    return Announced(address, size)


class Announced:
    """Calls the test when it is pickled, in the middle of something large."""

    def __init__(self, address, size):
        self.address, self.size = address, size

    def __reduce__(self):
        call(self.address, "pickled").close()
        return bytes, (b"x" * self.size,)


def held_when_unpickled(address):
    """Return what stays until let go when it is unpickled."""
    return Held(address)


class Held:
    """Becomes what :func:`hold` returns."""

    def __init__(self, address):
        self.address = address

    def __reduce__(self):
        return hold, (self.address,)


def make_a_function():
    return lambda: None


# What is counted


class Thing:
    """Counts how many there are."""

    alive = 0

    def __init__(self, *_):
        Thing.alive += 1

    def __reduce__(self):
        return Thing, ()

    def __del__(self):
        Thing.alive -= 1


class ThingError(Exception):
    def __init__(self, thing=None):
        super().__init__()
        self.thing = Thing()


def things_alive(*_):
    gc.collect()
    return Thing.alive

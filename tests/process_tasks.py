"""Tasks for the processes of a ``ProcessPoolExecutor``, beside those of :mod:`killable_tasks`.

The processes import this module, so it imports nothing slow.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading

from killable_tasks import LIFE_S, call, hold

START_METHODS = multiprocessing.get_all_start_methods()
CHEAPEST = "fork" if "fork" in START_METHODS else "spawn"


def keywords(*args, **kwargs):
    return args, kwargs


def reciprocal(number):
    return 1 / number


def where():
    """Return the process, and whether this is its main thread."""
    return os.getpid(), threading.current_thread() is threading.main_thread()


def start_method():
    return multiprocessing.get_start_method(allow_none=True)


def zeros(size):
    return bytes(size)


def tell(word):
    """Print a line in one step, beside other processes and threads."""
    os.write(1, f"{word}\n".encode())


def ignore_sigterm(address):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hold(address)


def hold_then_fail(address, error):
    hold(address)
    raise error


def answer_and_die(address):
    """Return, and be killed by a thread that stays behind, when the test says so."""
    line = call(address)

    def die():
        line.recv(1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=die, daemon=True).start()
    return "answered"


def in_own_pool(door):
    """Use a pool of processes in this one."""
    from doors import opened

    context = multiprocessing.get_context(CHEAPEST)
    with opened(door) as lib, lib.futures.ProcessPoolExecutor(1, context) as executor:
        return executor.submit(os.getpid).result(LIFE_S)


def in_own_program():
    """Run a program in this process's environment."""
    return subprocess.check_output([sys.executable, "-c", "print(1)"])


def interrupt_self():
    """Do what the terminal does to all processes."""
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(LIFE_S)


def is_interruptible():
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


class Unloadable:
    """Cannot be made again in a process that was not forked."""

    def __reduce__(self):
        return reciprocal, (0,)

    def __call__(self):
        pass


def log_to_file(path):
    """An initializer that fails, with its log in a file."""
    import logging

    logger = logging.getLogger("concurrent.futures")
    logger.addHandler(logging.FileHandler(str(path)))
    logger.propagate = False
    raise LookupError("on purpose", 1)


def quietly(initializer, *args):
    """Have an initializer's failure not be printed, since it is in order."""
    import logging

    logging.disable(logging.CRITICAL)
    initializer(*args)


class Counted:
    """Counts how many there are in this process that were not inherited."""

    alive: set = set()  # noqa: RUF012

    def __init__(self):
        Counted.alive.add((os.getpid(), id(self)))

    def __del__(self):
        Counted.alive.discard((os.getpid(), id(self)))

    def __reduce__(self):
        return Counted, ()

    def fail(self):
        mine = self
        raise LookupError(str(mine))

    @staticmethod
    def count():
        gc.collect()
        return len([pid for pid, _ in Counted.alive if pid == os.getpid()])

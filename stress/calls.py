"""Calls that must return: made by this thread, by another, in a task, in a callback."""

from __future__ import annotations

import collections
import contextlib
import faulthandler
import signal
import sys
import threading
import time
import traceback

from poolcompat.stopping import ThreadTerminated

# A call that takes this long will never return.
ALARM_S = 30.0

#: What has been done so far
counts = collections.Counter()


class StuckError(AssertionError):
    """Somebody waits for ever."""


class CallbackExit(SystemExit):
    """What a done-callback raises."""


class Call:
    """Something that is called once, and what has become of it.

    It is *cut* if the task that was to make it has been stopped before or meanwhile.
    """

    def __init__(self, name, function):
        self.name = name
        self.done = threading.Event()
        self.error = None
        self.is_cut = False
        self._function = function

    def run(self):
        try:
            self._function()
        except ThreadTerminated:
            self.is_cut = True
            raise
        except CallbackExit:
            pass  # What calls callbacks has called all of them, then raised it.
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()

    def cut(self):
        """Expect it no more, unless it has been made."""
        if not self.done.is_set():
            self.is_cut = True
            self.done.set()

    def start(self):
        thread = threading.Thread(target=self.run, name=f"call of {self.name}")
        thread.start()
        return self

    def check(self):
        """Return it if it has returned in time, and nothing was wrong."""
        if not self.done.wait(ALARM_S):
            raise stuck(f"{self.name} does not return")
        if self.error is not None:
            raise self.error
        return self


def stuck(what):
    """Return the exception to be raised; show where all threads are."""
    print(f"\n{what}; all threads:", file=sys.stderr, flush=True)
    faulthandler.dump_traceback(all_threads=True)
    return StuckError(what)


def wait_until(condition, what):
    """For what tells nobody that it has happened."""
    deadline = time.monotonic() + ALARM_S
    while not condition():
        if time.monotonic() > deadline:
            raise stuck(what)
        time.sleep(0.0005)


@contextlib.contextmanager
def alarmed(seconds=2 * ALARM_S):
    """Have this thread, the main one, not wait for ever either."""

    def ring(*_):
        raise stuck("the main thread waits")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def tell_once(machine, error):
    """Tell what led to the first failure; Hypothesis will try to make it happen again."""
    counts["failures"] += 1
    if counts["failures"] == 1:
        print(f"\n{type(machine).__name__}:", "; ".join(machine.history), file=sys.stderr)
        traceback.print_exception(type(error), error, error.__traceback__)
        sys.stderr.flush()

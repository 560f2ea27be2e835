"""Tasks whose every step is known."""

from __future__ import annotations

import queue
import threading

from poolcompat.stopping import TaskStopped, current_stop_event

# What tasks do: return, raise, hold a thread until they are let go, in Python or in C, or until
# they are asked to stop.
QUICK = ("return", "raise", "exit", "interrupt")
HELD = ("hold", "hold in C", "look")
KINDS = QUICK + HELD


class OwnError(Exception):
    """What a task raises."""


class OwnExit(SystemExit):
    """As above."""


class OwnInterrupt(KeyboardInterrupt):
    """As above."""


ERRORS = {"raise": OwnError, "exit": OwnExit, "interrupt": OwnInterrupt}
OWN, CANCELLED, STOPPED, INTERRUPTED = "own", "cancelled", "stopped", "interrupted"
ABANDONED, NOT_STARTED, BROKEN, KILLED = "abandoned", "not started", "broken", "killed"
#: What only a task can end with that never began
NEVER_BEGAN = {CANCELLED, NOT_STARTED}


class Job:
    """A task, and all that is known of it.

    Attributes:
        begun: Who has begun it; one entry at most.
        told: What its done-callback has seen; one entry at the end.
        may: With what it may end.
    """

    def __init__(self, number, kind):
        self.number, self.kind = number, kind
        self.future = None
        self.begun, self.told = [], []
        self.started = threading.Event()
        self.may = {OWN}
        self.seen = None
        self.is_let_go = False
        #: Whether nobody has been able to add its done-callback
        self.is_orphan = True
        self._orders = (queue.SimpleQueue if kind == "hold in C" else queue.Queue)()
        self._stop = None
        self._call = None
        self._in_callback = []

    def __repr__(self):
        return f"job {self.number} ({self.kind})"

    def __call__(self):
        self.begun.append(threading.current_thread().name)
        if self.kind == "look":
            self._stop = current_stop_event()
        self.started.set()
        if self.kind == "look":
            while not self.is_let_go:
                self._stop.wait()
                if not self.is_let_go:
                    raise TaskStopped("stopped")
        elif self.kind in HELD:
            for call in iter(self._orders.get, None):
                call.run()
        elif self.kind in ERRORS:
            raise ERRORS[self.kind](self.number)
        return self.number

    def takes_orders(self):
        return (
            self.kind in ("hold", "hold in C")
            and self.started.is_set()
            and not (self.is_let_go or self.told or self._is_busy())
        )

    def _is_busy(self):
        return self._call is not None and not self._call.done.is_set()

    def order(self, call):
        """Have the task make a call."""
        self._call = call
        self._orders.put(call)
        if self.told:
            call.cut()

    def order_afterwards(self, call):
        """Have the task's callback make a call."""
        self._in_callback.append(call)
        self.let_go()

    def let_go(self):
        """Have the task end with its own outcome; with the stop event that it looks at."""
        self.is_let_go = True
        if self.kind == "look":
            if self._stop is not None:
                self._stop.set()
        elif self.kind in HELD:
            self._orders.put(None)

    def check_in_child(self, outcome, before):
        """See that a forked child has the outcome of *before* the fork, or else one that may be."""
        if before is None:
            assert outcome in self.may | {BROKEN}, f"{self} is {outcome} in the child"
        else:
            assert outcome == before, f"{self} was {before}, and is {outcome} in the child"

    def tell(self, outcome):
        """Take note of a callback."""
        self.told.append(outcome)
        if self._call is not None:
            self._call.cut()
        calls, self._in_callback = self._in_callback, []
        for call in calls:
            call.run()

    def check(self, outcome, told, is_over):
        """See that *outcome* is one that it may have, and does not change."""
        assert len(self.begun) <= 1, f"{self} has begun twice"
        assert len(told) <= 1, f"{self} has called back {told}"
        if outcome is None:
            assert not told, f"{self} is not done, and has called back"
            assert not is_over, f"{self} is not done"
            assert self.seen is None, f"{self} was {self.seen}, and is not done now"
            return
        if self.seen is None:
            self.seen = outcome
        assert outcome == self.seen, f"{self} was {self.seen}, and is {outcome} now"
        assert outcome in self.may, f"{self} is {outcome}, and may be {sorted(self.may)}"
        assert not (outcome in NEVER_BEGAN and self.begun), f"{self} is {outcome}, and has begun"
        if is_over and not self.is_orphan:
            assert told == [outcome], f"{self} is {outcome}, and has called back {told}"


def outcome_of(error, value, job):
    """Name what *job* has ended with."""
    if error is None:
        return OWN if value == job.number and job.kind not in ERRORS else f"returned {value!r}"
    if type(error) is ERRORS.get(job.kind) and error.args == (job.number,):
        return OWN
    return getattr(error, "reason", None) or repr(error)

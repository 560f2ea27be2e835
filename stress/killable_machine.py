"""``KillableThreadPoolExecutor``, with and without *restart*."""

from __future__ import annotations

import pickle
import tempfile
import threading
import types

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from calls import counts, wait_until
from futures_machine import FuturesMachine
from jobs import BROKEN, CANCELLED, KILLED, OWN, STOPPED, Job
from killable_jobs import DEADLY, KINDS, Marks, act
from machine import INSIDE, where
from poolcompat import futures as ours
from poolcompat.futures import BrokenExecutor, KillableThreadPoolExecutor

HELD = ("hold", "look")
OWN_ERRORS = {"raise": LookupError, "exit": SystemExit}


class KillableJob(Job):
    """A task in the other process."""

    def __init__(self, number, kind, folder):
        super().__init__(number, kind)
        self.marks = Marks(folder, number, kind in HELD)
        self.started = self

    @property
    def begun(self):
        return range(self.marks.count())

    @begun.setter
    def begun(self, value):
        pass

    def is_set(self):
        return bool(self.begun)

    def wait(self, timeout):
        wait_until(lambda: self.begun or self.future.done(), f"{self} does not begin")
        return True

    def let_go(self):
        self.is_let_go = True
        self.marks.let_go()


class KillableMachine(FuturesMachine):
    """One executor; its process may be killed, or end by itself."""

    lib = types.SimpleNamespace(futures=ours)

    def __init__(self):
        _start_helpers()
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()

    @initialize(workers=st.integers(1, 3), restart=st.booleans())
    def open(self, workers, restart):
        self.history.append(f"{workers} workers, restart={restart}")
        self.workers, self.restarts = workers, restart
        self.executor = KillableThreadPoolExecutor(workers, restart=restart)

    # What the base classes ask for

    def make_job(self, number, kind):
        return KillableJob(number, kind, self._folder.name)

    def submits(self, job):
        try:
            job.future = self.executor.submit(act, job.kind, job.number, self._folder.name)
        except RuntimeError as error:
            assert isinstance(error, BrokenExecutor) or "after shutdown" in str(error)
            assert self.is_closing, f"{job} was refused by an open executor: {error!r}"
            return False
        self.listen_to(job)
        return True

    def outcome(self, job, future=None):
        future = future or job.future
        outcome = super().outcome(job, future)
        if outcome in (None, CANCELLED, BROKEN):
            return outcome
        error = future.exception(0)
        if type(error) is OWN_ERRORS.get(job.kind) and error.args == (job.number,):
            return OWN
        if job.kind == "not pickled" and isinstance(error, (pickle.PicklingError, AttributeError)):
            return OWN
        return outcome

    def new_job(self, kind):
        job = super().new_job(kind)
        if kind in DEADLY:
            job.may = job.may - {OWN} | {BROKEN}
            self.traces.expect("terminated abruptly")
            self.is_closing = self.is_closing or not self.restarts
            for other in list(self.jobs):
                other.may |= {BROKEN}
        elif any(other.kind in DEADLY for other in list(self.jobs)):
            job.may |= {BROKEN}
        return job

    def use_in_child(self):
        assert not self.executor._processes
        if not self.is_closing and len(self.jobs) % 3 == 0:
            assert self.executor.submit(int).result() == 0
        self.executor.shutdown()

    def end(self):
        self.executor.shutdown()
        for job in self.jobs:
            job.marks.close()
            job.marks = Marks(self._folder.name, job.number, False)
        # As long as it lives, it keeps those that tell of the end of its last process.
        del self.executor

    def finish(self):
        try:
            if hasattr(self, "executor"):
                super().finish()
        finally:
            for job in self.jobs:
                job.marks.close()
            self._folder.cleanup()

    def perform(self, where, *arguments, **options):
        # No task can make a call here.
        super().perform("thread" if where == "task" else where, *arguments, **options)

    # The executor

    @rule(kind=st.sampled_from(KINDS), where=where)
    def submit(self, kind, where):
        super().submit_somewhere(kind, where)

    @rule(where=where)
    def request_stop(self, where):
        def call():
            count = self.executor.request_stop()
            assert 0 <= count <= self.workers, f"{count} were asked"

        self.perform(where, "request_stop", call, disturbs=(CANCELLED, STOPPED))

    @precondition(lambda self: getattr(self, "restarts", False) or self.steps > 8)
    @rule(force=st.booleans(), where=where)
    def kill(self, force, where):
        method = "kill_workers" if force else "terminate_workers"
        counts[method] += 1

        def call():
            before = [job for job in list(self.jobs) if job.future is not None]
            begun = [job for job in before if job.begun]
            if not self.restarts:
                self.is_closing = True
            getattr(self.executor, method)()
            if not self.restarts:
                self.is_closed = True
            if threading.current_thread().name != "poolcompat-manager":
                for job in begun if self.restarts else before:
                    assert job.future.done(), f"{job} is not done after {method}"

        disturbs = (KILLED,) if self.restarts else (KILLED, CANCELLED)
        self.perform(where, method, call, disturbs=disturbs)

    @precondition(lambda self: self.steps > 8)
    @rule(waits=st.booleans(), cancels=st.booleans(), where=where)
    def shutdown(self, waits, cancels, where):
        def call():
            self.is_closing = True
            self.executor.shutdown(waits, cancel_futures=cancels)
            self.is_closed = True

        disturbs = (CANCELLED,) if cancels else ()
        where = "thread" if waits and where in INSIDE else where
        self.perform(where, f"shutdown({waits}, {cancels})", call, blocks=waits, disturbs=disturbs)


def _start_helpers():
    """Have the processes run that ``multiprocessing`` keeps."""
    if not counts["warmed up"]:
        counts["warmed up"] = 1
        with KillableThreadPoolExecutor(1) as executor:
            assert executor.submit(int).result() == 0

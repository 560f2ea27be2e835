"""``ThreadPool``, behind both doors."""

from __future__ import annotations

import contextlib
import itertools

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

import doors
from calls import counts
from jobs import ABANDONED, BROKEN, INTERRUPTED, NOT_STARTED, STOPPED, outcome_of
from machine import PoolMachine, indexes, kinds, timeouts, where
from poolcompat.futures import BrokenExecutor
from poolcompat.stopping import TaskStopped

CLOSED = "Pool not running"
SOON_S = 0.02
#: How long to wait for a result that is ready
READY_S = 0.001


class ThreadPoolMachine(PoolMachine):
    """One pool, until it is closed or terminated and after that."""

    door = doors.IMPORT
    calls_back_first = True

    def __init__(self):
        super().__init__()
        self._doors = contextlib.ExitStack()
        self.lib = self._doors.enter_context(doors.opened(self.door))
        self._iterators = []

    @initialize(workers=st.integers(1, 4))
    def open(self, workers):
        self.history.append(f"{workers} workers")
        self.workers = workers
        self.pool = self.lib.pool.ThreadPool(workers)

    def is_ours(self):
        return self.door == doors.IMPORT

    # What the base class asks for

    def submits(self, job):
        def succeeded(value):
            job.tell(outcome_of(None, value, job))

        def failed(error):
            job.tell(self.outcome_of_error(error, job))

        # One of three completes its result itself, without the thread for callbacks.
        callbacks = {} if job.number % 3 == 0 else {"callback": succeeded, "error_callback": failed}
        try:
            job.future = self.pool.apply_async(job, **callbacks)
        except ValueError as error:
            assert CLOSED in str(error)
            return False
        job.is_orphan = not callbacks
        return True

    def outcome(self, job):
        if job.future is None or not job.future.ready():
            return None
        try:
            return outcome_of(None, job.future.get(0), job)
        except BaseException as error:
            return self.outcome_of_error(error, job)

    def outcome_of_error(self, error, job):
        if isinstance(error, BrokenExecutor):
            return BROKEN
        if isinstance(error, ValueError) and CLOSED in str(error):
            return CLOSED
        return outcome_of(error, None, job)

    def use_in_child(self):
        for iterator in list(self._iterators):
            for _ in range(1000):
                with contextlib.suppress(BrokenExecutor, TaskStopped):
                    if next(iterator, None) is None:
                        break
        if not self.is_closing:
            assert self.pool.map(int, range(8)) == list(range(8))
        self.pool.terminate()
        self.pool.join()

    def end(self):
        self.pool.close()
        for iterator in self._iterators:
            iterator.drain()
        self.pool.join()

    def finish(self):
        if hasattr(self, "pool"):
            super().finish()
        self._doors.close()

    def may_close(self):
        self.is_closing = True

    # Results

    @rule(index=indexes, timeout=timeouts, where=where)
    def get(self, index, timeout, where):
        job = self.job(index)
        if job is None or job.future is None:
            return

        def call():
            try:
                outcome = outcome_of(None, job.future.get(timeout), job)
            except self.lib.pool.TimeoutError:
                assert timeout is not None
            except BaseException as error:
                outcome = self.outcome_of_error(error, job)
                assert outcome in job.may, f"{job} is {outcome}"
            else:
                assert outcome in job.may, f"{job} is {outcome}"

        self.perform(where, f"get {job}, {timeout}", call, timeout is None, timeout is not None)

    # The pool

    @rule(kind=kinds, where=where)
    def submit(self, kind, where):
        self.submit_somewhere(kind, where)

    @rule(count=st.integers(0, 20), size=st.sampled_from([None, 1, 3]), where=where)
    def map(self, count, size, where):
        def call():
            try:
                got = self.pool.map(str, range(count), size)
            except (ValueError, TaskStopped) as error:
                assert self.may_end_early(error), repr(error)
            else:
                assert got == [str(number) for number in range(count)]

        self.perform(where, f"map({count}, {size})", call, True, inside=False)

    def may_end_early(self, error):
        if isinstance(error, ValueError):
            return CLOSED in str(error) and self.is_closing
        return bool(self._disturbing)

    @rule(
        count=st.sampled_from([0, 1, 5, 20, None]),
        chunk=st.sampled_from([1, 3]),
        size=st.sampled_from([None, 1, 3]),
        ordered=st.booleans(),
        where=where,
    )
    def imap(self, count, chunk, size, ordered, where):
        if count is None and size is None:
            return
        items = itertools.count() if count is None else range(count)

        def call():
            method = self.pool.imap if ordered else self.pool.imap_unordered
            try:
                results = method(str, items, chunk, size)
            except ValueError as error:
                assert self.may_end_early(error), repr(error)
            else:
                self._iterators.append(Iteration(self, results, count, ordered))

        self.perform(where, f"imap({count}, {chunk}, {size}, {ordered})", call)

    @rule(index=indexes, timeout=timeouts, where=where)
    def next(self, index, timeout, where):
        if not self._iterators:
            return
        iterator = self._iterators[index % len(self._iterators)]

        def call():
            with contextlib.suppress(self.lib.pool.TimeoutError, StopIteration):
                iterator.take(timeout)

        name = f"next of {iterator}, {timeout}"
        self.perform(where, name, call, timeout is None, timeout is not None)

    @precondition(is_ours)
    @rule(where=where)
    def request_stop(self, where):
        def call():
            count = self.pool.request_stop()
            assert 0 <= count <= self.workers, f"{count} were asked"

        self.perform(where, "request_stop", call, disturbs=(NOT_STARTED, STOPPED))

    @precondition(lambda self: self.steps > 8)
    @rule(where=where)
    def close(self, where):
        def call():
            self.is_closing = True
            self.pool.close()
            self.is_closed = True

        self.perform(where, "close", call, disturbs=(CLOSED,))

    @precondition(lambda self: self.steps > 8)
    @rule(
        policy=st.sampled_from(["warn", "escalate", "silent"]),
        grace=st.sampled_from([0, SOON_S]),
        timeout=st.sampled_from([0, SOON_S]),
        where=where,
    )
    def terminate(self, policy, grace, timeout, where):
        def call():
            self.is_closing = True
            report = self.pool.terminate(policy, grace=grace, timeout=timeout)
            self.is_closed = True
            total = len(report.stopped) + len(report.interrupted) + len(report.survivors)
            assert total <= self.workers, f"{total} were terminated"

        self.traces.expect("TerminateWarning")
        disturbs = (NOT_STARTED, STOPPED, INTERRUPTED, ABANDONED, CLOSED)
        self.perform(where, f"terminate({policy}, {grace}, {timeout})", call, disturbs=disturbs)

    @rule(where=where)
    def join(self, where):
        def call():
            if self.is_closed:
                self.pool.join()

        self.perform(where, "join", call, True, inside=False)


class Iteration:
    """What ``imap()`` has returned, and what has come of it."""

    def __init__(self, machine, results, count, ordered):
        self._machine, self._results = machine, results
        self._count, self._ordered = count, ordered
        self._got = []
        counts["iterations"] += 1

    def __repr__(self):
        return f"iterator over {self._count}"

    def __next__(self):
        return next(self._results)

    def take(self, timeout):
        try:
            value = self._results.next(timeout)
        except TaskStopped as error:
            assert self._count is None or self._machine.may_end_early(error)
            return
        except ValueError as error:
            assert self._machine.may_end_early(error), repr(error)
            return
        self._got.append(int(value))

    def drain(self):
        """Take all that is left; ``join()`` has ended what would go on for ever."""
        for _ in range(100):
            try:
                self.take(None if self._count is not None else READY_S)
            except (StopIteration, self._machine.lib.pool.TimeoutError):
                break
        assert len(self._got) == len(set(self._got)), "a result has come twice"
        if self._count is not None and not self._machine._disturbing:
            assert sorted(self._got) == list(range(self._count)), self._got


class PatchedThreadPoolMachine(ThreadPoolMachine):
    """The standard library's, under ``patch_all()``."""

    door = doors.PATCH

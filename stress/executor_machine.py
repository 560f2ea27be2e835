"""``ThreadPoolExecutor``, behind both doors."""

from __future__ import annotations

import contextlib

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

import doors
from futures_machine import FuturesMachine
from jobs import ABANDONED, CANCELLED, INTERRUPTED, STOPPED
from machine import kinds, timeouts, where
from poolcompat.futures import CancelledError

# A time-out that is given, however the others go on
SOON_S = 0.02


class ExecutorMachine(FuturesMachine):
    """One executor, until it is shut down and after that."""

    door = doors.IMPORT

    def __init__(self):
        super().__init__()
        self._doors = contextlib.ExitStack()
        self.lib = self._doors.enter_context(doors.opened(self.door))

    @initialize(workers=st.integers(1, 4))
    def open(self, workers):
        self.history.append(f"{workers} workers")
        self.workers = workers
        self.executor = self.lib.futures.ThreadPoolExecutor(workers)

    def is_ours(self):
        return self.door == doors.IMPORT

    # What the base class asks for

    def submits(self, job):
        try:
            job.future = self.executor.submit(job)
        except RuntimeError as error:
            assert "cannot schedule new futures after shutdown" in str(error)
            return False
        self.listen_to(job)
        return True

    def use_in_child(self):
        if not self.is_closing:
            assert not self.executor._threads
            futures = [self.executor.submit(int) for _ in range(8)]
            assert [future.result() for future in futures] == [0] * 8
            assert len(self.executor._threads) <= self.workers
        self.executor.shutdown()

    def end(self):
        self.executor.shutdown()

    def finish(self):
        if hasattr(self, "executor"):
            super().finish()
        self._doors.close()

    # The executor

    @rule(kind=kinds, where=where)
    def submit(self, kind, where):
        self.submit_somewhere(kind, where)

    @rule(count=st.integers(0, 20), size=st.sampled_from([None, 1, 3]), where=where)
    def map(self, count, size, where):
        def call():
            try:
                got = []
                for value in self.executor.map(str, range(count), buffersize=size):
                    got.append(value)
            except RuntimeError:
                assert self.is_closing
            except CancelledError:
                assert self._disturbing
            else:
                assert len(got) == count
            assert got == [str(number) for number in range(len(got))]

        self.perform(where, f"map({count}, buffersize={size})", call, True, inside=False)

    @precondition(is_ours)
    @rule(where=where)
    def request_stop(self, where):
        def call():
            count = self.executor.request_stop()
            assert 0 <= count <= self.workers, f"{count} were asked"

        self.perform(where, "request_stop", call, disturbs=(CANCELLED, STOPPED))

    @precondition(lambda self: self.steps > 8)
    @rule(waits=st.booleans(), cancels=st.booleans(), timeout=timeouts, where=where)
    def shutdown(self, waits, cancels, timeout, where):
        options = {"timeout": timeout} if self.is_ours() and waits else {}
        blocks = waits and options.get("timeout") is None

        def call():
            self.is_closing = True
            try:
                self.executor.shutdown(waits, cancel_futures=cancels, **options)
            except self.lib.futures.TimeoutError as error:
                assert timeout is not None
                assert "still running" in str(error)
            self.is_closed = True

        disturbs = (CANCELLED,) if cancels else ()
        self.perform(
            where, f"shutdown({waits}, {cancels}, {options})", call, blocks, disturbs=disturbs
        )

    @precondition(lambda self: self.is_ours() and self.steps > 8)
    @rule(grace=st.sampled_from([0, SOON_S]), timeout=st.sampled_from([0, SOON_S]), where=where)
    def terminate_workers(self, grace, timeout, where):
        def call():
            self.is_closing = True
            report = self.executor.terminate_workers(grace=grace, timeout=timeout)
            self.is_closed = True
            total = len(report.stopped) + len(report.interrupted) + len(report.survivors)
            assert total <= self.workers, f"{total} were terminated"

        self.traces.expect("TerminateWarning")
        disturbs = (CANCELLED, STOPPED, INTERRUPTED, ABANDONED)
        self.perform(where, f"terminate_workers({grace}, {timeout})", call, disturbs=disturbs)


class PatchedExecutorMachine(ExecutorMachine):
    """The standard library's, under ``patch_all()``."""

    door = doors.PATCH

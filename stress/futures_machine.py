"""What can be done with futures, of whatever executor."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from calls import CallbackExit
from jobs import BROKEN, CANCELLED, STOPPED, outcome_of
from machine import PoolMachine, indexes, timeouts, where
from poolcompat.futures import BrokenExecutor, CancelledError


class FuturesMachine(PoolMachine):
    """An executor; ``lib.futures`` is where what waits for futures comes from."""

    def listen_to(self, job):
        """Have the job told of when its future calls back."""
        job.future.add_done_callback(lambda future: job.tell(self.outcome(job, future)))
        job.is_orphan = False

    def outcome(self, job, future=None):
        future = future or job.future
        if future is None or not future.done():
            return None
        if future.cancelled():
            return CANCELLED
        error = future.exception(0)
        if isinstance(error, BrokenExecutor):
            return BROKEN
        return outcome_of(error, future.result(0) if error is None else None, job)

    def futures(self):
        return [job.future for job in list(self.jobs) if job.future is not None]

    # Futures

    @rule(index=indexes, where=where)
    def cancel(self, index, where):
        job = self.job(index)
        if job is None or job.future is None:
            return

        def call():
            if job.future.cancel():
                job.may = {CANCELLED}
                assert job.future.cancelled()
            else:
                assert job.future.running() or job.future.done()

        job.may |= {CANCELLED, STOPPED} if job.kind == "look" else {CANCELLED}
        self.perform(where, f"cancel {job}", call)

    @rule(index=indexes, where=where, what=st.sampled_from(["raise", "exit", "submit", "cancel"]))
    def add_callback(self, index, where, what):
        job, other = self.job(index), self.job(index + 1)
        if job is None or job.future is None:
            return

        def callback(_):
            if what == "raise":
                raise LookupError("of a callback")
            if what == "exit":
                raise CallbackExit("of a callback")
            if what == "submit":
                self.submit_job(self.new_job("return"))
            if what == "cancel" and other.future is not None:
                other.future.cancel()

        def call():
            job.future.add_done_callback(callback)

        self.traces.expect("of a callback")
        if what == "cancel":
            other.may |= {CANCELLED, STOPPED} if other.kind == "look" else {CANCELLED}
        self.perform(where, f"add callback to {job}: {what}", call)

    @rule(timeout=timeouts, where=where, first=st.booleans())
    def wait(self, timeout, where, first):
        futures = self.futures()
        condition = ["ALL_COMPLETED", "FIRST_COMPLETED"][first]

        def call():
            done, others = self.lib.futures.wait(futures, timeout, return_when=condition)
            assert done | others == set(futures)
            assert all(future.done() for future in done)
            assert timeout is not None or not others or (first and done)

        self.perform(
            where, f"wait({timeout}, {condition})", call, timeout is None, timeout is not None
        )

    @rule(timeout=timeouts, where=where)
    def as_completed(self, timeout, where):
        futures = self.futures()

        def call():
            seen = []
            try:
                for future in self.lib.futures.as_completed(futures, timeout):
                    assert future.done()
                    seen.append(future)
            except self.lib.futures.TimeoutError:
                assert timeout is not None
            else:
                assert set(seen) == set(futures)
            assert len(seen) == len(set(seen))

        self.perform(where, f"as_completed({timeout})", call, timeout is None, timeout is not None)

    @rule(index=indexes, timeout=timeouts, where=where)
    def result(self, index, timeout, where):
        job = self.job(index)
        if job is None or job.future is None:
            return

        def call():
            try:
                error = job.future.exception(timeout)
            except CancelledError:
                assert job.future.cancelled()
            except self.lib.futures.TimeoutError:
                assert timeout is not None
            else:
                outcome = self.outcome(job)
                assert outcome in job.may, f"{job} is {outcome}: {error!r}"

        self.perform(
            where, f"result of {job}, {timeout}", call, timeout is None, timeout is not None
        )

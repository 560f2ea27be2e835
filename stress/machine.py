"""What the machines have in common: tasks, and calls from anywhere.

Hypothesis chooses the steps.  What is expected of a task only depends on what was called, in any
order, since it was submitted: so calls may be made at the same time.
"""

from __future__ import annotations

import itertools
import signal
import sys
import threading

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from calls import ALARM_S, Call, alarmed, counts, stuck, tell_once
from jobs import HELD, KINDS, Job
from traces import Traces, exit_status_of_fork

# Where a call is made.  "later": with others that are, all at the same time; "signal": in a
# handler that interrupts this thread while it submits.
WHERE = ("main", "thread", "task", "callback", "later", "signal")
INSIDE = ("task", "callback")
where = st.sampled_from(WHERE)
kinds = st.sampled_from(KINDS)
indexes = st.integers(0, 7)
timeouts = st.sampled_from([None, 0, 0.002])

# PyPy's queues are not made for it.
CAN_BE_INTERRUPTED = sys.implementation.name == "cpython"
# Without the GIL a child may wait in C for a lock of an object that another thread has held.
CAN_FORK = getattr(sys, "_is_gil_enabled", lambda: True)()


class PoolMachine(RuleBasedStateMachine):
    """A pool, and what was submitted to it.

    Attributes:
        jobs: What was submitted.
        calls: Those that may take until everything has been let go.
        is_closing: Whether somebody may have closed the pool.
        is_closed: Whether somebody has.
    """

    #: Whether callbacks are called before a result is there
    calls_back_first = False

    def __init__(self):
        super().__init__()
        counts["examples"] += 1
        self.traces = Traces()
        self.history = []
        self.jobs, self.calls, self._later, self._disturbing = [], [], [], []
        self.is_closing = self.is_closed = False
        self.steps = 0
        self._numbers = itertools.count()
        self._in_signal = None
        signal.signal(signal.SIGUSR1, self._on_signal)

    def perform(self, where, name, function, blocks=False, inside=True, disturbs=()):
        """Call *function* somewhere.

        Args:
            where: One of WHERE.
            name: What to call it.
            function: What is called.
            blocks: Whether it may take until everything was let go; otherwise it returns at once.
            inside: Whether it may be called by what it may wait for: a task or a callback.
            disturbs: With what tasks may end that it finds.
        """
        counts["calls"] += 1
        if where in INSIDE and not inside:
            where = "thread"
        holder = self.holder() if where in INSIDE else None
        self.history.append(f"{name} [{where}]")
        call = Call(name, function)
        if disturbs:
            self._disturbing.append((call, set(disturbs)))
            for job in self.jobs:
                job.may |= set(disturbs)
        if where == "later":
            self._later.append((call, blocks))
            return
        if where == "task" and holder:
            counts["calls in tasks"] += 1
            holder.order(call)
        elif where == "callback" and holder:
            counts["calls in callbacks"] += 1
            holder.order_afterwards(call)
        elif where == "signal" and CAN_BE_INTERRUPTED and not blocks:
            counts["calls in signal handlers"] += 1
            self._interrupt_with(call)
        elif where == "main":
            if blocks:
                self.let_all_go()
            with alarmed():
                call.run()
        else:
            call.start()
        self._see_to(call, blocks)

    def holder(self):
        """Return a task that makes calls, or whose callback does, or ``None``."""

        def find():
            jobs = (job for job in self.jobs if job.takes_orders())
            return next((job for job in jobs if not job.is_orphan), None)

        if find() is None and not self.is_closing and self.has_room():
            self.submit_somewhere("hold", "main")
        return find()

    def _see_to(self, call, blocks):
        if blocks:
            self.calls.append(call)
        else:
            call.check()

    def _on_signal(self, *_):
        call, self._in_signal = self._in_signal, None
        call.run()

    def _interrupt_with(self, call):
        self._in_signal = call
        main = threading.main_thread().ident
        thread = threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGUSR1))
        with alarmed():
            thread.start()
            while not call.done.is_set():
                self.submit_job(self.new_job("return"))
            thread.join()

    def new_job(self, kind):
        counts["tasks"] += 1
        job = self.make_job(next(self._numbers), kind)
        for call, outcomes in list(self._disturbing):
            if not call.done.is_set():
                job.may |= outcomes
        self.jobs.append(job)
        return job

    def make_job(self, number, kind):
        return Job(number, kind)

    def job(self, index):
        """Return one of the last jobs, if there is any."""
        return self.jobs[-1 - index % len(self.jobs)] if self.jobs else None

    def submit_job(self, job):
        """Submit it, or be refused by a pool that may be closed."""
        was_closed = self.is_closed
        if not self.submits(job):
            job.may = set()
            assert self.is_closing, f"{job} was refused by an open pool"
            return
        assert not was_closed, f"{job} was taken by a closed pool"

    def has_room(self):
        """Tell whether a thread must be free, now or soon."""
        held = [job for job in self.jobs if job.kind in HELD and not job.is_let_go]
        waiting = [call for call in self.calls if not call.done.is_set()]
        return len(held) + len(waiting) < self.workers

    def look_at(self, job, is_over):
        """See that its state is one that it may be in."""
        told = list(job.told)  # before the outcome, which comes first
        if job.future is not None:
            outcome = self.outcome(job)
            if outcome is None and self.calls_back_first:
                told = []
            job.check(outcome, told, is_over)

    def let_all_go(self):
        for job in list(self.jobs):
            if not job.is_let_go:
                job.let_go()

    def submit_somewhere(self, kind, where):
        """Submit a task, which must begin if there is room for it."""
        job, must_begin = None, False

        def call():
            nonlocal job, must_begin
            must_begin = self.has_room() and not self.is_closing
            job = self.new_job(kind)
            self.submit_job(job)

        self.perform(where, f"submit {kind}", call)
        if must_begin and not self.is_closing and not job.started.wait(ALARM_S):
            raise stuck(f"{job} does not begin")

    @rule(count=st.integers(1, 30), where=where)
    def submit_many(self, count, where):
        def call():
            for _ in range(count):
                self.submit_job(self.new_job("return"))

        self.perform(where, f"submit {count}", call)

    @rule(index=indexes)
    def let_go(self, index):
        job = self.job(index)
        if job is not None and not job.is_let_go:
            self.history.append(f"let {job} go")
            job.let_go()

    @rule(forks=st.booleans())
    def all_at_once(self, forks):
        """Make all calls that are to be made later, and perhaps fork meanwhile."""
        later, self._later = self._later, []
        self.history.append(f"{len(later)} at once{', and fork' if forks else ''}")
        barrier = threading.Barrier(len(later) + 1)

        def begin(call):
            barrier.wait()
            call.run()

        threads = [threading.Thread(target=begin, args=(call,)) for call, _ in later]
        for thread in threads:
            thread.start()
        barrier.wait()
        if forks:
            self._fork()
        for call, blocks in later:
            self._see_to(call, blocks)

    @precondition(lambda self: self.steps % 4 == 0)
    @rule()
    def fork(self):
        self.history.append("fork")
        self._fork()

    def _fork(self):
        if not CAN_FORK:
            return
        counts["forks"] += 1
        before = [(job, job.future, self.outcome(job)) for job in list(self.jobs)]

        def in_child():
            for job, future, outcome in before:
                if future is not None:
                    job.future = future
                    job.check_in_child(self.outcome(job), outcome)
            self.use_in_child()

        with alarmed(3 * ALARM_S):
            status = exit_status_of_fork(in_child, ALARM_S)
        assert status == 0, f"the forked child has ended with {status}"

    # What must hold after each step, and at the end

    @invariant()
    def each_is_in_one_state(self):
        counts["steps"] += 1
        self.steps += 1
        for job in list(self.jobs):
            self.look_at(job, is_over=False)
        for call in self.calls:
            if call.done.is_set():
                call.check()
        self.traces.check()

    def teardown(self):
        error = sys.exc_info()[1]
        self.has_failed = isinstance(error, Exception)
        try:
            self.finish()
        except Exception as another:
            error = error or another
            raise
        finally:
            self.traces.close()
            if isinstance(error, Exception):
                tell_once(self, error)

    def finish(self):
        """Let everything go, end the pool, and see that nothing is left."""
        self.all_at_once(False)
        while not all(job.is_let_go for job in list(self.jobs)) or self.calls:
            self.let_all_go()
            calls, self.calls = self.calls, []
            for call in calls:
                self.wait_letting_go(call)
        self.history.append("the end")
        self.is_closing = True
        self.wait_letting_go(Call("end", self.end).start())
        for job in self.jobs:
            self.look_at(job, is_over=True)
        if not self.has_failed:  # The traceback of a failure keeps much.
            self.traces.check_nothing_is_left()
        self.traces.check()

    def wait_letting_go(self, call):
        # What is called now may submit more.
        for _ in range(100):
            self.let_all_go()
            if call.done.wait(ALARM_S / 100):
                break
        call.check()

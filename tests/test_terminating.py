"""``terminate_workers()`` of the executor: who is asked, who is interrupted, and who is not."""

from __future__ import annotations

import threading

import pytest

from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat.futures import CancelledError, ThreadPoolExecutor, as_completed, wait
from poolcompat.stopping import ThreadTerminated, current_stop_event, shield, sleep
from terminating_things import Task, reason_of, running, spin, until_asked


def test_tasks_that_listen_stop_by_themselves():
    """Within the grace nobody is interrupted; what they return or raise is the outcome."""
    executor = ThreadPoolExecutor(3)
    futures = running(executor, until_asked, lambda: sleep(10 * DEADLOCK_S))
    report = executor.terminate_workers(grace=DEADLOCK_S, timeout=DEADLOCK_S)

    assert futures[0].result(0) == "cleaned up"
    assert reason_of(futures[1]) == "stopped"
    assert (len(report.stopped), report.interrupted, report.survivors) == (2, (), ())
    assert f"{Task.__module__}.Task object" in report.stopped[0].task
    assert report.stopped[0].seconds >= 0
    assert not any(thread.is_alive() for thread in executor._threads)


@needs_interrupts
@pytest.mark.parametrize("wait_for", [spin, threading.Event().wait])
def test_the_others_are_interrupted(wait_for):
    """The caller sees TaskStopped, never the SystemExit that it was."""
    executor = ThreadPoolExecutor(8)
    futures = running(executor, *[wait_for] * 8)
    report = executor.terminate_workers(grace=0)

    assert {reason_of(future) for future in futures} == {"interrupted"}
    assert (report.stopped, len(report.interrupted), report.survivors) == ((), 8, ())
    error = futures[0].exception()
    assert isinstance(error, CancelledError)
    assert isinstance(error.__cause__, ThreadTerminated)
    assert issubclass(ThreadTerminated, SystemExit)


@needs_interrupts
def test_it_is_tried_again_until_it_stops():
    """A task that swallows the exception gets another one."""
    swallowed = []

    def stubborn():
        while len(swallowed) < 3:
            try:
                spin()
            except SystemExit as error:
                swallowed.append(error)
        return "at last"

    executor = ThreadPoolExecutor(1)
    (future,) = running(executor, stubborn)
    report = executor.terminate_workers(grace=0, timeout=DEADLOCK_S)

    assert future.result(0) == "at last"
    assert len(swallowed) == 3
    assert len(report.interrupted) == 1


@needs_interrupts
def test_except_exception_does_not_swallow_it():
    """A task that catches every Exception in a loop stops all the same."""

    def loop():
        while True:
            try:
                spin()
            except Exception:
                continue

    executor = ThreadPoolExecutor(1)
    (future,) = running(executor, loop)
    executor.terminate_workers(grace=0)
    assert reason_of(future) == "interrupted"


def test_what_has_not_started_is_cancelled():
    """It never runs, and whoever waits for it is woken."""
    executor = ThreadPoolExecutor(1)
    (future,) = running(executor, until_asked)
    queued = [executor.submit(pytest.fail) for _ in range(3)]
    executor.terminate_workers(grace=DEADLOCK_S, timeout=DEADLOCK_S)

    assert all(one.cancelled() for one in queued)
    assert not wait([future, *queued], 0).not_done
    assert set(as_completed([future, *queued], 0)) == {future, *queued}
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)


@needs_interrupts
def test_a_callback_is_never_interrupted():
    """Not even that of a task which was."""
    executor = ThreadPoolExecutor(1)
    steps = []
    go_on = threading.Event()

    def callback(_):
        steps.append("begun")
        for _ in range(100):
            go_on.wait(0.001)
        steps.append("ended")

    (future,) = running(executor, spin)
    future.add_done_callback(callback)
    executor.terminate_workers(grace=0, timeout=DEADLOCK_S)
    assert steps == ["begun", "ended"]


@needs_interrupts
def test_a_shield_holds_it_back():
    """What must not be cut in two is not, and the exception comes when the block ends."""
    steps = []
    begun = threading.Event()

    def task():
        with shield():
            begun.set()
            current_stop_event().wait(DEADLOCK_S)
            for _ in range(50):
                threading.Event().wait(0.001)
            steps.append("whole")
        steps.append("not reached")

    executor = ThreadPoolExecutor(1)
    future = executor.submit(task)
    assert begun.wait(DEADLOCK_S)
    report = executor.terminate_workers(grace=0, timeout=DEADLOCK_S)
    assert steps == ["whole"]
    assert reason_of(future) == "interrupted"
    assert len(report.interrupted) == 1


@needs_interrupts
def test_a_task_that_is_parked_and_shared_leaves_the_lock_free():
    """Who else uses the condition goes on as if nothing had happened."""
    condition = threading.Condition()
    with ThreadPoolExecutor(1) as other:

        def park():
            with condition:
                condition.wait()
                return "notified"

        executor = ThreadPoolExecutor(1)
        (terminated,) = running(executor, park)
        executor.terminate_workers(grace=0, timeout=DEADLOCK_S)
        (future,) = running(other, park)
        while not condition._waiters:
            pass
        with condition:
            condition.notify()
        assert future.result(DEADLOCK_S) == "notified"
    assert reason_of(terminated) == "interrupted"

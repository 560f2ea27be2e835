"""``terminate_workers()`` of the executor: the ladder from top to bottom."""

from __future__ import annotations

import sys
import threading
import warnings

import pytest

import fresh
from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat import TaskStopped, TerminateReport, TerminateWarning
from poolcompat.futures import CancelledError, ThreadPoolExecutor, as_completed, wait
from poolcompat.stopping import ThreadTerminated, current_stop_event, shield, sleep


class Task:
    """A task that says that it runs, and then does something."""

    def __init__(self, function):
        self.running = threading.Event()
        self.function = function

    def __call__(self):
        self.running.set()
        return self.function()


def running(executor, *functions):
    """Have functions run in an executor, and return their futures once they do."""
    tasks = [Task(function) for function in functions]
    futures = [executor.submit(task) for task in tasks]
    for task in tasks:
        assert task.running.wait(DEADLOCK_S)
    return futures


def reason_of(future):
    with pytest.raises(TaskStopped) as caught:
        future.result(DEADLOCK_S)
    return caught.value.reason


def spin():
    while True:
        pass


def until_asked():
    current_stop_event().wait(DEADLOCK_S)
    return "cleaned up"


@pytest.fixture
def stuck():
    """A function that is stuck in C, until the test ends."""
    lock = threading.Lock()
    lock.acquire()
    yield lock.acquire
    # Each thread that was let go lets the next one go.
    lock.release()


def stuck_in(lock_acquire):
    """A task of that kind, which lets the next one go."""

    def task():
        lock_acquire()
        lock_acquire.__self__.release()

    return task


def test_tasks_that_listen_stop_by_themselves():
    """Within the grace nobody is interrupted; what they return or raise is the outcome."""
    executor = ThreadPoolExecutor(3)
    futures = running(executor, until_asked, lambda: sleep(10 * DEADLOCK_S))
    report = executor.terminate_workers(grace=DEADLOCK_S, timeout=DEADLOCK_S)

    assert futures[0].result(0) == "cleaned up"
    assert reason_of(futures[1]) == "stopped"
    assert (len(report.stopped), report.interrupted, report.survivors) == (2, (), ())
    assert "test_terminating.Task object" in report.stopped[0].task
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


@pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")
def test_what_goes_on_is_abandoned(stuck):
    """Its future is done, shutdown() does not wait for it, and its end goes unnoticed."""
    threads = []

    def task():
        threads.append(threading.current_thread())
        stuck_in(stuck)()

    with ThreadPoolExecutor(2) as executor:
        future, other = running(executor, task, until_asked)
        report = executor.terminate_workers(grace=0.01, timeout=0.02)
        assert reason_of(future) == "abandoned"
        executor.shutdown(wait=True)
    assert other.result(0) == "cleaned up"
    assert len(report.survivors) == 1
    assert threads[0].is_alive()


def test_the_warning_says_where_it_is_stuck(stuck):
    """It points at the caller's line, and names the thread, the task and the time."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="stuck")
    running(executor, stuck_in(stuck))
    with pytest.warns(TerminateWarning) as caught:
        line, report = sys._getframe().f_lineno, executor.terminate_workers(grace=0, timeout=0.01)
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, line)
    assert str(warning.message) == str(report)
    (survivor,) = report.survivors
    assert survivor.thread == "stuck_0"
    assert survivor.seconds > 0
    assert "lock_acquire()" in survivor.stack[-1]
    assert "1 task goes on" in str(report)


def test_a_callback_that_goes_on_is_abandoned_too(stuck):
    """It is not interrupted, and it is told of."""
    executor = ThreadPoolExecutor(1)
    ready, in_callback = threading.Event(), threading.Event()
    future = executor.submit(ready.wait, DEADLOCK_S)
    future.add_done_callback(lambda _: in_callback.set() or stuck_in(stuck)())
    ready.set()
    assert in_callback.wait(DEADLOCK_S)
    with pytest.warns(TerminateWarning, match="a done-callback in thread"):
        report = executor.terminate_workers(grace=0, timeout=0.05)
    assert future.result(0) is True
    assert len(report.survivors) == 1


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


def test_it_may_be_called_from_a_task():
    """It neither waits for itself nor interrupts itself; the task is asked, and goes on."""
    executor = ThreadPoolExecutor(2)
    seen = []

    def terminate():
        report = executor.terminate_workers(grace=DEADLOCK_S, timeout=DEADLOCK_S)
        seen.append((report, current_stop_event().is_set()))
        return "went on"

    (other,) = running(executor, until_asked)
    future = executor.submit(terminate)
    assert future.result(DEADLOCK_S) == "went on"
    assert other.result(0) == "cleaned up"
    ((report, was_asked),) = seen
    assert was_asked
    assert len(report.stopped) == 1
    executor.shutdown(timeout=DEADLOCK_S)


def test_it_may_be_called_from_a_callback():
    """It does not wait for the thread that calls it."""
    executor = ThreadPoolExecutor(1)
    reports = []
    go = threading.Event()
    future = executor.submit(go.wait, DEADLOCK_S)
    future.add_done_callback(lambda _: reports.append(executor.terminate_workers()))
    go.set()
    executor.shutdown(timeout=DEADLOCK_S)
    assert [report.survivors for report in reports] == [()]


@needs_interrupts
def test_two_threads_may_call_it_at_once():
    """Both return, and each task ends once."""
    executor = ThreadPoolExecutor(4)
    futures = running(executor, *[spin] * 4)
    together = threading.Barrier(2)
    reports = []

    def terminate():
        together.wait(DEADLOCK_S)
        reports.append(executor.terminate_workers(grace=0, timeout=DEADLOCK_S))

    threads = [threading.Thread(target=terminate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert [report.survivors for report in reports] == [(), ()]
    assert {reason_of(future) for future in futures} == {"interrupted"}


@needs_interrupts
def test_two_tasks_may_terminate_their_executor_at_once():
    """One may interrupt the other; nobody waits for ever."""
    executor = ThreadPoolExecutor(2)
    together = threading.Barrier(2)

    def terminate():
        together.wait(DEADLOCK_S)
        executor.terminate_workers(grace=0, timeout=DEADLOCK_S)

    futures = [executor.submit(terminate) for _ in range(2)]
    assert not wait(futures, DEADLOCK_S).not_done
    executor.shutdown(timeout=DEADLOCK_S)


def test_an_idle_executor_is_terminated_without_a_word():
    """Nothing runs: no warning, and a report that says so."""
    executor = ThreadPoolExecutor(2)
    executor.submit(int).result(DEADLOCK_S)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = executor.terminate_workers()
        again = executor.terminate_workers()
    assert isinstance(report, TerminateReport)
    assert str(report) == str(again) == "no task was left running"
    assert not any(thread.is_alive() for thread in executor._threads)


@pytest.mark.parametrize(
    ("times", "error", "said"),
    [
        ({"grace": -1}, ValueError, "grace must be at least 0 seconds, not -1"),
        ({"grace": None}, TypeError, "grace must be a number of seconds, not None"),
        ({"timeout": -0.5}, ValueError, "timeout must be at least 0 seconds or None, not -0.5"),
        ({"timeout": "5"}, TypeError, "timeout must be a number of seconds or None, not '5'"),
    ],
)
def test_bad_times_are_refused_at_the_call(times, error, said):
    """Nothing has happened then."""
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(error) as caught:
            executor.terminate_workers(**times)
        assert str(caught.value) == said
        assert executor.submit(int).result(DEADLOCK_S) == 0


def test_a_callback_that_leaves_keeps_nothing_from_ending():
    """SystemExit from the callback of a cancelled future comes out when all is over."""

    def leave(_):
        raise SystemExit("from a callback")

    executor = ThreadPoolExecutor(1)
    (future,) = running(executor, until_asked)
    executor.submit(int).add_done_callback(leave)
    with pytest.raises(SystemExit, match="from a callback"):
        executor.terminate_workers(grace=DEADLOCK_S, timeout=DEADLOCK_S)
    assert future.result(0) == "cleaned up"


def test_the_interpreter_exits_without_what_was_abandoned():
    """On every version, and in the block of the executor too."""
    said = fresh.run(
        """
        import threading, warnings
        import poolcompat.futures
        warnings.simplefilter("ignore")
        lock, begun = threading.Lock(), threading.Event()
        lock.acquire()
        with poolcompat.futures.ThreadPoolExecutor(2) as executor:
            future = executor.submit(lambda: (begun.set(), lock.acquire()))
            begun.wait()
            executor.terminate_workers(grace=0, timeout=0.01)
        print(future.exception().reason)
        """
    )
    assert said == "abandoned\n"


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

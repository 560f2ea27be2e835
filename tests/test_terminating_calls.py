"""Who may call ``terminate_workers()`` of the executor, when and with what."""

from __future__ import annotations

import threading
import warnings

import pytest

from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat import TerminateReport
from poolcompat.futures import ThreadPoolExecutor, wait
from poolcompat.stopping import current_stop_event
from terminating_things import reason_of, running, spin, until_asked


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

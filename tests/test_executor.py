"""``ThreadPoolExecutor``, behind both doors."""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.thread
import threading
import warnings

import pytest

import poolcompat.futures
from conftest import DEADLOCK_S
from poolcompat import _stdlib
from poolcompat.futures import _exit


@pytest.fixture
def executor(lib):
    """An executor with one worker."""
    with lib.futures.ThreadPoolExecutor(max_workers=1) as executor:
        yield executor


@pytest.fixture
def busy(executor, hold):
    """The future of a task that keeps the only worker busy."""
    started = threading.Event()
    future = executor.submit(lambda: started.set() or hold.wait(DEADLOCK_S))
    assert started.wait(DEADLOCK_S)
    yield future
    hold.set()


def test_submit_passes_any_keyword(executor):
    """The call may have arguments named like those of submit()."""
    assert executor.submit(dict, [("a", 1)], self=2, fn=3).result() == {"a": 1, "self": 2, "fn": 3}


def test_submit_needs_a_callable(executor):
    """submit() without one is a TypeError."""
    with pytest.raises(TypeError):
        executor.submit()


def test_submit_takes_the_function_by_keyword_where_that_was_allowed(executor):
    """submit(fn=...) works on 3.7, warns on 3.8 and is a TypeError since, behind both doors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if _stdlib.SUBMIT_TAKES_FN_BY_KEYWORD:
            assert executor.submit(fn=int).result(DEADLOCK_S) == 0
        else:
            with pytest.raises(TypeError):
                executor.submit(fn=int)

    warned = [(warning.category, warning.filename) for warning in caught]
    assert warned == [(DeprecationWarning, __file__)] * _stdlib.SUBMIT_WARNS_OF_KEYWORD


def test_submit_returns_our_future():
    """Behind the import door a future is ours, and the standard library's."""
    with poolcompat.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(int)
        assert type(future) is poolcompat.futures.Future
        assert isinstance(future, concurrent.futures.Future)


@pytest.mark.parametrize("max_workers", [0, -1])
def test_the_number_of_workers_must_be_positive(lib, max_workers):
    """The error is the standard library's."""
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        lib.futures.ThreadPoolExecutor(max_workers=max_workers)


def test_cancel_futures_is_keyword_only(executor):
    """shutdown(True, True) is a TypeError, as in 3.9, and does not shut down."""
    with pytest.raises(TypeError):
        executor.shutdown(True, True)
    assert executor.submit(int).result(DEADLOCK_S) == 0


def test_cancel_futures_spares_what_runs(executor, busy, hold):
    """What has not started is cancelled; what runs goes on to its result."""
    pending = [executor.submit(int) for _ in range(3)]

    executor.shutdown(wait=False, cancel_futures=True)

    assert [future.cancelled() for future in pending] == [True] * 3
    assert not busy.done()
    hold.set()
    assert busy.result(DEADLOCK_S) is True


def test_without_cancel_futures_the_backlog_is_run(executor, busy, hold):
    """shutdown() alone lets everything that was submitted run."""
    pending = [executor.submit(int) for _ in range(3)]
    executor.shutdown(wait=False)
    hold.set()
    executor.shutdown(wait=True)

    assert [future.result() for future in pending] == [0] * 3


def test_no_work_is_taken_after_shutdown(executor):
    """submit() and map() raise what they raise in the standard library."""
    executor.shutdown()

    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(int)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.map(int, [1])


def test_shutdown_waits_for_the_threads(lib):
    """With wait=True, the default, no worker is alive when shutdown() returns; twice is fine."""
    executor = lib.futures.ThreadPoolExecutor(3)
    list(executor.map(str, range(10)))
    executor.shutdown()
    executor.shutdown(wait=True, cancel_futures=True)

    assert not any(thread.is_alive() for thread in executor._threads)


def test_unpatched_waiting_functions_see_what_shutdown_cancelled(hold):
    """Behind the import door alone, the standard library's as_completed() and wait() return."""
    with poolcompat.futures.ThreadPoolExecutor(1) as executor:
        executor.submit(hold.wait)
        futures = [executor.submit(int) for _ in range(3)]
        futures[0].cancel()
        executor.shutdown(wait=False, cancel_futures=True)

        assert set(concurrent.futures.as_completed(futures, DEADLOCK_S)) == set(futures)
        assert concurrent.futures.wait(futures, DEADLOCK_S).done == set(futures)
        hold.set()


@pytest.mark.parametrize("call", ["submit", "shutdown"])
def test_a_callback_of_a_cancelled_future_may_use_the_executor(executor, busy, call):
    """Done-callbacks run without a lock held: they may submit, in vain, and shut down."""
    outcome = []

    def callback(_):
        try:
            outcome.append(executor.submit(int) if call == "submit" else executor.shutdown(False))
        except RuntimeError as error:
            outcome.append(str(error))

    executor.submit(int).add_done_callback(callback)
    executor.shutdown(wait=False, cancel_futures=True)

    assert outcome == [{"submit": "cannot schedule new futures after shutdown"}.get(call)]


def test_a_callback_that_raises_keeps_no_other_future_pending(executor, busy):
    """All futures are cancelled, then the first exception is raised."""

    def leave(_):
        raise SystemExit("from a callback")

    futures = [executor.submit(int) for _ in range(3)]
    for future in futures:
        future.add_done_callback(leave)

    with pytest.raises(SystemExit, match="from a callback"):
        executor.shutdown(wait=False, cancel_futures=True)

    assert [future.cancelled() for future in futures] == [True] * 3


def test_futures_that_were_done_before_stay_as_they_are(executor, busy):
    """A queued future that somebody else has completed is left alone."""
    finished, failed = executor.submit(int), executor.submit(int)
    finished.set_result(1)
    failed.set_exception(KeyError())

    executor.shutdown(wait=False, cancel_futures=True)

    assert finished.result() == 1
    assert isinstance(failed.exception(), KeyError)


def test_submit_after_the_interpreter_began_to_shut_down(lib, monkeypatch):
    """The error is the standard library's."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        monkeypatch.setattr(concurrent.futures.thread, "_shutdown", True)
        monkeypatch.setattr(_exit, "_has_begun", True)
        with pytest.raises(RuntimeError, match="after interpreter shutdown"):
            executor.submit(int)
        monkeypatch.undo()


def test_asyncio_takes_the_executor(lib):
    """An event loop accepts it as its default executor and runs in it."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(lib.futures.ThreadPoolExecutor(1))
        return await loop.run_in_executor(None, threading.current_thread)

    thread = asyncio.run(main())
    thread.join(DEADLOCK_S)
    assert thread is not threading.current_thread()


def test_instances_of_the_standard_library_pass_for_ours():
    """isinstance() takes an executor that a third party made."""
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        assert isinstance(executor, poolcompat.futures.ThreadPoolExecutor)


def test_shutdown_waits_for_as_long_as_it_is_told(hold):
    """When the time is over it raises TimeoutError naming the tasks that run, and they go on."""
    started = threading.Event()

    def task():
        started.set()
        hold.wait(DEADLOCK_S)
        return "done"

    executor = poolcompat.futures.ThreadPoolExecutor(2, thread_name_prefix="busy")
    future = executor.submit(task)
    assert started.wait(DEADLOCK_S)

    with pytest.raises(TimeoutError, match=r"still running: .*task in thread 'busy_0'") as caught:
        executor.shutdown(timeout=0)
    assert isinstance(caught.value, concurrent.futures.TimeoutError)
    hold.set()
    executor.shutdown(timeout=DEADLOCK_S)
    assert future.result() == "done"


@pytest.mark.parametrize(("timeout", "error"), [(-1, ValueError), ("1", TypeError)])
def test_a_wrong_timeout_is_refused_at_the_call(timeout, error):
    """Nothing is shut down then."""
    with poolcompat.futures.ThreadPoolExecutor(1) as executor:
        with pytest.raises(error):
            executor.shutdown(timeout=timeout)
        assert executor.submit(int).result(DEADLOCK_S) == 0


def test_an_error_in_the_block_runs_the_queue_unless_asked_otherwise(lib, hold):
    """cancel_on_error is off by default, as in the standard library."""
    calls = []

    def leave_by_an_error(executor):
        with executor:
            executor.submit(hold.wait, DEADLOCK_S)
            executor.submit(calls.append, 1).add_done_callback(
                lambda f: calls.append(f.cancelled())
            )
            hold.set()
            raise KeyError

    with pytest.raises(KeyError):
        leave_by_an_error(lib.futures.ThreadPoolExecutor(1))
    assert calls == [1, False]


def test_two_workers_may_shut_down_at_once(lib):
    """Neither waits for the other for ever, and both end."""
    both = threading.Barrier(2)

    def shut_down():
        both.wait(DEADLOCK_S)
        executor.shutdown()

    executor = lib.futures.ThreadPoolExecutor(2)
    futures = [executor.submit(shut_down) for _ in range(2)]
    assert [future.result(DEADLOCK_S) for future in futures] == [None] * 2
    executor.shutdown()

    assert not any(thread.is_alive() for thread in executor._threads)

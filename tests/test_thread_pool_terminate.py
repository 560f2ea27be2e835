"""Who may terminate a ``ThreadPool``, and what those get who wait for its results."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest

from conftest import DEADLOCK_S
from outcomes import reason_of
from poolcompat import TaskStopped

pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


@pytest.fixture
def pool(lib):
    """A pool with one thread, ended without a word."""
    with lib.pool.ThreadPool(1) as pool:
        yield pool


@pytest.mark.parametrize("end", ["terminate", "with"])
def test_every_outstanding_result_becomes_ready(lib, held, end):
    """After terminate(), and after a with block, nobody waits for a result."""
    pool = lib.pool.ThreadPool(1)
    running = pool.apply_async(held.task)
    held.wait_until_running()
    queued = pool.apply_async(int)
    mapped = pool.map_async(int, range(3))
    iterated = pool.imap(int, range(3))
    unordered = pool.imap_unordered(int, range(3))
    chunked = pool.imap(int, range(4), chunksize=2)
    if end == "terminate":
        pool.terminate()
    else:
        with pool:
            pass

    assert reason_of(running.get) == "abandoned"
    assert reason_of(queued.get) == "not started"
    assert reason_of(mapped.get) == "not started"
    queued.wait()
    assert queued.ready()
    assert not queued.successful()
    for iterator in (iterated, unordered, chunked):
        assert reason_of(lambda iterator=iterator: next(iterator)) == "not started"
        assert list(iterator) == []


def test_task_stopped_is_a_cancelled_error():
    """One except clause around get() and result() handles both; the message tells what was."""
    error = TaskStopped("not started")

    assert isinstance(error, concurrent.futures.CancelledError)
    assert str(error) == "the task was dropped before it was started"
    with pytest.raises(ValueError, match="reason must be one of"):
        TaskStopped("tired")


def test_results_that_were_there_before_stay(pool):
    """terminate() changes no result that is ready."""
    good = pool.apply_async(int)
    bad = pool.apply_async(int, ("x",))
    good.wait(DEADLOCK_S)
    bad.wait(DEADLOCK_S)

    pool.terminate()

    assert good.get() == 0
    with pytest.raises(ValueError, match="invalid literal"):
        bad.get()


def test_items_that_were_there_before_are_still_iterated(lib, held):
    """An iterator yields what was finished, then raises once, then ends."""
    with lib.pool.ThreadPool(1) as pool:
        results = pool.imap(lambda number: held.task() if number else number, range(3))
        held.wait_until_running()
        with results._cond:
            assert results._cond.wait_for(lambda: results._items, DEADLOCK_S)
        pool.terminate()

    assert next(results) == 0
    assert reason_of(lambda: next(results)) == "abandoned"
    with pytest.raises(StopIteration):
        next(results)


def test_threads_that_wait_are_woken(pool, held):
    """Who already waits for a result or an item when the pool is terminated is woken."""
    pool.apply_async(held.task)
    held.wait_until_running()
    queued, iterator = pool.apply_async(int), pool.imap(int, range(3))
    waiting = threading.Barrier(3)
    outcomes = []

    def ask(get):
        waiting.wait(DEADLOCK_S)
        outcomes.append(reason_of(get))

    threads = [threading.Thread(target=ask, args=(get,)) for get in (queued.get, iterator.next)]
    for thread in threads:
        thread.start()
    waiting.wait(DEADLOCK_S)
    pool.terminate()
    for thread in threads:
        thread.join(DEADLOCK_S)

    assert outcomes == ["not started"] * 2


def test_error_callbacks_are_called(pool, held, caplog):
    """Each outstanding result calls its error callback once, even if another one raises."""
    pool.apply_async(held.task)
    held.wait_until_running()
    errors, values = [], []

    def bad(_):
        raise KeyError("callback")

    pool.apply_async(int, callback=values.append, error_callback=errors.append)
    pool.apply_async(int, error_callback=bad)
    pool.map_async(int, range(3), callback=values.append, error_callback=errors.append)

    pool.terminate()
    pool.terminate()

    assert [error.reason for error in errors] == ["not started"] * 2
    assert values == []
    assert "exception calling the error callback" in caplog.text
    assert "KeyError: 'callback'" in caplog.text


def test_a_callback_that_leaves_keeps_no_result_waiting(pool, held):
    """SystemExit from a callback is raised by terminate() when all results are ready."""
    pool.apply_async(held.task)
    held.wait_until_running()

    def leave(_):
        raise SystemExit("from a callback")

    results = [pool.apply_async(int, error_callback=leave) for _ in range(3)]

    with pytest.raises(SystemExit, match="from a callback"):
        pool.terminate()

    assert [result.ready() for result in results] == [True] * 3


def test_the_first_exception_of_a_map_is_kept(lib, held):
    """A map of which a part has failed when the pool is terminated raises that exception."""
    failed = threading.Event()

    def work(number):
        if number:
            return held.task()
        raise KeyError(number)

    with lib.pool.ThreadPool(2) as pool:
        result = pool.map_async(work, range(2), chunksize=1)
        held.wait_until_running()
        original = result._set
        result._set = lambda *args: (original(*args), failed.set())
        pool.apply(int)
        pool.terminate()

    with pytest.raises(KeyError):
        result.get()


def test_a_map_that_has_begun_is_abandoned(pool, held):
    """The reason tells a map of which something has run from one that never began."""
    result = pool.map_async(lambda number: held.task() if number == 1 else None, range(3), 1)
    held.wait_until_running()
    pool.terminate()

    assert reason_of(result.get) == "abandoned"


def test_a_callback_may_terminate_the_pool(pool, held):
    """The result whose callback does it keeps its value, as does one that came meanwhile."""
    reports = []
    submitted = threading.Event()

    def callback(_):
        assert submitted.wait(DEADLOCK_S)
        later.wait(DEADLOCK_S)
        held.wait_until_running()
        reports.append(pool.terminate())

    result = pool.apply_async(int, ("7",), callback=callback)
    later = pool.apply_async(int, ("8",))
    running = pool.apply_async(held.task)
    submitted.set()

    assert result.get(DEADLOCK_S) == 7
    assert later.get(0) == 8
    assert reason_of(running.get) == "abandoned"
    held.let_go()
    pool.join()
    assert [len(report.survivors) for report in reports] == [1]


def test_a_task_may_terminate_its_pool(pool):
    """It does not deadlock, does not warn of itself, and its own result is lost."""
    reports = []
    result = pool.apply_async(lambda: reports.append(pool.terminate()))

    assert reason_of(lambda: result.get(DEADLOCK_S)) == "abandoned"
    pool.join()
    assert [report.survivors for report in reports] == [()]


def test_two_threads_may_terminate_at_once(pool, held):
    """Both return, and each result becomes ready."""
    pool.apply_async(held.task)
    held.wait_until_running()
    results = [pool.apply_async(int) for _ in range(50)]
    together = threading.Barrier(2)

    def terminate():
        together.wait(DEADLOCK_S)
        pool.terminate()

    threads = [threading.Thread(target=terminate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)

    assert {reason_of(result.get) for result in results} == {"not started"}


@pytest.mark.parametrize(
    "submit",
    [
        lambda pool: pool.apply_async(int).get,
        lambda pool: pool.map_async(int, range(3)).get,
        lambda pool: pool.imap(int, range(3)).next,
        lambda pool: pool.imap_unordered(int, range(3)).next,
    ],
)
def test_a_submission_that_crosses_the_end_becomes_ready(pool, submit):
    """A submission that passed its check before the pool was terminated hangs nobody."""

    class Crossing:
        """The queue to which a submission goes after its result has been registered."""

        def put(self, task):
            pool._taskqueue = original
            pool.terminate()
            original.put(task)

    original, pool._taskqueue = pool._taskqueue, Crossing()

    get = submit(pool)

    assert reason_of(get) == "not started"

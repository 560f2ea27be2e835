"""``ProcessPoolExecutor``, behind both doors: the calls."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import os
import signal
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import echo, fail, hold, nested, noted
from outcomes import error_of
from process_tasks import (
    CHEAPEST,
    Counted,
    in_own_pool,
    in_own_program,
    interrupt_self,
    keywords,
    reciprocal,
    zeros,
)
from stage import exists, outcome

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def test_all_arguments_go_to_the_function(make_pool):
    """Also those by name that submit() itself has."""
    executor = make_pool()
    assert executor.submit(keywords, 1, self=2, fn=3, executor=4).result(DEADLOCK_S) == (
        (1,),
        {"self": 2, "fn": 3, "executor": 4},
    )


def test_submit_without_a_function(make_pool):
    """A TypeError, as ever, and nothing is started."""
    executor = make_pool()
    with pytest.raises(TypeError):
        executor.submit()
    with pytest.raises(TypeError):
        executor.submit(arg=1)
    assert executor._processes == {}


def test_submit_returns_our_future(make_pool, lib):
    """Behind the import door; and the standard library's in any case."""
    future = make_pool().submit(int)
    assert isinstance(future, concurrent.futures.Future)
    assert type(future) is lib.futures.Future or lib.door != "import"
    assert future.result(DEADLOCK_S) == 0


def test_an_exception_comes_with_its_traceback_there(make_pool):
    """As the cause, of the standard library's class."""
    error = outcome(make_pool().submit(reciprocal, 0))
    assert type(error) is ZeroDivisionError
    cause = error.__cause__
    assert type(cause) is concurrent.futures.process._RemoteTraceback
    assert "return 1 / number" in str(cause)
    assert "return 1 / number" in cause.tb
    assert error.__traceback__ is not None


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt("x"), GeneratorExit("y")])
def test_what_ends_programs_is_an_exception_as_any(make_pool, error):
    """And the process goes on."""
    executor = make_pool()
    caught = error_of(lambda: executor.submit(fail, error).result(DEADLOCK_S))
    assert type(caught) is type(error)
    assert caught.args == error.args
    (pid,) = executor._processes
    assert executor.submit(os.getpid).result(DEADLOCK_S) == pid


@pytest.mark.parametrize("value", [None, 0, "", b"follows", "follows", b"", (), [None], nested(50)])
def test_values_come_back_as_they_are(make_pool, value):
    """Those that look like nothing too."""
    assert make_pool().submit(echo, value).result(DEADLOCK_S) == (value,)


def test_a_large_payload_goes_both_ways(make_pool):
    """Of 200 MB, and what comes after it is not mixed up with it."""
    executor = make_pool()
    size = 200_000_000
    sent, received = executor.submit(len, bytes(size)), executor.submit(zeros, size)
    after = executor.submit(echo, 1)
    assert sent.result(DEADLOCK_S) == size
    assert received.result(DEADLOCK_S) == bytes(size)
    assert after.result(DEADLOCK_S) == (1,)


def test_a_process_keeps_nothing_of_a_call(make_pool):
    """Neither arguments nor results nor exceptions, while it is idle."""
    executor = make_pool()
    assert executor.submit(Counted.count).result(DEADLOCK_S) == 0
    executor.submit(echo, Counted()).result(DEADLOCK_S)
    assert executor.submit(Counted.count).result(DEADLOCK_S) == 0
    executor.submit(Counted).result(DEADLOCK_S)
    assert executor.submit(Counted.count).result(DEADLOCK_S) == 0
    assert isinstance(outcome(executor.submit(Counted().fail)), LookupError)
    assert executor.submit(Counted.count).result(DEADLOCK_S) == 0


@pytest.mark.skipif(CHEAPEST != "fork", reason="needs the start method fork")
def test_a_task_has_pools_and_processes_of_its_own(make_pool, lib):
    """It is a process as any other."""
    executor = make_pool()
    pid = executor.submit(in_own_pool, lib.door).result(DEADLOCK_S)
    assert pid not in (*executor._processes, os.getpid())
    assert not exists(pid)
    assert executor.submit(in_own_program).result(DEADLOCK_S).strip() == b"1"


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs POSIX signals")
def test_a_task_is_interrupted_as_ever(make_pool):
    """Ctrl-C raises KeyboardInterrupt in it, and the process goes on."""
    executor = make_pool()
    error = error_of(lambda: executor.submit(interrupt_self).result(DEADLOCK_S))
    assert type(error) is KeyboardInterrupt
    assert executor.submit(int).result(DEADLOCK_S) == 0


def test_many_calls(make_pool):
    """More than any pipe holds, from an iterator of two processes' results."""
    executor = make_pool(2)
    futures = [executor.submit(pow, number, 2) for number in range(3000)]
    assert [future.result(DEADLOCK_S) for future in futures] == [n * n for n in range(3000)]
    assert len(executor._pending_work_items) == 0


def test_two_executors_at_once(make_pool):
    """They know nothing of each other; a process of one does not keep the other's alive."""
    one, two = make_pool(2), make_pool(2)
    futures = [executor.submit(os.getpid) for executor in (one, two) for _ in range(2)]
    pids = {future.result(DEADLOCK_S) for future in futures}
    assert pids <= {*one._processes, *two._processes}
    one.shutdown()
    assert two.submit(int).result(DEADLOCK_S) == 0
    two.shutdown()
    assert not any(exists(pid) for pid in pids)


@pytest.mark.parametrize("chunksize", [1, 3, 100])
def test_map(make_pool, chunksize):
    """In the order of the input, until the shortest one ends."""
    executor = make_pool(2)
    results = executor.map(pow, range(10), itertools.repeat(2), chunksize=chunksize)
    assert list(results) == [number**2 for number in range(10)]
    assert list(executor.map(abs, [], chunksize=chunksize)) == []


@pytest.mark.parametrize("chunksize", [0, -1])
def test_a_wrong_chunksize_is_refused_at_the_call(make_pool, chunksize):
    """In the words of the standard library, and nothing is started."""
    executor = make_pool()
    with pytest.raises(ValueError, match=r"chunksize must be >= 1\."):
        executor.map(abs, [1], chunksize=chunksize)
    assert executor._processes == {}


@pytest.mark.parametrize("chunksize", [1, 2])
@pytest.mark.parametrize(
    ("buffersize", "error"), [("1", TypeError), (1.5, TypeError), (0, ValueError), (-1, ValueError)]
)
def test_a_wrong_buffersize_is_refused_at_the_call(make_pool, chunksize, buffersize, error):
    """With chunks or without."""
    with pytest.raises(error, match="buffersize must be"):
        make_pool().map(abs, [1], chunksize=chunksize, buffersize=buffersize)


@pytest.mark.parametrize(("chunksize", "taken"), [(1, 2), (3, 6)])
def test_buffersize_bounds_how_far_the_input_is_read_ahead(make_pool, chunksize, taken):
    """It counts chunks."""
    numbers = itertools.count()
    results = make_pool().map(abs, numbers, chunksize=chunksize, buffersize=2)
    assert next(numbers) == taken
    assert list(itertools.islice(results, taken)) == list(range(taken))
    results.close()


@pytest.mark.parametrize("chunksize", [1, 2])
def test_map_goes_on_after_an_exception(make_pool, chunksize):
    """With the next call, or the next chunk."""
    results = make_pool().map(reciprocal, [0, 0, 1, 2], chunksize=chunksize)
    for _ in range(2 // chunksize):
        with pytest.raises(ZeroDivisionError):
            next(results)
    assert list(results) == [1, 0.5]


def test_infinite_timeouts(make_pool):
    """They are times as any others."""
    executor = make_pool()
    for timeout in (float("inf"), threading.TIMEOUT_MAX * 2, 1e300):
        assert list(executor.map(abs, [1, -2], timeout=timeout)) == [1, 2]
        assert executor.submit(int).result(timeout) == 0


@contextlib.contextmanager
def busy(executor, stage):
    """Have the only process held while something is submitted; then it ends with what is left."""
    executor.submit(hold, stage.address)
    actor = stage.next()
    yield
    actor.let_go()
    executor.shutdown()


@pytest.mark.parametrize("chunksize", [1, 2])
def test_map_is_over_in_time(make_pool, stage, tmp_path, chunksize):
    """TimeoutError, of either kind, and what has not begun is cancelled."""
    executor, path = make_pool(), tmp_path / "ran"
    with busy(executor, stage):
        results = executor.map(noted, [path] * 5, "abcde", chunksize=chunksize, timeout=0.01)
        with pytest.raises(concurrent.futures.TimeoutError) as caught:
            next(results)
        assert isinstance(caught.value, TimeoutError)
        assert list(results) == []
    assert not path.exists()


@pytest.mark.parametrize("chunksize", [1, 2])
def test_results_that_are_closed_do_not_run(make_pool, stage, tmp_path, chunksize):
    """close() cancels what has not begun."""
    executor, path = make_pool(), tmp_path / "ran"
    with busy(executor, stage):
        executor.map(noted, [path] * 5, "abcde", chunksize=chunksize).close()
    assert not path.exists()


def test_results_that_nobody_asks_for_run(make_pool, stage, tmp_path):
    """map() is also called for its side effects alone."""
    executor, path = make_pool(), tmp_path / "ran"
    with busy(executor, stage):
        executor.map(noted, [path] * 5, "abcde", chunksize=2)
    assert path.read_text().split() == [*"abcde"]


@pytest.mark.parametrize("chunksize", [1, 2])
def test_an_input_that_fails_cancels_what_was_submitted(make_pool, stage, tmp_path, chunksize):
    """Its exception is that of map()."""

    def words():
        yield from "abcde"
        raise LookupError

    executor, path = make_pool(), tmp_path / "ran"
    with busy(executor, stage), pytest.raises(LookupError):
        executor.map(noted, [path] * 9, words(), chunksize=chunksize)
    assert not path.exists()

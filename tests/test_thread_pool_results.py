"""The results of a ``ThreadPool``, and their callbacks."""

from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import threading
import weakref

import pytest

from conftest import DEADLOCK_S
from outcomes import error_of, raising, reason_of

pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


class Unusual(BaseException):
    pass


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Unusual()])
def test_whatever_a_task_raises_is_its_result(pool, error):
    """Its thread lives on, and get() raises the very object."""
    fail = raising(error)
    workers = list(pool._pool)
    for _ in range(3):
        assert error_of(pool.apply_async(fail).get) is error
        assert error_of(lambda: pool.map(fail, range(3), 1)) is error
        assert error_of(lambda: pool.starmap(fail, [(0, 1)])) is error
        assert error_of(pool.imap(fail, [0]).next) is error
        assert error_of(pool.imap_unordered(fail, [0], 2).next) is error
    assert pool._pool == workers
    assert all(worker.is_alive() for worker in workers)


def test_an_iterator_goes_on_after_an_exception(pool):
    """Only that item, or chunk, is lost."""
    error = KeyError(1)
    results = pool.imap(lambda number: number if number != 1 else raising(error)(), range(3))

    assert next(results) == 0
    assert error_of(results.next) is error
    assert list(results) == [2]
    chunked = pool.imap(lambda number: number if number != 1 else raising(error)(), range(6), 2)
    assert error_of(chunked.next) is error
    assert list(chunked) == [2, 3, 4, 5]


@pytest.mark.parametrize("error", [ValueError("callback"), SystemExit(4), Unusual()])
def test_what_a_callback_raises_is_the_result(pool, error):
    """Also in place of the value; the error of the task is the end of its context."""
    original = KeyError("task")
    bad, fail = raising(error), raising(original)
    failed = [
        pool.apply_async(int, callback=bad),
        pool.map_async(int, range(3), 1, callback=bad),
        pool.starmap_async(pow, [(1, 1)], callback=bad),
        pool.map_async(int, [], callback=bad),
    ]
    for result in failed:
        assert error_of(lambda r=result: r.get(DEADLOCK_S)) is error
        assert not result.successful()
    assert error_of(pool.apply_async(fail, error_callback=bad).get) is error
    context = error
    while context.__context__ is not None:
        context = context.__context__
    assert context is original
    assert pool.apply(int) == 0


def test_an_error_callback_that_raises_what_it_gets(pool):
    """It makes no cycle of contexts."""

    def again(error):
        raise error

    original = KeyError("task")
    result = pool.apply_async(raising(original), error_callback=again)

    assert error_of(result.get) is original
    assert original.__context__ is None


def test_callbacks_are_called_one_at_a_time_in_one_thread(pool):
    """It runs no tasks, and those of one thread come in the order of their results."""
    calls, threads = [], set()
    together = threading.Lock()

    def callback(value):
        assert together.acquire(False)
        threads.add(threading.current_thread())
        calls.append(value)
        together.release()

    results = [pool.apply_async(abs, (n,), callback=callback) for n in range(50)]
    results += [pool.map_async(abs, [n], callback=callback) for n in range(50)]
    results += [
        pool.apply_async(raising(KeyError(n)), callback=print, error_callback=callback)
        for n in range(50)
    ]
    for result in results:
        result.wait(DEADLOCK_S)

    assert len(calls) == 150
    assert len(threads) == 1
    assert not threads & {*pool._pool, threading.current_thread()}


def test_a_result_is_ready_after_its_callback(pool, held):
    """Whoever gets it finds the callback's work done."""
    result = pool.apply_async(int, callback=held.task)
    held.wait_until_running()
    assert not result.ready()
    held.let_go()
    assert result.get(DEADLOCK_S) == 0


def test_a_callback_may_submit(pool):
    """It is called in a thread that nobody waits for to do so."""
    results = []
    done = threading.Event()
    pool.apply_async(
        int,
        callback=lambda _: results.append(
            pool.apply_async(int, ("5",), callback=lambda _: done.set())
        ),
    )
    assert done.wait(DEADLOCK_S)
    assert results[0].get(DEADLOCK_S) == 5


@pytest.mark.parametrize("empty", [[], range(0), iter(())])
def test_a_map_of_nothing_calls_back(pool, empty):
    """With an empty list, in the thread for callbacks."""
    calls = []
    result = pool.map_async(
        abs, empty, callback=lambda value: calls.append((value, threading.current_thread()))
    )
    assert result.get(DEADLOCK_S) == []
    assert [value for value, _ in calls] == [[]]
    assert calls[0][1] not in {*pool._pool, threading.current_thread()}


def test_a_callback_that_hangs_keeps_no_result_waiting(lib, held):
    """terminate() leaves the other callbacks to its thread, and makes all results ready."""
    calls = []
    pool = lib.pool.ThreadPool(1)
    first = pool.apply_async(int, callback=held.task)
    held.wait_until_running()
    decided = pool.apply_async(int, ("7",), callback=calls.append)
    pool.apply(int)
    held_up = threading.Event()
    pool.apply_async(lambda: held_up.set() or held.event.wait(DEADLOCK_S))
    assert held_up.wait(DEADLOCK_S)
    queued = pool.apply_async(int, error_callback=lambda error: calls.append(error.reason))
    pool.terminate()

    assert first.get(0) == 0
    assert decided.get(0) == 7
    assert reason_of(lambda: queued.get(0)) == "not started"
    assert calls == []
    held.let_go()
    pool.join()
    assert calls == [7, "not started"]


def test_a_result_that_waits_for_its_callback_keeps_its_value(lib, held):
    """terminate() calls what has not been called yet, if nothing is being called."""
    calls = []
    pool = lib.pool.ThreadPool(1)

    def task():
        pool.terminate("silent")

    pool.apply_async(held.task)
    held.wait_until_running()
    results = [pool.apply_async(int, (n,), callback=calls.append) for n in range(3)]
    last = pool.apply_async(task, error_callback=lambda error: calls.append(error.reason))
    held.let_go()

    assert reason_of(lambda: last.get(DEADLOCK_S)) == "abandoned"
    pool.join()
    assert [result.get(0) for result in results] == [0, 1, 2]
    assert calls == [0, 1, 2, "abandoned"]


@pytest.mark.parametrize(
    "submit",
    [
        lambda pool, task: pool.apply_async(task).get,
        lambda pool, task: pool.map_async(lambda _: task(), range(3)).get,
        lambda pool, task: pool.imap(lambda _: task(), range(3)).next,
        lambda pool, task: pool.imap(lambda _: task(), range(3), 2).next,
        lambda pool, task: pool.imap_unordered(lambda _: task(), range(3), 2).next,
    ],
)
def test_timeouts(pool, held, submit):
    """Both kinds of TimeoutError catch them, and infinity is a time as any other."""
    get = submit(pool, held.task)
    for timeout in (0, 0.001, -1):
        for kind in (TimeoutError, multiprocessing.TimeoutError):
            with pytest.raises(kind):
                get(timeout)
    held.let_go()
    assert get(float("inf")) in (None, [None] * 3)


def test_waiting_for_ever_is_not_an_overflow(pool):
    """wait() takes what get() takes."""
    result = pool.apply_async(int)
    result.wait(float("inf"))
    assert result.ready()


def test_several_threads_may_iterate(pool):
    """Each result goes to one of them, and all of them end."""
    results = pool.imap(abs, range(300), chunksize=3)
    unordered = pool.imap_unordered(abs, range(300), buffersize=4)
    taken = []

    def take():
        taken.extend(results)
        taken.extend(unordered)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)

    assert sorted(taken) == sorted([*range(300), *range(300)])


def test_nothing_is_kept_of_what_is_done(pool):
    """Neither arguments nor values, while the pool is idle."""

    class Thing:
        pass

    references = []

    def make(thing):
        references.append(weakref.ref(thing))
        made = Thing()
        references.append(weakref.ref(made))
        return made

    def use():
        pool.apply_async(make, (Thing(),)).get()
        pool.map(make, [Thing() for _ in range(5)])
        pool.starmap_async(make, [(Thing(),)], callback=len).get()
        list(pool.imap(make, (Thing() for _ in range(5)), buffersize=2))
        list(pool.imap_unordered(make, (Thing() for _ in range(5)), 2))
        pool.apply_async(raising(KeyError()), (Thing(),)).wait()

    use()
    assert len(references) > 30
    while any(reference() is not None for reference in references):
        gc.collect()


def test_the_results_are_those_of_the_standard_library(lib, pool):
    """isinstance() goes on working, and successful() too."""
    assert isinstance(pool.apply_async(int), lib.pool.AsyncResult)
    assert isinstance(pool.map_async(int, [1]), lib.pool.MapResult)
    assert isinstance(pool.imap(int, [1]), lib.pool.IMapIterator)
    assert isinstance(pool.imap_unordered(int, [1], 2), lib.pool.IMapUnorderedIterator)
    result = pool.apply_async(concurrent.futures.Future)
    result.wait(DEADLOCK_S)
    assert result.successful()

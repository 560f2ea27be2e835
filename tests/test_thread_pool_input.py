"""How a ``ThreadPool`` takes its input."""

from __future__ import annotations

import itertools
import threading

import pytest

from conftest import DEADLOCK_S
from outcomes import error_of, reason_of

# A task that is about to end when the pool does is told of.
pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


class Sized:
    """What has a length, and yields other items than that."""

    def __init__(self, length, items, error=None):
        self.length, self.items, self.error = length, items, error

    def __len__(self):
        return self.length

    def __iter__(self):
        yield from self.items
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize("imap", ["imap", "imap_unordered"])
def test_no_more_is_taken_than_the_buffer_holds(lib, imap):
    """One more for each result that is asked for; the default takes everything at once."""
    with lib.pool.ThreadPool(1) as pool:
        taken = []
        numbers = (taken.append(n) or n for n in itertools.count())
        results = getattr(pool, imap)(abs, numbers, buffersize=3)
        for number in range(50):
            assert next(results) == number
            assert len(taken) <= number + 4
        assert sorted(getattr(pool, imap)(abs, range(50))) == list(range(50))
        # The feeder has come this far: it has set the other input aside.
        assert len(taken) <= 53


def test_the_buffer_counts_chunks(lib):
    """As many tasks as it says, of so many items each."""
    with lib.pool.ThreadPool(1) as pool:
        taken = []
        results = pool.imap(abs, (taken.append(n) or n for n in itertools.count()), 5, 2)
        pool.map(abs, [1])
        assert len(taken) <= 10
        assert [next(results) for _ in range(12)] == list(range(12))
        assert len(taken) <= 25


def wait_until_waiting(results, count):
    """Wait until so many threads wait for a result."""
    never = threading.Event()
    while results._waiting < count:
        assert not never.wait(0.001)


def ask_in_threads(results, count):
    """Call next() in so many threads, and return them and what they will have got."""
    got = []
    threads = [threading.Thread(target=lambda: got.append(next(results))) for _ in range(count)]
    for thread in threads:
        thread.start()
    wait_until_waiting(results, count)
    return threads, got


def join(threads):
    for thread in threads:
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("imap", ["imap", "imap_unordered"])
def test_a_chunk_wakes_as_many_as_it_has_items(lib, hold, imap):
    """The next one may never come."""
    with lib.pool.ThreadPool(1) as pool:
        pool.apply_async(hold.wait, (DEADLOCK_S,))
        results = getattr(pool, imap)(abs, itertools.count(), 3, 1)
        threads, got = ask_in_threads(results, 3)
        hold.set()
        join(threads)
    assert sorted(got) == [0, 1, 2]


def test_a_result_wakes_as_many_as_it_held_up(lib, hold):
    """Those of imap() are handed out in order."""
    second, others = threading.Event(), threading.Event()
    with lib.pool.ThreadPool(2) as pool:
        tasks = [lambda: hold.wait(DEADLOCK_S), second.set]
        more = itertools.repeat(lambda: others.wait(DEADLOCK_S))
        results = pool.imap(lambda task: task(), itertools.chain(tasks, more), 1, 2)
        threads, got = ask_in_threads(results, 2)
        assert second.wait(DEADLOCK_S)
        # Its outcome is there, too, when another task has begun.
        pool.apply(int)
        hold.set()
        try:
            join(threads)
        finally:
            others.set()
    assert sorted(map(str, got)) == ["None", "True"]  # what set() and wait() return


@pytest.mark.parametrize("buffersize", [1, 2, 7, 1000])
@pytest.mark.parametrize("chunksize", [1, 3])
@pytest.mark.parametrize("imap", ["imap", "imap_unordered"])
def test_all_results_come_with_a_buffer(pool, imap, chunksize, buffersize):
    """Whatever its size, also of a pool that is closed meanwhile."""
    results = getattr(pool, imap)(abs, range(20), chunksize, buffersize)
    first = [next(results) for _ in range(3)]
    pool.close()

    assert sorted([*first, *results]) == list(range(20))


@pytest.mark.parametrize(
    ("buffersize", "kind"), [(0, ValueError), (-1, ValueError), ("2", TypeError), (1.0, TypeError)]
)
def test_a_bad_buffersize_is_refused_at_the_call(pool, buffersize, kind):
    """With the words of Executor.map()."""
    for submit in (pool.imap, pool.imap_unordered):
        error = error_of(lambda submit=submit: submit(abs, [1], buffersize=buffersize))
        assert type(error) is kind
        assert str(error).startswith("buffersize must be")


def test_a_bad_chunksize_is_refused_at_the_call(pool):
    """As the standard library does."""
    for submit in (pool.imap, pool.imap_unordered):
        with pytest.raises(ValueError, match=r"Chunksize must be 1\+, not 0"):
            submit(abs, [1], 0)
        with pytest.raises(TypeError):
            submit(abs, [1], None)


def test_an_iteration_that_waits_holds_up_nobody(pool):
    """Others are fed while its buffer is full."""
    lazy = [pool.imap(abs, itertools.count(), buffersize=1) for _ in range(3)]

    assert pool.map(abs, range(10)) == list(range(10))
    assert [next(iterator) for iterator in lazy for _ in range(3)] == [0, 1, 2] * 3


def test_join_ends_an_iteration_that_waits(lib):
    """Infinite input is no reason to wait for ever; asking for more tells that there is no more."""
    pool = lib.pool.ThreadPool(2)
    results = pool.imap(abs, itertools.count(), buffersize=2)
    first = next(results)
    pool.close()
    pool.join()
    rest = []
    reason = reason_of(lambda: rest.extend(iter(results.next, None)) or rest.append(0))

    assert first == 0
    assert reason == "not started"
    assert list(results) == []


def test_tasks_begin_in_the_order_of_submission(lib):
    """A pool with one thread does one thing after the other, whatever it is."""
    order = []
    with lib.pool.ThreadPool(1) as pool:
        for number in range(0, 60, 6):
            pool.apply_async(order.append, (number,))
            pool.map_async(order.append, [number + 1, number + 2])
            pool.imap(order.append, iter([number + 3, number + 4]))
            pool.starmap_async(order.append, [(number + 5,)])
        pool.close()
        pool.join()

    assert order == list(range(60))


def test_one_thread_takes_all_input(pool):
    """It is none of those that run tasks, nor the caller's."""
    threads = set()

    def numbers():
        for number in range(5):
            threads.add(threading.current_thread())
            yield number

    for _ in range(3):
        assert list(pool.imap(abs, numbers(), buffersize=1)) == [0, 1, 2, 3, 4]
        assert list(pool.imap_unordered(abs, numbers(), 2))
        assert pool.map(abs, Sized(5, numbers())) == [0, 1, 2, 3, 4]
    assert len(threads) == 1
    assert not threads & {*pool._pool, threading.current_thread()}


@pytest.mark.parametrize(
    "error", [KeyError("input"), SystemExit(3), GeneratorExit(), StopAsyncIteration()]
)
def test_input_that_raises(pool, error):
    """What came before it is done; the exception is the last result, or that of the map."""

    def numbers():
        yield 0
        yield 1
        raise error

    results = pool.imap(abs, numbers())
    assert [next(results), next(results)] == [0, 1]
    assert error_of(results.next) is error
    assert list(results) == []
    for chunksize in (None, 1, 2, 5):
        assert error_of(lambda c=chunksize: pool.map(abs, Sized(9, [0, 1], error), c)) is error
        assert error_of(lambda c=chunksize: pool.starmap(abs, Sized(2, [(0,)], error), c)) is error
    assert pool.apply(abs, (-1,)) == 1


def test_input_that_cannot_be_iterated(pool):
    """The exception comes from the iterator, as it always did."""
    for submit in (pool.imap, pool.imap_unordered):
        assert type(error_of(submit(abs, 5).next)) is TypeError
    assert type(error_of(lambda: pool.map(abs, 5))) is TypeError


@pytest.mark.parametrize("length", [0, 1, 3, 100])
@pytest.mark.parametrize("count", [0, 1, 3, 10])
@pytest.mark.parametrize("chunksize", [None, 1, 2, 50])
def test_a_length_that_lies(pool, length, count, chunksize):
    """All items are done, however many there are."""
    assert pool.map(abs, Sized(length, range(count)), chunksize) == list(range(count))
    pairs = [(number, 1) for number in range(count)]
    assert pool.starmap(pow, Sized(length, pairs), chunksize) == list(range(count))


def test_a_sized_input_is_taken_in_the_background(pool, held):
    """map_async() returns before its first item is there."""

    class Slow(Sized):
        def __iter__(self):
            held.task()
            return super().__iter__()

    result = pool.map_async(abs, Slow(3, range(3)))
    held.wait_until_running()
    assert not result.ready()
    held.let_go()
    assert result.get(DEADLOCK_S) == [0, 1, 2]


@pytest.mark.parametrize("empty", [[], (), {}, range(0), "", frozenset()])
def test_a_map_of_nothing_is_ready_at_once(pool, held, empty):
    """Even if input of something else is being taken."""
    results = pool.imap(abs, map(held.task, [1]))
    held.wait_until_running()

    assert pool.map(abs, empty) == []
    assert pool.map_async(abs, empty).ready()
    held.let_go()
    assert list(results) == [1]


@pytest.mark.parametrize("end", ["terminate", "with"])
def test_terminate_does_not_wait_for_input(lib, held, end):
    """Nor does join() after it; what the input yields later is not taken."""
    pool = lib.pool.ThreadPool(1)
    ran = []
    results = pool.imap(ran.append, map(held.task, [1, 2]))
    held.wait_until_running()
    if end == "with":
        with pool:
            pass
    else:
        pool.terminate()
    pool.join()
    feeder = pool._task_handler._engine.feeder
    held.let_go()
    feeder.join(DEADLOCK_S)

    assert reason_of(results.next) == "not started"
    assert ran == []


def test_input_may_use_the_pool(pool):
    """It is taken in a thread that submits as any other does."""

    def numbers():
        yield pool.apply_async(abs, (-1,))
        yield pool.map_async(abs, [])

    assert [result.get(DEADLOCK_S) for result in pool.imap(lambda r: r, numbers())] == [1, []]


def test_input_may_terminate_the_pool(lib):
    """Nothing hangs."""
    pool = lib.pool.ThreadPool(1)

    def numbers():
        yield 0
        pool.terminate("silent")
        yield 1

    results = pool.imap(abs, numbers())
    rest = []
    reason = reason_of(lambda: [rest.append(value) for value in results])
    pool.join()

    assert rest in ([], [0])
    assert reason in ("not started", "abandoned")

"""``Executor.map()``, behind both doors."""

from __future__ import annotations

import concurrent.futures
import gc
import itertools
import threading
import weakref

import pytest


def counting(taken):
    """Count up for ever, noting each number that is taken."""
    for number in itertools.count():
        taken.append(number)
        yield number


def test_results_come_in_the_order_of_the_input(lib):
    """Like the built-in map(), with several iterables, the shortest of which ends it."""
    with lib.futures.ThreadPoolExecutor(4) as executor:
        assert list(executor.map(pow, [2, 3, 4], itertools.repeat(2), chunksize=2)) == [4, 9, 16]


def test_buffersize_bounds_how_far_the_input_is_read_ahead(lib):
    """At most buffersize calls are submitted whose results have not been yielded."""
    taken = []
    with lib.futures.ThreadPoolExecutor(2) as executor:
        results = executor.map(str, counting(taken), buffersize=3)
        assert taken == [0, 1, 2]
        assert next(results) == "0"
        assert taken == [0, 1, 2, 3]
        assert list(itertools.islice(results, 3)) == ["1", "2", "3"]
        assert taken == [0, 1, 2, 3, 4, 5, 6]
        results.close()


def test_buffersize_larger_than_the_input(lib):
    """The input is read once, and all results come."""
    with lib.futures.ThreadPoolExecutor(2) as executor:
        assert list(executor.map(str, [1, 2], buffersize=10)) == ["1", "2"]
        assert list(executor.map(str, [], buffersize=1)) == []


@pytest.mark.parametrize(
    ("buffersize", "error"), [("1", TypeError), (1.5, TypeError), (0, ValueError), (-1, ValueError)]
)
def test_a_wrong_buffersize_is_refused_at_the_call(lib, buffersize, error):
    """The exceptions and words are those of 3.14, and nothing is submitted."""
    taken = []
    with lib.futures.ThreadPoolExecutor(1) as executor:
        with pytest.raises(error, match="buffersize must be"):
            executor.map(str, counting(taken), buffersize=buffersize)
        assert taken == []
        assert executor._threads == set()


def test_an_unfinished_iterator_does_not_keep_the_executor(lib):
    """With a bounded buffer the rest of the input is not submitted once the executor is gone."""
    executor = lib.futures.ThreadPoolExecutor(1)
    results = executor.map(str, range(5), buffersize=2)
    alive = weakref.ref(executor)
    del executor
    for _ in range(3):  # PyPy frees in stages
        gc.collect()

    assert alive() is None
    assert list(results) == ["0", "1"]


def test_running_out_of_time_cancels_all(lib, hold):
    """What has not started is cancelled, the future that was waited for included."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        running = executor.submit(hold.wait)
        results = executor.map(str, range(3), timeout=0)
        with pytest.raises(TimeoutError) as caught:
            next(results)
        assert isinstance(caught.value, concurrent.futures.TimeoutError)
        assert not running.done()
        hold.set()
        executor.shutdown()
        assert executor._work_queue.qsize() <= 1  # the worker's signal to end


def test_the_iteration_goes_on_after_an_exception(lib):
    """The exception of a call is raised at its place, and the other results still come."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        results = executor.map(int, ["1", "x", "3"])
        assert next(results) == 1
        with pytest.raises(ValueError, match="invalid literal"):
            next(results)
        assert next(results) == 3
        with pytest.raises(StopIteration):
            next(results)


@pytest.mark.parametrize("leave", ["close", "drop"])
def test_an_iterator_that_is_left_early_cancels_the_rest(lib, hold, leave):
    """Closed, or dropped after its first result, it lets nothing run that has not started."""
    started = threading.Event()
    calls = []

    def work(number):
        calls.append(number)
        if number == 1:
            started.set()
            hold.wait()

    with lib.futures.ThreadPoolExecutor(1) as executor:
        results = executor.map(work, range(5))
        next(results)
        started.wait()
        if leave == "close":
            results.close()
            assert list(results) == []
        else:
            del results
            gc.collect()
        hold.set()
    assert calls == [0, 1]


def test_input_that_raises_cancels_what_was_submitted(lib, hold):
    """The exception of the input reaches the caller, and nothing that was queued runs."""
    calls = []

    def inputs():
        yield from range(3)
        raise KeyError("input")

    with lib.futures.ThreadPoolExecutor(1) as executor:
        executor.submit(hold.wait)
        with pytest.raises(KeyError, match="input"):
            executor.map(calls.append, inputs())
        hold.set()
    assert calls == []


def test_an_iterator_that_is_dropped_unused_cancels_nothing(lib):
    """map() for the side effects alone runs all calls."""
    calls = []
    with lib.futures.ThreadPoolExecutor(1) as executor:
        executor.map(calls.append, range(3))
        gc.collect()
    assert calls == [0, 1, 2]

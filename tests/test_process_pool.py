"""``multiprocessing.pool.Pool``, behind both doors: what it shares with ``ThreadPool``."""

from __future__ import annotations

import multiprocessing

import pytest

from conftest import DEADLOCK_S
from outcomes import error_of, raising


@pytest.fixture
def pool(lib):
    """A pool with one process, which must end by itself."""
    pool = lib.pool.Pool(1)
    yield pool
    pool.close()
    pool.join()


def test_work_is_done_as_before(pool):
    """All ways to submit give what the standard library gives."""
    assert pool.apply(divmod, (7, 2)) == (3, 1)
    assert pool.map(abs, range(10), 3) == list(range(10))
    assert pool.starmap(pow, [(2, 2), (3, 2)]) == [4, 9]
    assert list(pool.imap(abs, range(10))) == list(range(10))
    assert list(pool.imap_unordered(abs, range(10), 3)) == list(range(10))
    assert type(error_of(lambda: pool.map(int, ["x"]))) is ValueError
    assert pool.map(abs, []) == []


@pytest.mark.parametrize("error", [KeyError("callback"), SystemExit(3)])
def test_what_a_callback_raises_is_the_result(pool, error):
    """And the pool goes on."""
    bad = raising(error)
    for result in (
        pool.apply_async(int, callback=bad),
        pool.apply_async(int, ("x",), error_callback=bad),
        pool.map_async(int, range(4), 1, callback=bad),
        pool.map_async(int, ["x", "1"], 1, error_callback=bad),
        pool.starmap_async(pow, [(1, 1)], callback=bad),
    ):
        assert error_of(lambda r=result: r.get(DEADLOCK_S)) is error
        assert not result.successful()
    assert pool.apply(int) == 0


def keep(event):
    global kept
    kept = event


def wait():
    kept.wait(DEADLOCK_S)


def test_timeouts(lib):
    """Both kinds of TimeoutError catch them, and infinity is a time as any other."""
    event = multiprocessing.Event()
    pool = lib.pool.Pool(1, keep, (event,))
    results = [
        pool.apply_async(wait).get,
        pool.map_async(int, [1]).get,
        pool.imap(int, [1]).next,
        pool.imap_unordered(int, [1]).next,
    ]
    for get in results:
        for timeout in (0, -1, 0.001):
            for kind in (TimeoutError, multiprocessing.TimeoutError):
                with pytest.raises(kind):
                    get(timeout)
    event.set()
    assert [get(float("inf")) for get in results] == [None, [1], 1, 1]
    pool.close()
    pool.join()


@pytest.mark.parametrize("count", [0, -1, 1.5, "1"])
def test_a_bad_maxtasksperchild_is_refused(lib, count):
    """Before a process is started."""
    with pytest.raises(ValueError, match="maxtasksperchild must be a positive int or None"):
        lib.pool.Pool(1, maxtasksperchild=count)


def test_the_other_arguments_are_those_of_the_standard_library(lib):
    """By position and by name."""
    context = multiprocessing.get_context("spawn")
    with lib.pool.Pool(1, None, (), 1, context) as pool:
        assert pool.map(abs, [-1, -2], 1) == [1, 2]
    with pytest.raises(ValueError, match="Number of processes must be at least 1"):
        lib.pool.Pool(processes=0, initializer=None, initargs=())


def test_with_takes_only_a_running_pool(lib):
    """A pool ends once."""
    with lib.pool.Pool(1) as pool:
        pass
    with pytest.raises(ValueError, match="Pool not running"), pool:
        pass
    pool.join()

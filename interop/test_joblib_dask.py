"""joblib's threading backend and dask's threaded scheduler."""

from __future__ import annotations

import multiprocessing
import operator
import threading
import time

import pytest

from conftest import DEADLOCK_S

joblib = pytest.importorskip("joblib")
dask = pytest.importorskip("dask")


def fail(n):
    if n == 3:
        raise ValueError(n)
    return n


def test_joblib_results(lib):
    """Those of a plain call, in order."""
    with joblib.Parallel(n_jobs=3, backend="threading") as parallel:
        for _ in range(3):
            assert parallel(joblib.delayed(pow)(n, 2) for n in range(50)) == [
                n**2 for n in range(50)
            ]


def test_joblib_failure(lib):
    """What a task raises ends the loop, and what has not begun is dropped."""
    before = threading.active_count()
    with pytest.raises(ValueError, match="3"):
        joblib.Parallel(n_jobs=2, backend="threading")(
            joblib.delayed(fail)(n) for n in range(10_000)
        )
    assert threading.active_count() < before + 10


def test_joblib_timeout(lib, hold):
    """A task that takes too long is a TimeoutError."""
    with pytest.raises(multiprocessing.TimeoutError):
        joblib.Parallel(n_jobs=2, backend="threading", timeout=0.2)(
            joblib.delayed(hold.wait)(DEADLOCK_S) for _ in range(2)
        )


@pytest.fixture
def hold():
    event = threading.Event()
    yield event
    event.set()


GRAPH = {
    **{f"n{i}": i for i in range(20)},
    **{f"square{i}": (operator.mul, f"n{i}", f"n{i}") for i in range(20)},
    "sum": (sum, [f"square{i}" for i in range(20)]),
}


def test_dask_results(lib):
    """The default pool, and one of a given number of threads."""
    import dask.threaded

    assert dask.threaded.get(GRAPH, "sum") == sum(i * i for i in range(20))
    assert dask.threaded.get(GRAPH, "sum", num_workers=2) == sum(i * i for i in range(20))


@pytest.mark.parametrize("kind", ["ThreadPoolExecutor", "ThreadPool"])
def test_dask_with_a_pool_of_ours(lib, kind):
    """Tasks run in its threads, and it can be used afterwards."""
    import dask.threaded

    threads = set()

    def note(n):
        threads.add(threading.current_thread())
        return n

    keys = [f"task{n}" for n in range(20)]
    graph = {key: (note, n) for n, key in enumerate(keys)}
    module = lib.futures if kind == "ThreadPoolExecutor" else lib.pool
    with getattr(module, kind)(2) as pool:
        assert list(dask.threaded.get(graph, keys, pool=pool)) == list(range(20))
        mine = pool._threads if kind == "ThreadPoolExecutor" else pool._pool
        assert threads <= set(mine)
        delayed = dask.delayed(sum)([dask.delayed(note)(n) for n in range(20)])
        assert delayed.compute(scheduler="threads", pool=pool) == 190
        assert threads <= set(mine)


def test_dask_failure(lib):
    """What a task raises comes out of compute(), and the pool goes on."""
    with lib.futures.ThreadPoolExecutor(2) as pool:
        many = [dask.delayed(fail)(n) for n in range(20)]
        with pytest.raises(ValueError, match="3"):
            dask.compute(*many, scheduler="threads", pool=pool)
        assert pool.submit(time.monotonic).result(DEADLOCK_S) > 0

"""How a ``ThreadPool`` is made, shared with a forked child, dropped, and ended at exit."""

from __future__ import annotations

import _thread
import gc
import multiprocessing.dummy
import multiprocessing.pool
import os
import threading
import warnings
import weakref

import pytest

import poolcompat
import poolcompat.pool
from conftest import DEADLOCK_S
from fresh import run
from outcomes import error_of, raising, reason_of
from poolcompat import _stdlib


def test_the_default_number_of_threads(lib):
    """As many as there are CPUs, as the interpreter's own pools have."""
    count = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    with lib.pool.ThreadPool() as pool:
        assert len(pool._pool) == pool._processes == count


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0,), "Number of processes must be at least 1"),
        ((-1,), "Number of processes must be at least 1"),
        ((1, 5), "initializer must be a callable"),
    ],
)
def test_bad_arguments_are_refused(lib, arguments, said):
    """No thread is started, and nothing is said of a pool that never was."""
    before = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = error_of(lambda: lib.pool.ThreadPool(*arguments))
        gc.collect()

    assert type(error) in (ValueError, TypeError)
    assert str(error) == said
    assert threading.active_count() == before


def test_a_thread_that_cannot_be_started(lib, monkeypatch):
    """The error is raised, and those that were started end."""
    start = threading.Thread.start
    started = []

    def failing_start(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", failing_start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        lib.pool.ThreadPool(4)
    monkeypatch.undo()
    for thread in started:
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()


def test_threads_are_started_at_once(lib):
    """Each runs the initializer, though nothing is submitted; all are daemons."""
    ran = threading.Barrier(4)
    with lib.pool.ThreadPool(3, ran.wait, (DEADLOCK_S,)) as pool:
        ran.wait(DEADLOCK_S)
        assert all(isinstance(worker, multiprocessing.dummy.Process) for worker in pool._pool)
        assert all(worker.daemon and worker.exitcode is None for worker in pool._pool)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pool_whose_initializers_fail_is_broken(lib, capfd):
    """What was submitted and what will be fails, each with an exception of its own."""
    error = KeyError("setting")
    go, called = threading.Event(), threading.Event()
    errors = []

    def initialize():
        go.wait(DEADLOCK_S)
        raise error

    pool = lib.pool.ThreadPool(2, initialize)
    waiting = [
        pool.apply_async(int, error_callback=lambda e: errors.append(e) or called.set()).get,
        pool.map_async(int, range(3)).get,
        pool.imap(int, range(3)).next,
        pool.imap(int, iter(int, 1), 2, 2).next,
    ]
    go.set()
    failures = [error_of(get) for get in waiting]
    failures += [error_of(lambda: pool.map(int, [1])), error_of(pool.imap_unordered(int, [1]).next)]
    failures += [error_of(lambda: pool.apply(int)), error_of(lambda: pool.map(int, [1], 5))]
    assert called.wait(DEADLOCK_S)
    assert pool.map(int, []) == []
    pool.close()
    pool.join()

    assert {type(failure) for failure in failures} == {_stdlib.BrokenThreadPool}
    assert {failure.__cause__ for failure in failures} == {error}
    assert len(set(map(id, failures))) == len(failures)
    assert errors == failures[:1]
    message = "A thread initializer failed, the thread pool is not usable anymore"
    assert {str(failure) for failure in failures} == {message}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_initializer_that_fails_breaks_nothing(lib):
    """The other threads go on."""
    order = iter([1, 0, 1])
    failed = threading.Event()

    def initialize():
        if next(order) == 0:
            failed.set()
            raise KeyError

    with lib.pool.ThreadPool(3, initialize) as pool:
        assert failed.wait(DEADLOCK_S)
        assert pool.map(abs, range(20), 1) == list(range(20))


def test_a_pool_that_is_dropped(lib):
    """It warns, and its threads end; a result that is not ready keeps it alive."""
    go = threading.Event()
    pool = lib.pool.ThreadPool(1)
    workers = list(pool._pool)
    reference = weakref.ref(pool)
    result = pool.apply_async(go.wait, (DEADLOCK_S,))
    text = repr(pool)
    del pool
    gc.collect()
    assert reference() is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # A warning that is recorded holds the pool.
        warnings.showwarning = lambda message, category, *args, **kwargs: said.append(
            (category, str(message))
        )
        said = []
        go.set()
        assert result.get(DEADLOCK_S) is True
        while reference() is not None or any(worker.is_alive() for worker in workers):
            gc.collect()

    assert caught == []
    assert said == [(ResourceWarning, f"unclosed running multiprocessing pool {text}")]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_pool_that_is_dropped_where_no_thread_is_known(lib):
    """As when the garbage collector runs while a thread starts; there none is made up for it."""

    def drop():
        del pools[:]
        while reference() is not None or any(worker.is_alive() for worker in workers):
            gc.collect()
        known.append(_thread.get_ident() in threading._active)
        is_over.release()

    is_over, known = threading.Semaphore(0), []
    pools = [lib.pool.ThreadPool(1)]
    pools[0].apply(int)
    reference, workers = weakref.ref(pools[0]), list(pools[0]._pool)
    _thread.start_new_thread(drop, ())
    assert is_over.acquire(timeout=DEADLOCK_S)
    assert known == [False]


def test_a_pool_that_was_ended_is_dropped_without_a_word(lib):
    """Closed, terminated, or by the with block."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for end in ("close", "terminate"):
            pool = lib.pool.ThreadPool(1)
            getattr(pool, end)()
            pool.join()
        with lib.pool.ThreadPool(1):
            pass
        del pool
        gc.collect()


def test_no_semaphores_are_needed(lib, monkeypatch):
    """Neither locks nor pipes of multiprocessing are made."""
    context = type(multiprocessing.get_context())
    for name in ("SimpleQueue", "Lock", "Semaphore", "Event", "Condition"):
        monkeypatch.setattr(context, name, raising(OSError("none here")), raising=False)
    with lib.pool.ThreadPool(1) as pool:
        assert pool.apply(int) == 0


def test_join_from_a_task_is_refused(lib):
    """As joining one's own thread always is, instead of waiting for ever."""
    pool = lib.pool.ThreadPool(1)
    closed = threading.Event()
    result = pool.apply_async(lambda: closed.wait(DEADLOCK_S) and pool.join())
    pool.close()
    closed.set()
    with pytest.raises(RuntimeError, match="cannot join current thread"):
        result.get(DEADLOCK_S)
    pool.join()


def test_join_of_a_running_pool_is_refused(lib):
    """As it always was."""
    with lib.pool.ThreadPool(1) as pool, pytest.raises(ValueError, match="Pool is still running"):
        pool.join()


def test_a_submission_that_crosses_close_hangs_nobody(lib):
    """It is done, or its result says that the pool is not running."""

    class Crossing:
        def put(self, task):
            pool._taskqueue = original
            pool.close()
            pool.join()
            original.put(task)

    for submit, arguments in (("apply_async", ()), ("map_async", ([1],)), ("imap", ([1],))):
        pool = lib.pool.ThreadPool(1)
        original, pool._taskqueue = pool._taskqueue, Crossing()
        result = getattr(pool, submit)(int, *arguments)
        assert str(error_of(getattr(result, "get", None) or result.next)) == "Pool not running"


@pytest.mark.parametrize("end", ["close", "terminate"])
def test_the_methods_of_the_standard_library_work_on_our_pools(end, held):
    """A pool made under the patch goes on when the patch is gone."""
    calls = []
    with poolcompat.patched():
        pool = multiprocessing.pool.ThreadPool(2)
    assert pool.apply(divmod, (7, 2)) == (3, 1)
    assert pool.map(abs, range(20)) == list(range(20))
    assert pool.starmap(pow, [(2, 2), (3, 2)], 1) == [4, 9]
    assert list(pool.imap(abs, range(20))) == list(range(20))
    assert sorted(pool.imap_unordered(abs, range(20), 3)) == list(range(20))
    assert pool.apply_async(int, callback=calls.append).get(DEADLOCK_S) == 0
    assert pool.map_async(int, [1, 2], 1, callback=calls.append).get(DEADLOCK_S) == [1, 2]
    bad = pool.apply_async(raising(KeyError("task")), error_callback=raising(OSError("callback")))
    assert type(error_of(lambda: bad.get(DEADLOCK_S))) is OSError
    assert type(error_of(pool.imap(abs, map(raising(KeyError()), [1])).next)) is KeyError
    assert calls == [0, [1, 2]]
    last = pool.apply_async(held.task)
    held.wait_until_running()
    if end == "terminate":
        queued = pool.apply_async(int)
        assert pool.terminate() is None
        assert reason_of(lambda: queued.get(0)) == "not started"
    else:
        pool.close()
    held.let_go()
    pool.join()
    assert last.ready()


def test_a_subclass_that_skips_our_init(lib):
    """The standard library's engine runs it, and it ends as one made before the patch."""

    class Direct(lib.pool.ThreadPool):
        def __init__(self):
            multiprocessing.pool.Pool.__init__(self, 1)

    with Direct() as pool:
        assert pool.map(abs, range(3)) == [0, 1, 2]
        assert list(pool.imap(abs, range(3))) == [0, 1, 2]
        assert pool.apply_async(int).get(DEADLOCK_S) == 0
        assert pool.terminate().survivors == ()


def test_the_exit_does_not_wait_for_tasks():
    """Nor for callbacks or input, and says nothing."""
    run(
        """
        import threading
        from poolcompat.pool import ThreadPool
        begun = threading.Semaphore(0)

        def hang(*_):
            begun.release()
            threading.Event().wait()

        pool = ThreadPool(3)
        results = [pool.apply_async(hang), pool.apply_async(int, callback=hang)]
        results.append(pool.imap(int, map(hang, [1])))
        results += [pool.apply_async(int, error_callback=print) for _ in range(5)]
        for _ in range(3):
            begun.acquire()
        """
    )


def test_an_exit_hook_finds_results_ready():
    """Whoever waits for one after the pools have been ended is not left waiting."""
    said = run(
        """
        import atexit, threading
        atexit.register(lambda: print(*(result.ready() for result in results)))
        from poolcompat.pool import ThreadPool
        pool, begun = ThreadPool(1), threading.Event()
        results = [pool.apply_async(lambda: begun.set() or threading.Event().wait())]
        results += [pool.apply_async(int, error_callback=print), pool.map_async(int, range(3))]
        begun.wait()
        """
    )
    assert said == "True True True\n"

"""The table of private names says what the objects behind both doors are like."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing.pool
import pathlib
import re
import threading
import weakref
from concurrent.futures import process, thread

import pytest

from conftest import DEADLOCK_S
from doors import NONE, opened
from fresh import run
from killable_tasks import hold
from poolcompat._private_names._table import DIFFERS, GONE, KEPT, PACKAGES, TABLE
from process_tasks import CHEAPEST
from stage import Stage

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
WORKERS_ARE_ELSEWHERE = hasattr(threading, "_register_atexit")


@contextlib.contextmanager
def one_of_each(lib):
    """Make one object of each class, which has been used."""
    context = multiprocessing.get_context(CHEAPEST)
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(lib.futures.ThreadPoolExecutor(1))
        processes = stack.enter_context(lib.futures.ProcessPoolExecutor(1, context))
        pool = stack.enter_context(lib.pool.ThreadPool(1))
        future = executor.submit(abs, 1)
        results = pool.apply_async(abs, (1,)), pool.map_async(abs, [1])
        iterator = pool.imap(abs, [1])
        for get in (future.result, *(result.get for result in results), iterator.next):
            get(timeout=DEADLOCK_S)
        yield {
            "Executor": [executor, processes],
            "Future": [future],
            "ProcessPoolExecutor": [processes],
            "ThreadPoolExecutor": [executor],
            "AsyncResult": results[:1],
            "IMapIterator": [iterator],
            "MapResult": results[1:],
            "ThreadPool": [pool],
        }


@pytest.fixture(scope="module")
def standard_names():
    """Tell which of the names the standard library's objects have, in the order of the table."""
    with opened(NONE) as lib, one_of_each(lib) as objects:
        return [
            (row, index)
            for row in TABLE
            if row.owner in objects
            for index, each in enumerate(objects[row.owner])
            if hasattr(each, row.name)
        ]


def test_what_is_there_is_there(standard_names, lib):
    """Where the standard library's object has a name, and we say that it is there, ours has it."""
    there = [pair for pair in standard_names if pair[0].status in (KEPT, DIFFERS)]
    assert len(there) > 50
    with one_of_each(lib) as ours:
        missing = [row for row, index in there if not hasattr(ours[row.owner][index], row.name)]
    assert missing == []


def test_every_row_is_well_formed():
    """A class or a module that exists; a note where there is a difference; no row twice."""
    for row in TABLE:
        assert row.status in (KEPT, DIFFERS, GONE)
        assert bool(row.note) == (row.status != KEPT)
        assert row.owner in PACKAGES or importlib.import_module(row.owner)
    names = [(row.owner, row.name) for row in TABLE]
    assert sorted(set(names)) == sorted(names)


def test_the_page_has_the_table():
    """Each row stands there, in this order."""
    page = (DOCS / "differences.md").read_text(encoding="utf-8")
    expected = [
        (f"{row.owner}.{row.name}", row.status, row.note) for row in TABLE if row.status != KEPT
    ]
    assert re.findall(r"^\| `([\w.]+)` \| (\w+) \| (.*) \|$", page, re.MULTILINE) == expected
    kept = page.partition("These are kept:")[2].partition("\n\n")[0]
    assert re.findall(r"`([\w.]+)`", kept) == [
        f"{row.owner}.{row.name}" for row in TABLE if row.status == KEPT
    ]


class Trap:
    """What nobody may touch."""

    def __init__(self, name, touched):
        self.name = name
        self.touched = touched

    def __call__(self, *args, **kwargs):
        self.touched.append(self.name)

    def __getattr__(self, name):
        if not name.startswith("__"):  # which whoever makes the class looks for
            self.touched.append(self.name)
        raise AttributeError(name)


def trapped(cls, owner, touched, *args):
    """Make an object that has traps in the place of all that is gone."""
    traps = {
        row.name: Trap(row.name, touched)
        for row in TABLE
        if row.status == GONE and row.owner == owner
    }
    assert traps
    made = type(cls)("Trapped", (cls,), dict(traps))(*args)
    vars(made).update(traps)
    return made


def test_nobody_looks_at_what_is_gone(lib):
    """Executors and pools work whatever stands there, from the first call to the end."""
    touched = []
    executor = trapped(lib.futures.ThreadPoolExecutor, "ThreadPoolExecutor", touched, 2)
    with executor:
        assert list(executor.map(abs, range(9))) == list(range(9))
    context = multiprocessing.get_context(CHEAPEST)
    executor = trapped(lib.futures.ProcessPoolExecutor, "ProcessPoolExecutor", touched, 1, context)
    with executor:
        assert list(executor.map(abs, range(3))) == [0, 1, 2]
    for end in ("close", "terminate"):
        pool = trapped(lib.pool.ThreadPool, "ThreadPool", touched, 2)
        assert pool.map(abs, range(9)) == list(range(9))
        getattr(pool, end)()
        pool.join()
    assert touched == []


def test_an_executor(lib, held):
    """What its attributes are, and what happens when they are set."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        assert executor._shutdown_lock.acquire(blocking=False)
        assert executor._shutdown_lock.acquire(blocking=False)
        executor._shutdown_lock.release()
        executor._shutdown_lock.release()
        executor.submit(held.task)
        held.wait_until_running()
        queued = executor.submit(abs, -1)
        item = executor._work_queue.get()
        executor._work_queue.put(item)
        seen = item.future, item.task[0], item.args, item.kwargs, item.fn
        executor._max_workers = 2
        executor.submit(held.task)
        held.wait_until_running()
        assert len(executor._threads) == 2
        assert not executor._shutdown
        held.let_go()
        assert queued.result(DEADLOCK_S) == 1
    assert seen == (queued, abs, (-1,), {}, None)
    assert executor._shutdown
    assert executor._broken is False


def test_an_executor_that_starts_its_own_threads(lib):
    """Which run the standard library's code, as in recipes for daemon threads."""
    started = []

    class Executor(lib.futures.ThreadPoolExecutor):
        def _adjust_thread_count(self):
            if hasattr(thread, "WorkerContext"):
                args = weakref.ref(self), self._create_worker_context(), self._work_queue
            else:
                args = weakref.ref(self), self._work_queue, None, ()
            worker = threading.Thread(target=thread._worker, args=args)
            worker.start()
            started.append(worker)
            self._threads.add(worker)

    with Executor(1) as executor:
        assert executor.submit(abs, -1).result(DEADLOCK_S) == 1
    assert len(started) == 1
    assert not started[0].is_alive()


def test_a_work_item_of_the_standard_library(lib):
    """Is run."""
    call = abs, (-1,), {}
    arguments = (call,) if hasattr(thread, "WorkerContext") else call
    future = lib.futures.Future()
    with lib.futures.ThreadPoolExecutor(1) as executor:
        executor.submit(abs, 1).result(DEADLOCK_S)
        executor._work_queue.put(thread._WorkItem(future, *arguments))
        assert future.result(DEADLOCK_S) == 1


def test_a_future(lib):
    """Its state and its callbacks."""
    future = lib.futures.Future()
    future.add_done_callback(print)
    assert (future._state, future._done_callbacks) == ("PENDING", [print])
    future._done_callbacks.clear()
    future.add_done_callback(lambda done: None)
    with future._condition:
        assert future._waiters == []
    future.set_result("value")
    assert (future._state, future._result, future._exception) == ("FINISHED", "value", None)
    assert future._done_callbacks == []


def test_an_executor_of_processes(lib):
    """Its processes, what is pending, and what is stood in for."""
    context = multiprocessing.get_context(CHEAPEST)
    with lib.futures.ProcessPoolExecutor(1, context) as executor, Stage() as stage:
        executor._max_workers = 2
        futures = [executor.submit(hold, stage.address), executor.submit(abs, -1)]
        actor = stage.next()
        assert list(executor._processes) == [actor.pid]
        assert executor._queue_count == 2
        assert executor._executor_manager_thread.is_alive()
        assert executor._queue_management_thread.is_alive()
        items = executor._pending_work_items.values()
        assert [item.future for item in items] == futures
        assert not any(hasattr(item, "fn") for item in items)
        assert len(getattr(process, "_threads_wakeups", ())) == 0
        actor.let_go()
        assert futures[1].result(DEADLOCK_S) == 1
    assert [each.is_alive() for each in executor._processes.values()] in ([], [False])


def test_a_pool(lib, held):
    """Its threads, its queues, and what happens when its attributes are set."""
    with lib.pool.ThreadPool(1) as pool:
        result = pool.apply_async(held.task)
        held.wait_until_running()
        assert pool._cache == {result._job: result}
        assert [worker.is_alive() for worker in pool._pool] == [True]
        pool._processes = 2
        pool._quick_put = pool._quick_get = Trap("_quick", [])
        queued = pool.map_async(abs, [-1])
        held.let_go()
        assert queued.get(DEADLOCK_S) == [1]
        result.get(DEADLOCK_S)
        assert len(pool._pool) == 1
        assert pool._outqueue.empty()
        pool._taskqueue.put(([(result._job, 0, abs, (1,), {})], None))
        iterator = pool.imap(abs, [-1, -2, -3], chunksize=2)
        assert list(iterator) == [1, 2, 3]
        assert (iterator._index, iterator._length) == (2, 2)
        assert pool._state == multiprocessing.pool.RUN


def test_a_lock_that_nobody_takes(lib):
    """Whoever holds that of the module holds nobody up."""
    lock = getattr(thread, "_global_shutdown_lock", threading.Lock())
    with lib.futures.ThreadPoolExecutor(1) as executor, lock:
        assert executor.submit(abs, -1).result(DEADLOCK_S) == 1


def test_threads_that_the_exit_waits_for(lib):
    """From 3.9 on ours are not where the standard library's are."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        executor.submit(abs, 1).result(DEADLOCK_S)
        (worker,) = executor._threads
        assert (worker in thread._threads_queues) is not WORKERS_ARE_ELSEWHERE


def test_calling_the_hook_of_the_standard_library():
    """From 3.9 on it does not end our threads, and the flag that it sets means nothing."""
    printed = run("""
        from concurrent.futures import ThreadPoolExecutor, thread

        import poolcompat

        poolcompat.patch_all()
        executor = ThreadPoolExecutor(1)
        executor.submit(abs, 1).result()
        thread._python_exit()
        try:
            print(executor.submit(abs, -2).result())
        except RuntimeError:
            print("refused")
    """)
    assert printed == ("2\n" if WORKERS_ARE_ELSEWHERE else "refused\n")

"""``ProcessPoolExecutor.shutdown()``, in every variant, and executors that are dropped."""

from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import os
import threading
import weakref

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, hold, leave, noted
from outcomes import error_of
from process_tasks import CHEAPEST, START_METHODS
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

AFTER_SHUTDOWN = "cannot schedule new futures after shutdown"


@pytest.fixture
def path(tmp_path):
    """Where tasks note that they ran."""
    return tmp_path / "ran"


def words(path):
    return path.read_text().split() if path.exists() else []


def in_thread(function):
    """Call *function* in another thread, which must return, and return its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()

    def join():
        thread.join(DEADLOCK_S)
        return results

    return join


@pytest.mark.parametrize("method", START_METHODS)
@pytest.mark.parametrize("wait", [True, False])
def test_what_was_submitted_runs(make_pool, stage, path, method, wait):
    """And then the processes are gone, and so is the thread."""
    executor = make_pool(2, method)
    running = executor.submit(hold, stage.address, "held")
    pending = [executor.submit(noted, path, word) for word in "abc"]
    actor = stage.next()
    pids = list(executor._processes)
    joined = in_thread(lambda: executor.shutdown(wait=wait))
    if not wait:
        assert joined() == [None]
    actor.let_go()
    assert joined() == [None]
    assert running.result(DEADLOCK_S) == "held"
    assert [future.result(DEADLOCK_S) for future in pending] == [*"abc"]
    wait_until(lambda: not any(exists(pid) for pid in pids))


def test_nothing_is_left_when_it_has_waited(make_pool, stage):
    """Neither a process nor an unfinished future."""
    executor = make_pool(2)
    futures = [executor.submit(hold, stage.address) for _ in range(4)]
    processes = list(executor._processes.values())
    joined = in_thread(
        lambda: (
            executor.shutdown(),
            [process.is_alive() for process in processes],
            [future.done() for future in futures],
        )
    )
    for _ in futures:
        stage.next().let_go()
    assert joined() == [(None, [False] * 2, [True] * 4)]


def test_waiting_after_not_waiting(make_pool, stage):
    """The second call waits, whoever makes it, and a third one too."""
    executor = make_pool()
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    (pid,) = executor._processes
    executor.shutdown(wait=False)
    executor.shutdown(wait=False)
    joins = [in_thread(lambda: (executor.shutdown(), future.done())) for _ in range(2)]
    actor.let_go()
    assert [join() for join in joins] == [[(None, True)]] * 2
    assert not exists(pid)
    executor.shutdown()


def test_an_executor_that_was_never_used(make_pool):
    """There is nothing to wait for."""
    for wait in (True, False):
        executor = make_pool()
        executor.shutdown(wait=wait)
        executor.shutdown(wait=not wait, cancel_futures=True)
        with make_pool():
            pass


def test_no_work_is_taken_after_shutdown(make_pool):
    """submit() and map() raise what they raise in the standard library, whatever was before."""
    unused, used = make_pool(), make_pool()
    used.submit(int)
    for executor in (unused, used):
        executor.shutdown(wait=False)
        assert executor._shutdown_thread is True
        for _ in range(2):
            with pytest.raises(RuntimeError, match=AFTER_SHUTDOWN):
                executor.submit(int)
            with pytest.raises(RuntimeError, match=AFTER_SHUTDOWN):
                executor.map(int, [1])
            executor.shutdown()


def test_cancel_futures_is_by_name_only(make_pool):
    """And does not shut down if it is not."""
    executor = make_pool()
    with pytest.raises(TypeError):
        executor.shutdown(True, True)
    assert executor.submit(int).result(DEADLOCK_S) == 0


@pytest.mark.parametrize("wait", [True, False])
def test_cancel_futures_spares_what_runs(make_pool, stage, path, wait):
    """What has not begun is cancelled at once, and never runs; those who wait are told."""
    executor = make_pool(2)
    running = [executor.submit(hold, stage.address, n) for n in range(2)]
    actors = stage.take(2)
    pending = [executor.submit(noted, path, word) for word in "abc"]
    joined = in_thread(lambda: executor.shutdown(wait=wait, cancel_futures=True))
    done = concurrent.futures.wait(pending, DEADLOCK_S).done
    assert done == set(concurrent.futures.as_completed(pending, DEADLOCK_S)) == set(pending)
    assert [future.cancelled() for future in pending] == [True] * 3
    assert not any(future.done() for future in running)
    for actor in actors:
        actor.let_go()
    assert joined() == [None]
    assert [future.result(DEADLOCK_S) for future in running] == [0, 1]
    executor.shutdown()
    assert words(path) == []


def test_cancelling_later(make_pool, stage, path):
    """A first shutdown() lets the queue run; a second one can still cancel it."""
    executor = make_pool()
    running = executor.submit(hold, stage.address)
    actor = stage.next()
    pending = executor.submit(noted, path, "a")
    executor.shutdown(wait=False)
    assert not pending.done()
    executor.shutdown(wait=False, cancel_futures=True)
    assert pending.cancelled()
    actor.let_go()
    executor.shutdown()
    assert running.done()
    assert words(path) == []


def test_waiting_while_another_thread_submits(make_pool):
    """Each call is either refused, or done when shutdown() has returned."""
    for _ in range(3):
        executor = make_pool(2)
        futures, refusals = [], []
        begun = threading.Event()

        def submit(executor=executor, futures=futures, refusals=refusals, begun=begun):
            while not refusals:
                try:
                    futures.append(executor.submit(add, len(futures), 1))
                except RuntimeError as error:
                    refusals.append(str(error))
                if len(futures) > 10:
                    begun.set()
                    outcome(futures[-10])

        join = in_thread(submit)
        assert begun.wait(DEADLOCK_S)
        executor.shutdown()
        join()
        assert refusals == [AFTER_SHUTDOWN]
        results = [future.result(0) for future in futures]
        assert results == list(range(1, len(futures) + 1))


@pytest.mark.parametrize("cancel_futures", [True, False])
@pytest.mark.parametrize("wait", [True, False])
def test_from_a_callback(make_pool, stage, wait, cancel_futures):
    """It does not wait for what it holds up itself, and the others end as they should."""
    executor = make_pool()
    outcomes = []
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    pending = [executor.submit(add, 1) for _ in range(3)]
    future.add_done_callback(
        lambda _: outcomes.append(
            error_of(lambda: executor.shutdown(wait=wait, cancel_futures=cancel_futures))
        )
    )
    actor.let_go()
    concurrent.futures.wait(pending, DEADLOCK_S)
    executor.shutdown()
    assert outcomes == [None]
    assert [future.cancelled() for future in pending] == [cancel_futures] * 3


def test_from_a_callback_of_what_it_cancels(make_pool, stage):
    """Also when that callback waits."""
    executor = make_pool()
    executor.submit(hold, stage.address)
    actor = stage.next()
    refusals = []
    pending = [executor.submit(int) for _ in range(3)]
    for future in pending:
        future.add_done_callback(lambda _: executor.shutdown(wait=False))
        future.add_done_callback(lambda _: refusals.append(error_of(lambda: executor.submit(int))))
    executor.shutdown(wait=False, cancel_futures=True)
    assert [str(error) for error in refusals] == [AFTER_SHUTDOWN] * 3
    actor.let_go()


def leave_by(error, executor, act):
    """Leave the executor's block by an exception, after *act*."""
    with pytest.raises(error), executor:
        raise act() or error


def test_leaving_the_block_by_an_error_runs_the_queue(make_pool, path):
    """As ever, unless it is a Ctrl-C."""
    executor, futures = make_pool(), []
    leave_by(
        LookupError,
        executor,
        lambda: futures.extend(executor.submit(noted, path, word) for word in "abc"),
    )
    assert words(path) == [*"abc"]
    assert [future.done() for future in futures] == [True] * 3


def test_leaving_the_block_by_ctrl_c_does_not(make_pool, stage, path):
    """What runs goes on to its end."""
    executor = make_pool()
    running = executor.submit(hold, stage.address, "held")
    actor = stage.next()
    pending = [executor.submit(noted, path, word) for word in "abc"]
    pending[-1].add_done_callback(lambda _: actor.let_go())
    leave_by(KeyboardInterrupt, executor, lambda: None)
    assert running.result(0) == "held"
    assert [future.cancelled() for future in pending] == [True] * 3
    assert words(path) == []


@pytest.mark.parametrize("method", START_METHODS)
def test_a_dropped_executor_finishes_its_work(lib, stage, method):
    """Without shutdown(); then the processes end."""
    executor = lib.futures.ProcessPoolExecutor(2, multiprocessing.get_context(method))
    reference = weakref.ref(executor)
    futures = [executor.submit(hold, stage.address, number) for number in range(4)]
    pids = list(executor._processes)
    del executor
    gc.collect()
    for _ in futures:
        stage.next().let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == [0, 1, 2, 3]
    wait_until(lambda: are_collected([reference], pids))


def are_collected(references, pids):
    gc.collect()  # each time: PyPy frees nothing by itself
    return not any(reference() for reference in references) and not any(map(exists, pids))


def test_a_dropped_executor_that_is_idle(lib):
    """Its process ends, and its thread."""
    executor = lib.futures.ProcessPoolExecutor(1, multiprocessing.get_context(CHEAPEST))
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    reference = weakref.ref(executor)
    del executor
    wait_until(lambda: are_collected([reference], [pid]))


def test_after_the_pool_has_broken(make_pool):
    """Every variant returns, and submit() goes on telling that it is broken."""
    executor = make_pool(2)
    assert "exit code 3" in str(outcome(executor.submit(leave, 3)))
    for wait in (False, True):
        for cancel_futures in (False, True):
            executor.shutdown(wait=wait, cancel_futures=cancel_futures)
            with pytest.raises(concurrent.futures.process.BrokenProcessPool, match="exit code 3"):
                executor.submit(int)

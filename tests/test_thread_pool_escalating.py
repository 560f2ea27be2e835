"""``ThreadPool.terminate()`` with ``"escalate"``: ask, interrupt, report."""

from __future__ import annotations

import functools
import multiprocessing.pool
import threading

import pytest

import poolcompat
import poolcompat.pool
from asked import needs_interrupts, park, spin, until_asked, wait_for
from conftest import DEADLOCK_S
from outcomes import reason_of
from poolcompat import TerminateWarning
from poolcompat.stopping import shield, stop_requested

escalating = functools.partial(dict, on_terminate="escalate", grace=0, timeout=DEADLOCK_S)


@needs_interrupts
@pytest.mark.parametrize("stuck", [spin, park])
@pytest.mark.parametrize(
    "submit",
    [
        lambda pool, task, started: pool.apply_async(task, (started,)).get,
        lambda pool, task, started: pool.map_async(task, [started]).get,
        lambda pool, task, started: pool.starmap_async(task, [(started,)]).get,
        lambda pool, task, started: pool.imap(task, [started]).next,
        lambda pool, task, started: pool.imap_unordered(task, [started, started], 2).next,
    ],
)
def test_the_others_are_interrupted(lib, started, stuck, submit):
    """However it was submitted; the caller sees TaskStopped, never a SystemExit."""
    pool = lib.pool.ThreadPool(1)
    get = submit(pool, stuck, started)
    wait_for(started)
    report = pool.terminate("escalate", grace=0, timeout=DEADLOCK_S)

    assert reason_of(get) == "interrupted"
    assert [ended.task for ended in report.interrupted] == [f"{stuck.__module__}.{stuck.__name__}"]
    assert (report.stopped, report.survivors) == ((), ())
    pool.join()


@needs_interrupts
def test_the_policy_of_the_pool_and_of_the_patch(started):
    """A with block ends as the pool, or patch_all(), says."""
    with poolcompat.pool.ThreadPool(1, **escalating()) as pool:
        ours = pool.apply_async(spin, (started,))
        wait_for(started)
    with poolcompat.patched(**escalating()), multiprocessing.pool.ThreadPool(1) as pool:
        theirs = pool.apply_async(spin, (started,))
        wait_for(started)

    assert [reason_of(result.get) for result in (ours, theirs)] == ["interrupted"] * 2


def test_what_cannot_be_stopped_is_abandoned(lib, started):
    """Its result is ready, the warning names it, and join() does not wait for it."""
    lock = threading.Lock()
    lock.acquire()

    def stuck():
        started.release()
        lock.acquire()

    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(stuck)
    wait_for(started)
    with pytest.warns(TerminateWarning, match="stuck in thread"):
        report = pool.terminate("escalate", grace=0, timeout=0.01)
    pool.join()

    assert reason_of(lambda: result.get(0)) == "abandoned"
    assert len(report.survivors) == 1
    assert pool._pool == []
    lock.release()


@needs_interrupts
def test_a_shield_holds_interruption_back(lib, started):
    """What must not be cut in two is not."""
    steps = []

    def task():
        control = threading.current_thread()._poolcompat_task.make_control()
        with shield():
            until_asked(started)
            while control.held_back is None:
                threading.Event().wait(0.001)
            steps.append("whole")
        steps.append("not reached")

    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(task)
    wait_for(started)
    pool.terminate(**escalating())

    assert steps == ["whole"]
    assert reason_of(lambda: result.get(0)) == "interrupted"


@needs_interrupts
def test_a_callback_is_not_interrupted(lib, started):
    """That of a task which was is called with TaskStopped, and ends."""
    steps = []

    def callback(error):
        for _ in range(20):
            threading.Event().wait(0.001)
        steps.append(error.reason)

    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(spin, (started,), error_callback=callback)
    wait_for(started)
    pool.terminate(**escalating())
    pool.join()

    assert steps == ["interrupted"]
    assert reason_of(lambda: result.get(0)) == "interrupted"


def test_a_task_may_terminate_its_pool_with_escalate(lib, started):
    """It is asked as the others are, and neither waited for nor interrupted."""
    seen = []
    pool = lib.pool.ThreadPool(2)
    other = pool.apply_async(until_asked, (started,))
    wait_for(started)

    def task():
        report = pool.terminate("escalate", grace=DEADLOCK_S, timeout=DEADLOCK_S)
        seen.append((len(report.stopped), len(report.survivors), stop_requested()))

    result = pool.apply_async(task)

    assert reason_of(lambda: result.get(DEADLOCK_S)) == "abandoned"
    pool.join()
    assert other.get(0) == (None, True)
    assert seen == [(1, 0, True)]


def test_a_callback_may_terminate_its_pool_with_escalate(lib, started):
    """Its own result keeps its value."""
    reports = []
    running = threading.Event()
    pool = lib.pool.ThreadPool(2)

    def callback(_):
        assert running.wait(DEADLOCK_S)
        reports.append(pool.terminate("escalate", grace=DEADLOCK_S, timeout=DEADLOCK_S))

    result = pool.apply_async(int, callback=callback)
    other = pool.apply_async(until_asked, (started, "ended"))
    wait_for(started)
    running.set()

    assert result.get(DEADLOCK_S) == 0
    pool.join()
    assert other.get(0) == ("ended", True)
    assert [len(report.stopped) for report in reports] == [1]


@needs_interrupts
def test_two_threads_may_escalate_at_once(lib, started):
    """Both return, and each result is ready."""
    pool = lib.pool.ThreadPool(3)
    results = [pool.apply_async(spin, (started,)) for _ in range(3)]
    queued = [pool.apply_async(int) for _ in range(20)]
    wait_for(started, 3)
    together = threading.Barrier(2)

    def terminate():
        together.wait(DEADLOCK_S)
        pool.terminate(**escalating())

    threads = [threading.Thread(target=terminate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)

    assert {reason_of(lambda r=r: r.get(0)) for r in queued} == {"not started"}
    assert {reason_of(lambda r=r: r.get(0)) for r in results} <= {"interrupted", "abandoned"}

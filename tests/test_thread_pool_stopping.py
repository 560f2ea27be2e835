"""What becomes of the tasks of a ``ThreadPool`` that is terminated, whatever the policy."""

from __future__ import annotations

import itertools
import warnings

import pytest

import poolcompat
import poolcompat.pool
from asked import until_asked, wait_for
from conftest import DEADLOCK_S
from outcomes import error_of, reason_of
from poolcompat import TerminateWarning
from poolcompat.stopping import checkpoint, sleep


@pytest.mark.parametrize("policy", ["warn", "silent", "escalate"])
def test_running_tasks_are_asked_to_stop(lib, started, policy):
    """Whatever the policy, a task that looks sees it; "escalate" waits for what it returns."""
    seen = []

    def task():
        seen.append(until_asked(started, "cleaned up"))
        return seen[0]

    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(task)
    wait_for(started)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerminateWarning)
        report = pool.terminate(policy, grace=DEADLOCK_S, timeout=DEADLOCK_S)
    pool.join()

    assert seen == [("cleaned up", True)]
    if policy == "escalate":
        assert result.get(0) == ("cleaned up", True)
        assert (len(report.stopped), report.interrupted, report.survivors) == (1, (), ())
    else:
        assert result.ready()


@pytest.mark.parametrize("stop", [checkpoint, lambda: sleep(10 * DEADLOCK_S)])
def test_a_task_that_stops_itself(lib, started, stop):
    """checkpoint() and sleep() end it, and the caller sees the reason."""

    def task():
        until_asked(started)
        stop()

    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(task)
    wait_for(started)
    report = pool.terminate("escalate", grace=DEADLOCK_S, timeout=DEADLOCK_S)

    assert reason_of(lambda: result.get(0)) == "stopped"
    assert [ended.task.split(".")[-1] for ended in report.stopped] == ["task"]


def test_what_has_not_started_is_dropped_at_once(lib, started):
    """While a task is still given its time, nobody else waits."""
    values = []
    pool = lib.pool.ThreadPool(1)

    def task():
        until_asked(started)
        values.extend(reason_of(get) for get in waiting)

    running = pool.apply_async(task)
    wait_for(started)
    waiting = [
        pool.apply_async(int).get,
        pool.map_async(int, range(3)).get,
        pool.imap(int, range(3)).next,
        pool.apply_async(int, error_callback=lambda _: None).get,
    ]
    pool.terminate("escalate", grace=DEADLOCK_S, timeout=DEADLOCK_S)

    assert running.get(0) is None
    assert values == ["not started"] * 4


@pytest.mark.parametrize("submit", ["map_async", "starmap_async", "imap", "imap_unordered"])
def test_terminate_ends_a_chunk(lib, held, submit):
    """No item begins once it has returned, and the item that runs is not disturbed."""
    begun = []

    def task(item):
        begun.append(item)
        held.task()

    pool = lib.pool.ThreadPool(1)
    getattr(pool, submit)(task, [(0,), (1,), (2,)], 3)
    held.wait_until_running()
    pool.terminate("silent")
    held.let_go()
    pool.join()

    assert len(begun) == 1


def test_a_chunk_whose_last_item_runs_is_whole(lib, started):
    """It lacks nothing, so its outcome is what it returned."""
    pool = lib.pool.ThreadPool(1)
    result = pool.map_async(lambda number: until_asked(started)[0] if number else 0, [0, 1], 2)
    wait_for(started)
    pool.terminate("escalate", grace=DEADLOCK_S, timeout=DEADLOCK_S)

    assert result.get(0) == [0, None]


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ({"grace": -1}, ValueError),
        ({"timeout": -0.1}, ValueError),
        ({"grace": "1"}, TypeError),
        ({"timeout": float("nan")}, ValueError),
    ],
)
def test_bad_times_are_refused_at_the_call(lib, times, kind):
    """Nothing has happened then, and no thread has been started."""
    with lib.pool.ThreadPool(1) as pool:
        assert type(error_of(lambda: pool.terminate(**times))) is kind
        assert pool.apply(int) == 0
    assert type(error_of(lambda: poolcompat.pool.ThreadPool(1, **times))) is kind
    assert type(error_of(lambda: poolcompat.patch_all(**times))) is kind


def test_a_terminated_pool_takes_nothing(lib):
    """Neither work nor another with block; terminate() and join() may be called again."""
    pool = lib.pool.ThreadPool(1)
    pool.terminate()
    for submit in (pool.apply, pool.apply_async):
        assert str(error_of(lambda submit=submit: submit(int))) == "Pool not running"
    for submit in (pool.map, pool.map_async, pool.imap, pool.imap_unordered):
        assert str(error_of(lambda submit=submit: submit(int, []))) == "Pool not running"
    assert str(error_of(pool.__enter__)) == "Pool not running"
    pool.join()
    assert pool.terminate().survivors == ()
    pool.join()


def test_infinite_input_ends_with_the_pool(lib, started):
    """Though more is taken all the time."""
    pool = lib.pool.ThreadPool(2)
    numbers = (started.release() or number for number in itertools.count())
    results = pool.imap(int, numbers)
    wait_for(started, 10)
    pool.terminate("silent")
    pool.join()

    assert reason_of(lambda: list(results)) in ("not started", "abandoned")

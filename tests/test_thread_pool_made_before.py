"""Pools that the standard library made and that are terminated under the patch."""

from __future__ import annotations

import multiprocessing.pool
import threading

import pytest

import poolcompat
from conftest import DEADLOCK_S
from poolcompat import TaskStopped, _stdlib, _threads

pytestmark = pytest.mark.skipif(
    not (_threads.can_interrupt() and _stdlib.FRAMES_ARE_READABLE),
    reason="needs asynchronous exceptions and frames that can be read",
)


def spin(running, *_):
    running.set()
    while True:
        pass


def park(running, *_):
    running.set()
    threading.Event().wait()


# The interpreter itself says nothing of a SystemExit that ends a thread.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("task", [spin, park])
@pytest.mark.parametrize(
    "submit",
    [
        lambda pool, task, running: pool.apply_async(task, (running,)),
        lambda pool, task, running: pool.map_async(task, [running]),
        lambda pool, task, running: pool.starmap_async(task, [(running, 1)]),
    ],
)
def test_its_tasks_are_interrupted(task, submit):
    """With "escalate", though nothing has noted which tasks run."""
    pool = multiprocessing.pool.ThreadPool(2)
    running = threading.Event()
    result = submit(pool, task, running)
    assert running.wait(DEADLOCK_S)
    with poolcompat.patched(on_terminate="escalate", grace=0, timeout=DEADLOCK_S):
        report = pool.terminate()
    assert report.survivors == ()
    assert [one.task for one in report.interrupted] == [f"{__name__}.{task.__name__}"]
    with pytest.raises(TaskStopped):
        result.get(0)
    for thread in pool._pool:
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()

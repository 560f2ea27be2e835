"""What the threads of a ``ThreadPool`` do that run its tasks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .. import _stdlib
from ..stopping._task import Task
from ..stopping._task_stopped import TaskStopped
from ._chunk import Chunk

if TYPE_CHECKING:
    from ._engine import Engine


class PoolTask(Task):
    """A task that a worker has begun."""

    # The worker sets everything; a call of Python code for each task takes longer.
    __slots__ = ("func", "is_over", "job")

    __init__ = object.__init__

    #: The number of its result
    job: int
    #: What was submitted, or the chunk; ``None`` when it is over
    func: Any
    #: Whether it has returned or raised
    is_over: bool


def worker(engine: Engine) -> None:
    """Run tasks; what a thread of a pool does."""
    try:
        if engine.initializer is not None:
            try:
                engine.initializer(*engine.initargs)
            except BaseException as error:
                engine.initializer_failed(error)
                raise  # to where threads tell of it
        _work(engine)
    finally:
        engine.producer_ended()


def _work(engine: Engine) -> None:
    me: Any = threading.current_thread()
    get, lock, cache, begun = engine.inqueue.get, engine.lock, engine.cache, engine.begun
    while True:
        item = get()
        if item is None:
            return
        job, i, func, args, kwds = item
        task: Any = PoolTask()
        task.fn = task.started = None
        task.job, task.func, task.is_over = job, func, False
        with lock:
            if engine.is_stopped:
                return
            result: Any = cache.get(job)
            is_wanted = result is not None and not getattr(result, "_is_cut", False)
            if is_wanted:
                result._has_begun = True
                begun[me] = task
        if is_wanted:
            is_chunk = type(func) is Chunk
            if is_chunk:
                func, args = func.call()
            me._poolcompat_task = task
            outcome: Any = task.call(func, args, kwds)
            me._poolcompat_task = None
            if is_chunk:
                outcome = task.func.checked(outcome)
            task.is_over = True
        else:
            outcome = False, TaskStopped("not started")
        # Freed before whoever waits for the result goes on
        item = func = args = kwds = task.func = None
        try:
            if getattr(result, "_is_direct", False):
                result._set(i, outcome)
            else:
                engine.deliver(job, i, outcome)
        except BaseException:
            _stdlib.LOGGER.critical("Exception while completing a task", exc_info=True)
        begun.pop(me, None)
        result = outcome = task = None

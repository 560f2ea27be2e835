"""How a ``ThreadPool`` is made, forked and terminated."""

from __future__ import annotations

import threading
from multiprocessing import get_context, util
from typing import Any, Callable, Iterable

from .. import _forks, _threads
from ..stopping._ladder import climb
from ..stopping._policy import Policy
from ..stopping._report import TerminateReport, report_of
from . import _multiprocessing as _mp
from ._completing import give_up
from ._engine import Engine
from ._handlers import CallbackHandler, Notifier, TaskHandler, WorkerHandler

#: Whose frames lie between a thread's start and its task, and between a caller and ``terminate()``
POOL_MODULES = frozenset({"threading", "multiprocessing.pool", "multiprocessing.util"})


def initialize(
    self: Any,
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
) -> None:
    """Do what :class:`ThreadPool` does, with the standard library's signature."""
    self._pool = []
    self._state = _mp.INIT
    self._ctx = get_context()
    self._maxtasksperchild = None
    self._initializer = initializer
    self._initargs = initargs
    if processes is None:
        processes = _mp.default_processes()
    if processes < 1:
        raise ValueError("Number of processes must be at least 1")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    self._processes = processes
    attach(self).start()
    self._state = _mp.RUN
    _forks.survive_forks(self, _begin_anew)


def attach(pool: Any) -> Engine:
    """Give *pool* an engine, and the attributes that go with it."""
    engine = Engine(pool)
    pool._poolcompat_engine = engine
    pool._pool = engine.workers
    pool._cache = engine.cache
    pool._taskqueue = engine.taskqueue
    pool._inqueue = engine.inqueue
    pool._outqueue = engine.callbacks.queue
    pool._quick_put = engine.inqueue.put
    pool._quick_get = engine.callbacks.queue.get
    pool._change_notifier = Notifier()
    pool._worker_handler = WorkerHandler(engine)
    pool._task_handler = TaskHandler(engine)
    pool._result_handler = CallbackHandler(engine)
    pool._terminate = util.Finalize(pool, engine.end_quietly, exitpriority=15)
    return engine


def _begin_anew(pool: Any) -> None:
    """Make *pool* empty and usable in a forked child."""
    engine: Engine = pool._poolcompat_engine
    outstanding = {*pool._cache.copy().values(), *engine.callbacks.dropped()}
    pool._cache.clear()
    pool._terminate.cancel()
    engine = attach(pool)
    if pool._state == _mp.CLOSE:
        engine.close()
    elif pool._state != _mp.RUN:
        engine.stop()
    for result in outstanding:
        give_up(result, _forks.lost_task())


def prepared(policy: Policy) -> Policy:
    """Return *policy*; load now what it needs, which takes long while busy threads run."""
    if policy.on_terminate == "escalate":
        _threads.can_interrupt()
    return policy


def terminate(engine: Engine, policy: Policy) -> TerminateReport:
    """Do what ``ThreadPool.terminate()`` says, but for the warning."""
    me = threading.current_thread()

    def find() -> list[Any]:
        return [one for one in engine.running() if one.thread is not me]

    found = engine.stop()
    others = [one for one in found if one.thread is not me]
    try:
        if policy.on_terminate == "escalate":
            for one in found:
                if one.thread is me:
                    one.task.request_stop()
            engine.cross()
            # This asks the others.
            report = climb(find, policy.grace, policy.timeout, POOL_MODULES)
            survivors = {one.thread for one in find()}
            engine.workers[:] = [w for w in engine.workers if w not in survivors]
        else:
            for one in found:
                one.task.request_stop()
            running = find()
            tasks = {one.task for one in running}
            ended = [one for one in others if one.task not in tasks]
            report = report_of(ended, running, POOL_MODULES)
    finally:
        engine.callbacks.settle()
    return report

"""The threads of ``ThreadPoolExecutor``: one loop for all versions.

Guarantees:

* A worker survives whatever a task or a done-callback does, ``SystemExit`` and completing its own
  future included.
* No thread is started while one is idle, and none is spared because one was idle.

How idle workers are counted, without a lock: a worker that finds the queue empty puts a token into
``idle`` before it waits, and ``submit()`` takes one out and marks its work item as *expected*.  A
worker that announced itself and gets an item that is not expected takes a token back; one that did
not announce itself and gets an expected item puts one in, for the worker that still waits.

Assumptions: ``list.append()`` and ``list.pop()`` are atomic.  ``SimpleQueue.put()`` may be called
from anywhere, signal handlers and destructors included; CPython's may, PyPy's may not while it has
interrupted itself.
"""

from __future__ import annotations

import queue
import threading
import weakref
from typing import Any, Callable

from .. import _stdlib
from .._calling import call_each
from ..stopping._task import Task
from . import _exit
from ._future import Future


class WorkItem(Task):
    """A call in the queue; the call itself is in its future, which lets it go when cancelled."""

    __slots__ = ("future", "is_expected", "queued")

    def __init__(self, future: Future[Any], queued: set[Any]) -> None:
        # Not super(): this is on the path of every submit().
        self.fn = self.started = None
        self.future = future
        #: The futures of what has not begun, for forks: between put() and get() the item is nowhere
        #: that can be looked at, because since 3.13 it is handed over
        self.queued = queued
        queued.add(future)
        self.is_expected = False

    @property
    def task(self) -> tuple[Any, Any, Any] | None:
        """The function, its arguments and its keyword arguments, as in 3.14."""
        return getattr(self.future, "_poolcompat_call", None)

    @property
    def args(self) -> Any:
        """The arguments, as before 3.14, for those who look into the queue."""
        task = self.task  # Whoever cancels the future takes it away.
        return () if task is None else tuple(task[1])

    @property
    def kwargs(self) -> Any:
        """The keyword arguments, in the same way."""
        task = self.task
        return {} if task is None else task[2]

    def run(self, context: Any = None) -> None:
        """Run the call, unless it was cancelled, and complete its future.

        Args:
            context: What runs it, since 3.14; ``None`` is to call the function.
        """
        future = self.future
        self.queued.discard(future)
        if not future.set_running_or_notify_cancel():
            return
        call = future.__dict__.pop("_poolcompat_call")
        if context is None:
            fn, args, kwargs = call
        else:
            fn, args, kwargs = context.run, (call,), {}
        del call
        returned, outcome = self.call(fn, args, kwargs)
        # Freed before a done-callback is called
        fn = args = kwargs = None
        try:
            if returned:
                future.set_result(outcome)
            else:
                future.set_exception(outcome)
        except _stdlib.InvalidStateError:
            if self.control is None or not self.control.is_abandoned:
                raise
        finally:
            # Break a reference cycle with the exception's traceback, whose frame refers to this one
            self = future = outcome = None  # type: ignore[assignment]


def start_worker(executor: Any, idle: list[None]) -> None:
    """Start a thread for *executor*, with the executor's lock held.

    Raises:
        RuntimeError: No thread can be started.
    """
    work_queue = executor._work_queue

    # When the executor is collected, this wakes a worker, which wakes the next.
    def wake(_: object, put: Callable[[None], None] = work_queue.put) -> None:
        put(None)

    thread = threading.Thread(
        name=f"{executor._thread_name_prefix or executor}_{len(executor._threads)}",
        target=_work,
        args=(weakref.ref(executor, wake), work_queue, idle, _stdlib.context_of(executor)),
        daemon=_exit.WORKERS_ARE_DAEMONS,
    )
    thread.start()
    executor._threads.add(thread)
    _exit.enroll(thread, work_queue)


def _work(
    executor_reference: Callable[[], Any],
    work_queue: queue.SimpleQueue[Any],
    idle: list[None],
    context: Any,
) -> None:
    try:
        context.initialize()
    except BaseException as error:
        _stdlib.LOGGER.critical("Exception in initializer:", exc_info=True)
        break_pool(executor_reference(), work_queue, error)
        return
    me: Any = threading.current_thread()
    is_plain = _stdlib.runs_plainly(context)
    try:
        while True:
            announced = work_queue.empty()
            if announced:
                idle.append(None)
            work_item = work_queue.get()
            if announced is not getattr(work_item, "is_expected", False):
                _balance(idle, announced)
            if work_item is not None:
                me._poolcompat_task = work_item
                try:
                    if is_plain and type(work_item) is WorkItem:
                        work_item.run()
                    else:
                        work_item.run(*_stdlib.run_arguments(context))
                except BaseException:
                    # Of a done-callback, or because somebody else has completed the future
                    _stdlib.LOGGER.critical("Exception in worker", exc_info=True)
                me._poolcompat_task = None
                # Frees it before the next one comes, and breaks a reference cycle with the
                # traceback of what the task raised.
                del work_item
                continue
            executor = executor_reference()
            if _exit.ends_workers(work_queue) or executor is None or executor._shutdown:
                # Flag it as early as possible if it has not been collected yet
                if executor is not None:
                    executor._shutdown = True
                # The next worker
                work_queue.put(None)
                return
            del executor
    finally:
        context.finalize()


def _balance(idle: list[None], announced: bool) -> None:
    if not announced:
        idle.append(None)
    elif idle:
        idle.pop()


def drain(work_queue: queue.SimpleQueue[Any], idle: list[None]) -> list[Any]:
    """Take all calls that have not started out of the queue and return their futures.

    The signals to end are taken as well; the tokens of the workers that were expected to take a
    call are given back.
    """
    futures: list[Any] = []
    while True:
        try:
            work_item = work_queue.get_nowait()
        except queue.Empty:
            return futures
        if work_item is not None:
            futures.append(work_item.future)
            if getattr(work_item, "is_expected", False):
                idle.append(None)


def break_pool(executor: Any, work_queue: queue.SimpleQueue[Any], cause: BaseException) -> None:
    """Fail what has not started, after the initializer of a thread has raised *cause*."""
    error_class = _stdlib.BrokenThreadPool if executor is None else _stdlib.broken_class(executor)
    if executor is None:
        futures = drain(work_queue, [])
    else:
        with executor._shutdown_lock:
            executor._broken = _stdlib.INITIALIZER_FAILED
            executor._poolcompat_broken_by = cause
            futures = drain(work_queue, [])

    # Other workers may live, and wait for the end that shutdown() has put there.
    work_queue.put(None)

    def fail(future: Any) -> None:
        if future._state == _stdlib.FINISHED:
            return  # by somebody else
        if future.set_running_or_notify_cancel():
            error = error_class(_stdlib.INITIALIZER_FAILED)
            error.__cause__ = cause
            future.set_exception(error)

    call_each(fail, futures)
    if executor is not None:
        executor._poolcompat_queued.difference_update(futures)

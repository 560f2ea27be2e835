"""What runs the tasks of a ``ThreadPool``: its threads and queues, for all versions.

Guarantees:

* No thread holds a strong reference to the pool, but its results that are not ready do.
* Once :meth:`Engine.stop` has returned, no task begins; what it has noted as begun is complete.
* Tasks and callbacks survive whatever a task or a callback raises.
* Callbacks are called one at a time in a thread of their own, never in one that runs tasks.  Those
  of results that ``terminate()`` completes are called by the thread that called it, or, if one is
  running in the thread for callbacks, by that.
* No lock is held while code of the user's runs.

How: a worker notes its task in ``begun`` with the lock held, if its result still is in the cache
and the pool has not been stopped.  It delivers the outcome to the result itself, or, if something
may have to be called, to the thread for callbacks.  A result stays in the cache until it is ready;
whoever drops one takes it out.
"""

from __future__ import annotations

import queue
import threading
import weakref
from typing import Any, Callable

from .. import _stdlib
from ..stopping._task import Running
from ..stopping._task_stopped import TaskStopped
from . import _multiprocessing as _mp
from ._callbacks import Callbacks, call_back_all
from ._chunk import Chunk
from ._completing import OURS, has_begun, is_decided, wants_callbacks
from ._feeding import Feed, TaskQueue, handle_tasks
from ._working import PoolTask, worker


class Engine:
    """The threads and queues of one pool, in one process.

    Attributes:
        lock: Reentrant, because destructors and signal handlers use pools as well.
        cache: The results that are not ready, by their number.
        is_over: Whether whoever submits something has to look what becomes of it.
        broken_by: The exception of an initializer, once all of them have failed.
    """

    def __init__(self, pool: Any) -> None:
        self.pool = weakref.ref(pool)
        self.lock = _stdlib.RLock()
        self.cache: dict[int, Any] = {}
        self.workers: list[Any] = []
        self.taskqueue = TaskQueue(self)
        self.inqueue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.callbacks = Callbacks(self)
        self.begun: dict[threading.Thread, PoolTask] = {}
        self.suspended: dict[Feed, bool] = {}
        self.feeder: threading.Thread | None = None
        self.initializer = pool._initializer
        self.initargs = pool._initargs
        self.broken_by: BaseException | None = None
        self.is_started = False
        self.is_over = False
        self.is_stopped = False
        self.is_fed_out = False
        self.is_joined = False
        self.is_in_input = False
        # Workers whose initializer has not failed
        self._usable = 0
        # Threads that may still have something called back
        self._producers = 0

    def start(self) -> None:
        """Start the threads, unless they are.

        Raises:
            RuntimeError: A thread cannot be started.
        """
        pool = self.pool()
        with self.lock:
            if self.is_started or self.is_stopped or pool is None:
                return
            self.is_started = True
            self._usable = pool._processes
            self._producers = pool._processes + 1
            try:
                for _ in range(pool._processes):
                    thread = _mp.new_worker(pool, worker, (self,))
                    thread.start()
                    self.workers.append(thread)
                self.feeder = threading.Thread(target=handle_tasks, args=(self,), daemon=True)
                self.feeder.start()
            except BaseException:
                self.is_stopped = self.is_over = True
                for _ in self.workers:
                    self.inqueue.put(None)
                raise

    def running(self) -> list[Running]:
        """Return the tasks that run, that of the calling thread included."""
        found = []
        for thread, task in self.begun.copy().items():
            # First, because it is gone when the task is over
            func = task.func
            control = task.control
            is_over = task.is_over or (control is not None and control.ended.is_set())
            if not is_over and thread.is_alive():
                name = func.func if isinstance(func, Chunk) else func
                found.append(Running(thread, task, name, task.started))
        return found

    def deliver(self, job: int, i: int, outcome: tuple[bool, Any]) -> None:
        """Complete a task."""
        result = self.cache.get(job)
        if result is None:
            return
        if wants_callbacks(result):
            self.callbacks.put((result, i, outcome))
        elif isinstance(result, OURS):
            result._set(i, outcome)
        else:
            with self.lock:
                if job in self.cache:
                    result._set(i, outcome)

    def complete(self, result: Any) -> None:
        """Make a result ready that is decided."""
        if result._callback if result._success else result._error_callback:
            self.callbacks.put((result, None, None))
        else:
            result._complete()

    def begun_jobs(self) -> set[int]:
        """Return the numbers of the results of which a task runs."""
        return {task.job for task in self.begun.copy().values()}

    def drop(self, make_error: Callable[[], BaseException], can_cut: bool = True) -> list[Running]:
        """Have nothing begin of what has been submitted so far.

        Args:
            make_error: Makes what a result ends with.
            can_cut: Whether results of which something has begun end so as well, once what has
                begun ends.

        Returns:
            The tasks that ran when everything else had been dropped.
        """
        with self.lock:
            left = self._drain()
            running = self.running()
            jobs = self.begun_jobs()
            due, cuts = [], []
            for job, result in self.cache.copy().items():
                source = getattr(result, "_feed", None)
                if has_begun(result, jobs):
                    if can_cut and source is not None and not result._is_cut:
                        if left.get(job) or not source.is_ended:
                            cuts.append((source, source.count - left.get(job, 0)))
                        source.is_ended = result._is_cut = True
                elif not is_decided(result) and self.cache.pop(job, None) is not None:
                    due.append(self.callbacks.end_result(result, make_error()))
            chunks = self._chunks() if can_cut else []
            self._resume_all()  # The feeder lets go of their input.
        for chunk in chunks:
            chunk.clear()
        for source, first in cuts:
            self.cut(source, first, make_error())
        call_back_all(due)
        return running

    def _resume_all(self) -> None:
        """Have the feeder look again at what it has set aside.  The lock is held."""
        suspended, self.suspended = self.suspended, {}
        for source in suspended:
            self.taskqueue.put_signal((source, None))

    def cut(self, source: Feed, first: int, error: BaseException) -> None:
        """End the result of *source* with *error* in place of its tasks from *first* on."""
        result = source.result
        with self.lock:
            source.is_ended = True
            result._end(first + 1)
        self.deliver(result._job, first, (False, error))

    def _drain(self) -> dict[int, int]:
        """Take out what no worker has taken, and return the number of tasks by job."""
        left: dict[int, int] = {}
        signals = 0
        while True:
            try:
                task = self.inqueue.get_nowait()
            except queue.Empty:
                break
            if task is None:
                signals += 1
            else:
                left[task[0]] = left.get(task[0], 0) + 1
        for _ in range(signals):
            self.inqueue.put(None)
        return left

    def _chunks(self) -> list[Chunk]:
        functions = [task.func for task in self.begun.copy().values()]
        return [func for func in functions if isinstance(func, Chunk)]

    def request_stop(self) -> int:
        """Ask what runs to stop, drop what does not, and return how many tasks were asked."""
        running = self.drop(_not_started)
        for one in running:
            one.task.request_stop()
        return len(running)

    def stop(self) -> list[Running]:
        """Let no more task begin, and return those that run."""
        with self.lock:
            self.is_stopped = self.is_over = True
            self._drain()
            running = self.running()
            chunks = self._chunks()
            for _ in self.workers:
                self.inqueue.put(None)
            self.taskqueue.put_signal()
        for chunk in chunks:
            chunk.clear()
        return running

    def close(self) -> None:
        """End the threads once everything that was submitted is done."""
        if self.is_started:
            self.taskqueue.put_signal()

    def join_input(self) -> None:
        """Have no more input taken where a quota is used up, lest one waits for ever."""
        with self.lock:
            self.is_joined = True
            self._resume_all()

    def end_quietly(self) -> None:
        """End the pool with its last reference, or the interpreter: wait for and call nothing."""
        self.stop()
        self.callbacks.settle(can_call=False)

    def cross(self) -> None:
        """See to what has been submitted while the pool was being ended, or after that."""
        if self.broken_by is not None:
            self.drop(self._broken)
        elif self.is_stopped:
            self.drop(_not_started, can_cut=False)
        elif self.is_fed_out:
            due = []
            with self.lock:
                for job in self.taskqueue.drain_jobs():
                    result = self.cache.pop(job, None)
                    if result is not None:
                        error = ValueError("Pool not running")
                        due.append(self.callbacks.end_result(result, error))
            call_back_all(due)

    def initializer_failed(self, error: BaseException) -> None:
        """Fail everything, from now on, if it was the last worker's."""
        with self.lock:
            self._usable -= 1
            if self._usable or self.is_stopped:
                return
            self.broken_by = error
            self.is_over = True
        self.drop(self._broken)

    def _broken(self) -> BaseException:
        error = _stdlib.BrokenThreadPool(_stdlib.INITIALIZER_FAILED)
        error.__cause__ = self.broken_by
        return error

    def producer_ended(self) -> None:
        """Note that a worker or the feeder will have nothing called back any more."""
        with self.lock:
            self._producers -= 1
            if self._producers == 0:
                self.callbacks.end()


def _not_started() -> TaskStopped:
    return TaskStopped("not started")

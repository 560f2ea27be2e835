"""How the input of a ``ThreadPool`` becomes tasks.

One thread of each pool, the feeder, takes the input of all submissions, one after the other: what
iterates is used by one thread, and tasks are begun in the order in which they were submitted.

An iteration with a *buffersize* whose quota is used up is set aside, and the feeder goes on with
the next submission; asking the iterator for a result puts it back at the end of the queue.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator

from .. import _stdlib
from ..stopping._task_stopped import TaskStopped
from . import _multiprocessing as _mp
from ._chunk import Chunk, adapted, loop_of
from ._completing import stop
from ._results import MapResult

if TYPE_CHECKING:
    from ._engine import Engine

_END = object()


class Feed:
    """The tasks of a ``map()`` or ``imap()``.

    Attributes:
        result: Whose they are.
        count: How many have been made.
        items: Of how many items.
        is_ended: Whether no more are wanted.
        is_exhausted: Whether there are no more.
        is_limited: Whether there is a quota.
    """

    def __init__(
        self,
        engine: Engine,
        result: Any,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None,
        mapper: Any,
        limit: int | None = None,
    ) -> None:
        self.result = result
        self.count = 0
        self.items = 0
        self.is_ended = False
        self.is_exhausted = False
        self.is_limited = limit is not None
        self._engine = engine
        self._func = func
        self._iterable: Iterable[Any] | None = iterable
        self._iterator: Iterator[Any] | None = None
        self._chunksize = chunksize
        self._mapper = mapper
        self._loop = loop_of(mapper)
        self._limit = limit
        result._feed = self

    def take(self) -> tuple[int, int, Any, Any, Any] | None:
        """Return the next task, or ``None`` if there are no more; for the feeder."""
        job = self.result._job
        try:
            if self._iterable is not None:
                iterable, self._iterable = self._iterable, None
                self._iterator = iter(iterable)
            assert self._iterator is not None
            if self._chunksize is None:
                item = next(self._iterator, _END)
                if item is not _END:
                    return job, self.count, self._func, (item,), {}
            else:
                chunk = Chunk(itertools.islice(self._iterator, self._chunksize))
                if chunk:
                    chunk.func, chunk.mapper, chunk.loop = self._func, self._mapper, self._loop
                    chunk.size = len(chunk)
                    self.items += chunk.size
                    return job, self.count, chunk, (), {}
        except BaseException as error:
            self.is_exhausted = True
            # A task, so that it comes after those before it
            return job, self.count, _mp.raise_again, (error,), {}
        self.is_exhausted = True
        return None

    def is_full(self) -> bool:
        """Tell whether the quota is used up."""
        return self._limit is not None and self.count - self.result._taken >= self._limit

    def resume(self) -> None:
        """Go on if the quota was used up and is not any more."""
        if self._limit is None:
            return
        with self._engine.lock:
            if not self.is_full() and self._engine.suspended.pop(self, False):
                self._engine.taskqueue.put_signal((self, None))

    def let_go(self) -> None:
        """Close the input; for the feeder."""
        self._iterable = self._iterator = None


class TaskQueue:
    """The queue of submissions, as pairs of tasks and what is told their number.

    What is put there is done or its result gets ready, even if the pool ends meanwhile.
    """

    def __init__(self, engine: Engine) -> None:
        # No base class, because gevent may replace that in the module at any time.
        entries: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._engine = engine
        self._put = entries.put
        self.get = entries.get
        self.get_nowait = entries.get_nowait
        self.empty = entries.empty
        self.qsize = entries.qsize  # for programs that look how much is queued

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Submit *item*."""
        engine = self._engine
        if not engine.is_started:
            engine.start()
        self._put(item)
        if engine.is_over:
            engine.cross()

    def put_signal(self, item: Any = None) -> None:
        """Wake the feeder: with the end, or with what it is to go on with."""
        self._put(item)

    def drain_jobs(self) -> Iterator[int]:
        """Take out all submissions, and yield the numbers of their results."""
        while True:
            try:
                entry = self.get_nowait()
            except queue.Empty:
                return
            if entry is None:
                continue
            source, set_length = entry
            if isinstance(source, Feed):
                yield source.result._job
            elif type(source) is list:
                yield source[0][0]
            elif set_length:
                yield set_length.__self__._job
            else:  # a generator that has not begun
                yield source.gi_frame.f_locals["result_job"]


def handle_tasks(engine: Engine) -> None:
    """Take the submissions of *engine* until it ends; what the feeder does."""
    try:
        _feed(engine)
    finally:
        for _ in engine.workers:
            engine.inqueue.put(None)
        engine.producer_ended()


def _feed(engine: Engine) -> None:
    taskqueue = engine.taskqueue
    is_closing = False
    while True:
        entry = taskqueue.get()
        if entry is None:
            is_closing = True
        else:
            _feed_one(engine, entry)
            entry = None
        with engine.lock:
            is_done = is_closing and taskqueue.empty() and not engine.suspended
            if is_done or engine.is_stopped:
                engine.is_fed_out = engine.is_over = True
                break
    # What has crossed the end
    while True:
        try:
            entry = taskqueue.get_nowait()
        except queue.Empty:
            return
        if entry is not None:
            _feed_one(engine, entry)


def _feed_one(engine: Engine, entry: tuple[Any, Any]) -> None:
    source, set_length = entry
    entry = None  # type: ignore[assignment]
    try:
        if type(source) is list:  # of one call, whether the standard library has made it or we
            with engine.lock:
                if not engine.is_stopped:
                    for task in source:
                        engine.inqueue.put(adapted(task))
        elif isinstance(source, Feed):
            _feed_ours(engine, source)
        else:
            _feed_theirs(engine, source, set_length)
    except BaseException:  # The feeder must live.
        _stdlib.LOGGER.critical("Exception in the feeder of a pool", exc_info=True)


def _feed_ours(engine: Engine, source: Feed) -> None:
    result, lock, cache, put = source.result, engine.lock, engine.cache, engine.inqueue.put
    job = result._job
    room = result._expected if isinstance(result, MapResult) else sys.maxsize
    task = pool = None
    is_decided = is_given_up = False
    while True:
        with lock:
            engine.is_in_input = False
            if source.is_ended or engine.is_stopped or job not in cache:
                break
            if task is not None:
                source.count += 1
                put(task)
                task = None
            if source.is_exhausted:
                source.is_ended = True
                pool = engine.pool()  # lest it is collected with the lock held
                is_decided = result._end(source.count, source.items)
                break
            if source.is_limited and source.is_full():
                if not engine.is_joined:
                    engine.suspended[source] = True
                    return
                is_given_up = True
                break
            engine.is_in_input = True
        task = source.take()
        if source.items > room:
            room = source.items
            result._make_room(room)
    del task, pool
    source.let_go()
    if is_decided:
        engine.complete(result)
    elif is_given_up:
        engine.cut(source, source.count, TaskStopped("not started"))


def _feed_theirs(engine: Engine, source: Iterable[Any], set_length: Any) -> None:
    job, count = -1, 0
    iterator = iter(source)
    while True:
        with engine.lock:
            if engine.is_stopped:
                return
            engine.is_in_input = True
        try:
            task = next(iterator, None)
        except BaseException as error:
            result = engine.cache.pop(job, None)
            if result is not None:
                stop(result, error)
            return
        finally:
            engine.is_in_input = False
        if task is None:
            break
        job, count = task[0], count + 1
        engine.inqueue.put(adapted(task))
        task = None
    if set_length:
        with contextlib.suppress(KeyError):  # It has been dropped.
            set_length(count)

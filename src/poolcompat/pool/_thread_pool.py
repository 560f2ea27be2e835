"""``ThreadPool``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, TypeVar

from .._standing_in import StandIn
from ..stopping._policy import Policy
from ..stopping._report import TerminateReport, warn_caller
from . import _before_patch
from . import _multiprocessing as _mp
from ._engine import Engine
from ._feeding import Feed, TaskQueue
from ._iterators import IMapIterator, IMapUnorderedIterator
from ._life import POOL_MODULES, initialize, prepared, terminate
from ._process_pool import check_running, enter
from ._results import ApplyResult, MapResult

if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult
    from multiprocessing.pool import IMapIterator as _Iterator

S = TypeVar("S")
T = TypeVar("T")

# What the pools do that patch_all() changed
_patched_policy = Policy()


def set_patched_policy(policy: Policy) -> None:
    """Choose the policy of the pools that ``patch_all()`` changed."""
    global _patched_policy
    _patched_policy = prepared(policy)


class ThreadPool(_mp.ThreadPool, metaclass=StandIn):
    """The standard library's ``ThreadPool`` with the newest behaviour on every version.

    ``isinstance(pool, ThreadPool)`` is true for the standard library's own as well.

    Args:
        processes: The number of threads; by default the number of CPUs.
        initializer: Called as ``initializer(*initargs)`` in each thread when it starts.
        initargs: As above.
        on_terminate: What :meth:`terminate` and the end of a ``with`` block do about tasks that
            still run: ``"warn"``, the default, ``"escalate"`` or ``"silent"``.
        grace: The default of :meth:`terminate`, in seconds.
        timeout: The default of :meth:`terminate`, in seconds.

    Raises:
        ValueError: *processes* is less than 1, *on_terminate* is no policy, or a time is negative.
        TypeError: *initializer* cannot be called, or a time is no number.

    Guarantees:

    * Tasks begin in the order in which they were submitted, and one thread takes all input.
    * Once ``terminate()`` has returned, each result of the pool is ready, and no task begins.  A
      result that was there before stays as it is.
    * A result of a submission that crosses ``close()`` or ``terminate()`` in another thread becomes
      ready as well.
    * ``terminate()`` waits for no task, except for *timeout* seconds with ``"escalate"``, and for
      no input that is being taken.
    * Whatever a task, a callback or the input raises becomes a result, and the pool goes on.
    * A pool whose threads' initializers have all failed fails what is submitted with
      ``BrokenThreadPool``; its cause is the exception of one of them.
    * A forked child has the pool empty and usable; what was outstanding fails there with
      ``BrokenExecutor``, and is not called back.

    Assumption: the attributes that methods of the standard library use on the pool are those that
    ``_life`` sets, on every version from 3.7, so that they also work on a pool that was made
    while they were patched.
    """

    _stands_in_for = _mp.ThreadPool

    # The standard library's __del__ (3.8) reads it even if __init__ has refused its arguments.
    _state = _mp.TERMINATE
    _poolcompat_engine: Engine
    _poolcompat_policy: Policy
    _pool: list[Any]
    _processes: int
    _taskqueue: TaskQueue
    _terminate: Any

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        on_terminate: str = "warn",
        grace: float = 1.0,
        timeout: float | None = 5.0,
    ) -> None:
        self._poolcompat_policy = prepared(Policy.checked(on_terminate, grace, timeout))
        initialize(self, processes, initializer, initargs)

    def request_stop(self) -> int:
        """Ask every running task to stop, and drop what has not started; the pool stays usable.

        What is dropped ends with :class:`.TaskStopped`: queued tasks, the remaining items of a
        ``map()`` whose chunk runs, and the rest of what ``imap()`` iterates over, which is not
        taken any more.  A running task cannot be stopped by this unless it looks, with
        ``checkpoint()`` for one.

        Returns:
            How many tasks were asked.
        """
        engine: Engine = vars(self)["_poolcompat_engine"]
        return engine.request_stop()

    # The methods from here on also work on the standard library's class.  So they say
    # super(_mp.ThreadPool, self).

    def terminate(  # type: ignore[override]  # nobody uses the None that the parent returns
        self,
        on_terminate: str | None = None,
        *,
        grace: float | None = None,
        timeout: float | None = None,
    ) -> TerminateReport:
        """Drop what has not started, and end the threads as soon as their tasks end.

        Differs from the standard library's: each outstanding result becomes ready with
        :class:`.TaskStopped`, so ``get()``, ``wait()``, iterators and error callbacks return
        instead of hanging (gh-79659, gh-126743).  What runs is asked to stop, and does if it looks.

        Args:
            on_terminate: ``"warn"``: a :class:`.TerminateWarning` names each task that still runs
                and where it is, and points at the caller's line.  ``"escalate"``: what does not
                stop within *grace* seconds is interrupted until it does, or *timeout* seconds have
                passed; then comes the warning.  ``"silent"``: no warning.  ``None``, the default,
                is what the pool was made with, as it is for the other arguments.
            grace: Seconds that tasks have to stop by themselves, with ``"escalate"``.
            timeout: Seconds in total, with ``"escalate"``.

        Returns:
            What has stopped and what still runs.  The task from which this was called is neither.

        Raises:
            ValueError: *on_terminate* is no policy, or a time is negative; nothing has happened
                then.
            TypeError: A time is no number.
        """
        policy: Policy = getattr(self, "_poolcompat_policy", _patched_policy)
        policy = policy.but(on_terminate, grace, timeout)
        engine: Engine | None = vars(self).get("_poolcompat_engine")
        if engine is None:
            report = _before_patch.terminate(self, policy, POOL_MODULES)
        else:
            self._state = _mp.TERMINATE
            report = terminate(engine, policy)
            self._terminate.cancel()  # Nothing is left for the interpreter's exit.
        if policy.on_terminate != "silent" and report.survivors:
            warn_caller(report, POOL_MODULES)
        return report

    def apply_async(
        self,
        func: Callable[..., T],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callable[[T], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[T]:
        """Schedule ``func(*args, **kwds)`` and return its result's handle."""
        if "_poolcompat_engine" not in vars(self):
            submit = super(_mp.ThreadPool, self).apply_async
            result = submit(func, args, kwds, callback, error_callback)
            return _before_patch.settled(self, result)  # type: ignore[no-any-return]
        check_running(self)
        if callback or error_callback:
            self._poolcompat_engine.callbacks.start()
        result = ApplyResult(self, callback, error_callback)
        self._taskqueue.put(([(result._job, 0, func, args, kwds)], None))
        return result

    def _map_async(
        self,
        func: Callable[..., Any],
        iterable: Any,
        mapper: Any,
        chunksize: int | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> Any:
        engine: Engine | None = vars(self).get("_poolcompat_engine")
        if engine is None:
            parent: Any = super(_mp.ThreadPool, self)
            result = parent._map_async(func, iterable, mapper, chunksize, callback, error_callback)
            return _before_patch.settled(self, result)
        check_running(self)
        if callback or error_callback:
            engine.callbacks.start()
        if not hasattr(iterable, "__len__"):
            iterable = list(iterable)
        length = len(iterable)
        if chunksize is None:
            chunksize = -(-length // (self._processes * 4))
        # Only the built-in types are believed to be empty.
        is_empty = length == 0 and type(iterable).__module__ == "builtins"
        if is_empty or (length and chunksize <= 0):
            result = MapResult(self, 0, length, callback, error_callback)
            if result._end(0, length):
                engine.complete(result)
            return result
        chunksize = chunksize or 1
        result = MapResult(self, chunksize, length, callback, error_callback)
        source = Feed(engine, result, func, iterable, chunksize, mapper)
        self._taskqueue.put((source, None))
        return result

    def imap(
        self,
        func: Callable[[S], T],
        iterable: Iterable[S],
        chunksize: int | None = 1,
        buffersize: int | None = None,
    ) -> _Iterator[T]:
        """Return an iterator over the results of ``func(item)``, in the order of the items.

        Its ``next(timeout)`` waits for *timeout* seconds at most.

        Args:
            func: Called with one item.
            iterable: The items, which are taken in a thread of the pool.
            chunksize: How many items make one task.
            buffersize: How many tasks may be submitted whose results have not been asked for; the
                next is taken when a result is.  ``None``, the default, takes the whole input at
                once (3.16, gh-64192).  ``join()`` ends the input: asking for more than has been
                submitted by then raises :class:`.TaskStopped`.

        Raises:
            ValueError: The pool is not running, or *chunksize* or *buffersize* is less than 1.
            TypeError: *buffersize* is no integer.
        """
        if "_poolcompat_engine" not in vars(self):
            submit: Any = super(_mp.ThreadPool, self).imap
            theirs: _Iterator[T]
            theirs = _before_patch.imap(self, submit, func, iterable, chunksize, buffersize)
            return theirs
        check_running(self)
        if chunksize < 1:  # type: ignore[operator]  # a TypeError for None, as ever
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        return _imap(self, IMapIterator, func, iterable, chunksize, buffersize)

    def imap_unordered(
        self,
        func: Callable[[S], T],
        iterable: Iterable[S],
        chunksize: int | None = 1,
        buffersize: int | None = None,
    ) -> _Iterator[T]:
        """Return an iterator over the results of ``func(item)``, in the order they come.

        The arguments are those of :meth:`imap`.
        """
        if "_poolcompat_engine" not in vars(self):
            submit: Any = super(_mp.ThreadPool, self).imap_unordered
            theirs: _Iterator[T]
            theirs = _before_patch.imap(self, submit, func, iterable, chunksize, buffersize)
            return theirs
        check_running(self)
        if chunksize < 1:  # type: ignore[operator]
            raise ValueError(f"Chunksize must be 1+, not {chunksize!r}")
        return _imap(self, IMapUnorderedIterator, func, iterable, chunksize, buffersize)

    __enter__ = enter

    def __repr__(self) -> str:
        cls = type(self)
        return (
            f"<{cls.__module__}.{cls.__qualname__} state={self._state} pool_size={len(self._pool)}>"
        )

    def __del__(self, _warn: Any = warnings.warn, _run: Any = _mp.RUN) -> None:
        if getattr(self, "_state", None) == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)


def _imap(
    pool: Any,
    iterator_class: type[IMapIterator],
    func: Callable[..., Any],
    iterable: Iterable[Any],
    chunksize: Any,
    buffersize: Any,
) -> IMapIterator:
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")
    is_chunked = chunksize != 1
    result = iterator_class(pool, is_chunked)
    size = chunksize if is_chunked else None
    source = Feed(
        pool._poolcompat_engine, result, func, iterable, size, _mp.mapstar, limit=buffersize
    )
    pool._taskqueue.put((source, None))
    return result

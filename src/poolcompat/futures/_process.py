"""``ProcessPoolExecutor``.

Its calls go the same way as those of :mod:`._killable`, with these differences: each process runs
one call at a time, in its main thread; and when a process ends by itself, the pool is broken.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import multiprocessing
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, TypeVar

from .. import _stdlib
from .._standing_in import StandIn
from ..hosting._child import serve_calls
from ..hosting._host import Host
from . import _map, _process_ending, _process_stdlib
from ._engine import Engine, Plan, submit
from ._future import Future
from ._process_face import Face

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from typing_extensions import Literal, ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

# The names of 3.14, and of the methods of processes
_TERMINATE, _KILL = "terminate", "kill"
# What WaitForMultipleObjects can wait for, without two of it that are ours
_MAX_WINDOWS_WORKERS = 61


class ProcessPoolExecutor(_process_stdlib.ProcessPoolExecutor, metaclass=StandIn):
    """The standard library's ``ProcessPoolExecutor`` with the newest behaviour on every version.

    ``isinstance(executor, ProcessPoolExecutor)`` is true for the standard library's own as well.

    Args:
        max_workers: The largest number of processes; by default the number of CPUs that this
            process may use (3.13).
        mp_context: A context of ``multiprocessing`` that starts them; by default that of the
            interpreter, or of ``spawn`` if *max_tasks_per_child* is given.
        initializer: Called as ``initializer(*initargs)`` in each process when it starts.
        initargs: As above.
        max_tasks_per_child: After how many tasks a process is replaced (3.11); by default it never
            is.  Not with the start method ``fork``.

    Raises:
        ValueError: *max_workers* is less than 1 or, on Windows, more than 61;
            *max_tasks_per_child* is less than 1, or the start method is ``fork``.
        TypeError: *initializer* cannot be called, or *max_tasks_per_child* is no integer.

    Guarantees:

    * A call is sent to a process that is idle; until then its future can be cancelled.
    * A call, a result or an exception that cannot be pickled or unpickled fails its own future, and
      the pool goes on.
    * When a process ends by itself, or an initializer fails, every future that is not done gets a
      ``BrokenProcessPool`` of its own, which tells the signal or exit code, or has the exception as
      its cause; and the other processes are ended.
    * Processes end with their parent, however that ended, also while they run a task.
    * No lock is held while done-callbacks run, so they may submit, shut down and terminate.
    * A forked child has the executor empty and usable.

    Assumption: the attributes of the instance that methods of the standard library use are those
    that ``_process_face`` sets, on every version, so that they also work on an executor that
    was made while they were patched.
    """

    _stands_in_for = _process_stdlib.ProcessPoolExecutor

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: BaseContext | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
    ) -> None:
        if max_workers is None:
            max_workers = _stdlib.default_processes()
            if sys.platform == "win32":
                max_workers = min(_MAX_WINDOWS_WORKERS, max_workers)
        elif max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        elif sys.platform == "win32" and max_workers > _MAX_WINDOWS_WORKERS:
            raise ValueError(f"max_workers must be <= {_MAX_WINDOWS_WORKERS}")
        if mp_context is None:
            method = None if max_tasks_per_child is None else "spawn"
            mp_context = multiprocessing.get_context(method)
        is_fork = mp_context.get_start_method(allow_none=False) == "fork"
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
            if is_fork:
                raise ValueError(
                    "max_tasks_per_child is incompatible with the 'fork' multiprocessing start "
                    "method; supply a different mp_context."
                )
        self._max_workers = max_workers
        self._mp_context = mp_context
        self._initializer: Any = initializer
        self._initargs: Any = initargs
        self._max_tasks_per_child = max_tasks_per_child
        # Later than with the first call a fork would copy what other threads are doing (gh-90622).
        plan = Plan(max_workers, starts_all=is_fork, restarts=False, end_grace=None)
        Face(self, Engine(self, plan, _start))

    if TYPE_CHECKING:

        def submit(
            __self, __fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs
        ) -> _stdlib.Future[T]: ...

    else:

        def submit(*args: Any, **kwargs: Any) -> Future[Any]:
            """Schedule ``fn(*args, **kwargs)`` and return its :class:`Future`.

            The signature is ``submit(self, fn, /, *args, **kwargs)``, which 3.7 cannot spell.  The
            call is pickled when a process is free for it, not before.

            The future ends with what pickle raises if the call or its result cannot be pickled,
            with ``pickle.PicklingError`` if an exception cannot, and with
            ``pickle.UnpicklingError`` if something cannot be unpickled on the other side.  An
            exception of the task has its traceback there as ``__cause__``.

            Raises:
                RuntimeError: The executor or the interpreter is shutting down.
                BrokenProcessPool: A process has ended by itself, or an initializer has failed.
                OSError: No process can be started.
            """
            self, fn, *rest = _stdlib.with_function(args, kwargs)
            engine = vars(self).get("_poolcompat_engine")
            if engine is None:
                future: Future[Any] = _process_stdlib.submit(self, fn, *rest, **kwargs)
                return future
            return submit(engine, self, fn, rest, kwargs)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Return an iterator like ``map(fn, *iterables)`` whose calls run in the pool.

        Args:
            fn: Called with one item of each iterable.
            iterables: Where the arguments come from; the shortest one ends the iteration.
            timeout: Seconds from this call until the last result must be there; ``None``, the
                default, is for ever.
            chunksize: How many calls are sent to a process at once.
            buffersize: How many submitted chunks may wait to be yielded (3.14); ``None``, the
                default, takes the whole input at once.

        Raises:
            ValueError: *chunksize* or *buffersize* is less than 1.
            TypeError: *buffersize* is no integer.
            TimeoutError: From the iterator, when the time is over.
            Exception: From the iterator, whatever a call raises; the iteration can go on with the
                next chunk.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return _map.map(self, fn, *iterables, timeout=timeout, buffersize=buffersize)
        chunks = _map.map(
            self,
            functools.partial(_process_stdlib.process_chunk, fn),
            _chunks_of(zip(*iterables), chunksize),
            timeout=timeout,
            buffersize=buffersize,
        )
        return _Chained(chunks)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work, and end the processes once what was submitted is done.

        Args:
            wait: Return only when all calls have ended and the processes are gone; otherwise
                return at once.  A done-callback does not wait, since it holds up what it would
                wait for.  After a call with ``wait=False`` another one with ``wait=True`` waits.
            cancel_futures: Cancel every call that has not begun (3.9); a later call without it
                takes nothing back.
        """
        engine = vars(self).get("_poolcompat_engine")
        if engine is None:
            _process_stdlib.shutdown(self, wait, cancel_futures)
        else:
            self._shutdown_thread = True
            _process_ending.shut_down(engine, wait, cancel_futures)

    def terminate_workers(self) -> None:
        """Take no more work, cancel what has not begun, and end the processes by SIGTERM (3.14).

        Running tasks end with ``BrokenProcessPool``.  This does not wait for the processes.
        """
        self._force_shutdown(operation=_TERMINATE)

    def kill_workers(self) -> None:
        """Do what :meth:`terminate_workers` does, by SIGKILL (3.14)."""
        self._force_shutdown(operation=_KILL)

    def _force_shutdown(self, operation: str) -> None:
        if operation not in (_TERMINATE, _KILL):
            raise ValueError(f"Unsupported operation: {operation!r}")
        processes = dict(self._processes or {})
        # Before 3.12 the standard library's engine cannot do both: what it fails may be cancelled.
        can_cancel = "_poolcompat_engine" in vars(self) or _process_stdlib.FAILS_CANCELLED
        self.shutdown(wait=False, cancel_futures=can_cancel)
        for process in processes.values():
            # ValueError: it has been closed.  OSError: it has just ended.
            with contextlib.suppress(ValueError, OSError):
                if process.is_alive():
                    getattr(process, operation)()

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Literal[False]:
        # Whoever pressed Ctrl-C does not want the rest of the queue (gh-125886).
        is_interrupted = exc_type is not None and issubclass(exc_type, KeyboardInterrupt)
        self.shutdown(wait=True, cancel_futures=is_interrupted)
        return False


def _chunks_of(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    iterator = iter(items)
    return iter(lambda: tuple(itertools.islice(iterator, size)), ())


class _Chained(Iterator[T]):
    """The items of lists that an iterator gives, none of which is kept."""

    def __init__(self, chunks: Iterator[list[T]]) -> None:
        self._chunks = chunks
        self._chunk: list[T] = []

    def __next__(self) -> T:
        while not self._chunk:
            self._chunk = next(self._chunks)
            self._chunk.reverse()
        return self._chunk.pop()

    def close(self) -> None:
        """Cancel what has not begun, and end the iteration."""
        self._chunk = []
        self._chunks.close()  # type: ignore[attr-defined]


def _start(executor: Any) -> Host:
    return Host(
        executor._mp_context,
        serve_calls,
        (executor._initializer, executor._initargs),
        places=1,
        max_tasks=executor._max_tasks_per_child,
    )

"""``KillableThreadPoolExecutor``.

The way of a call::

    parent                                                    child process
    ------                                                    -------------
    submit() --> waiting --> manager  ====== one pipe ======>  main thread --> queue
                 (deque)     thread |    call  n, stop n, end                   |  one call for
                             ^      |                                           v  each thread
    future <-- set_result() -+      |   <=====================  ready,      threads 0 ... N-1
    callbacks                       |                           begun n,    unpickle, call,
                                    |                           answer n    pickle
                                    |
                                    +-- lifeline - - - - - - ->  the kernel ends the process when
                                        (nothing is sent)        the parent's end is closed

Guarantees:

* A call is sent when a thread of the child is free for it; until then its future can be cancelled.
* Every future becomes done: with an answer, with ``TaskStopped`` when ``kill_workers()`` or
  ``terminate_workers()`` returns, or when the process is gone.
* Each message names its call.  An argument, a result or an exception that cannot be pickled or
  unpickled fails its own call, and nothing else.
* No lock and no semaphore is shared between the processes, so nothing that ends one at any
  instruction blocks the other.
* The child is gone when the parent is, however that ended; a signal is only sent to a process that
  is known to be the child.

Assumptions: the child's ends of the pipes are not closed by the calls; if they are, the process is
ended, and its calls fail.  What keeps the parent's ends open is the parent alone: they are not
inherited by other programs, and closed in processes that Python forks.
"""

from __future__ import annotations

import itertools
import multiprocessing.context
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, TypeVar

from .. import _stdlib
from ..hosting._host import Host
from ..hosting._threaded import serve_threads
from . import _map, _process_ending
from ._engine import Engine, Plan, submit
from ._future import Future

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

# How long tasks may hold up the exit of the interpreter
_EXIT_SECONDS = 5.0

_counter = itertools.count()


class KillableThreadPoolExecutor(_stdlib.Executor):
    """An executor whose tasks can be killed: its threads live in a process of their own.

    What is submitted is pickled, and so is what comes back, as with ``ProcessPoolExecutor``; with
    the start methods ``spawn`` and ``forkserver`` the program's main module must not do its work
    when it is imported (``if __name__ == "__main__":``).  Tasks can use
    :mod:`poolcompat.stopping`.  The process is started when first needed.

    At the exit of the interpreter what was submitted has 5 seconds to finish; then the process is
    killed, and a :class:`.TerminateWarning` tells so.  ``shutdown()``, or a ``with`` block, waits
    as long as it takes.

    Args:
        max_workers: The largest number of threads; by default four more than the CPUs that this
            process may use, and at most 32.
        thread_name_prefix: What the names of the threads begin with.
        initializer: Called as ``initializer(*initargs)`` in each thread when it starts.
        initargs: As above.
        mp_context: A context of ``multiprocessing`` that starts the process; by default that of
            ``spawn``, because a forked process may find locks taken for ever.
        restart: Whether the executor recovers when its process is killed or ends by itself: a new
            one is started, what had not begun runs there, and only what was running fails.

    Raises:
        ValueError: *max_workers* is less than 1.
        TypeError: *max_workers* is no integer, *initializer* cannot be called, or *mp_context* is
            no context.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        mp_context: BaseContext | None = None,
        restart: bool = False,
    ) -> None:
        if max_workers is None:
            max_workers = _stdlib.default_workers()
        elif not isinstance(max_workers, int):
            raise TypeError(f"max_workers must be an integer or None, not {max_workers!r}")
        elif max_workers < 1:
            raise ValueError(f"max_workers must be greater than 0, not {max_workers!r}")
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer must be a callable or None, not {initializer!r}")
        if mp_context is None:
            mp_context = multiprocessing.get_context("spawn")
        elif not isinstance(mp_context, multiprocessing.context.BaseContext):
            raise TypeError(f"mp_context must be a multiprocessing context, not {mp_context!r}")
        self._max_workers = max_workers
        self._thread_name_prefix = thread_name_prefix or f"{type(self).__name__}-{next(_counter)}"
        self._initializer = initializer
        self._initargs = tuple(initargs)
        self._mp_context = mp_context
        plan = Plan(max_hosts=1, starts_all=False, restarts=bool(restart), end_grace=_EXIT_SECONDS)
        self._queue_count = 0
        self._engine = Engine(self, plan, _start)

    @property
    def _processes(self) -> dict[int, BaseProcess]:
        return self._engine.processes

    if TYPE_CHECKING:

        def submit(
            __self, __fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs
        ) -> _stdlib.Future[T]: ...

        def map(
            self,
            fn: Callable[..., T],
            *iterables: Iterable[Any],
            timeout: float | None = None,
            chunksize: int = 1,
            buffersize: int | None = None,
        ) -> Iterator[T]: ...

    else:
        map = _map.map

        def submit(*args: Any, **kwargs: Any) -> Future[Any]:
            """Schedule ``fn(*args, **kwargs)`` and return its :class:`Future`.

            The signature is ``submit(self, fn, /, *args, **kwargs)``, which 3.7 cannot spell.  The
            call is pickled when a thread is free for it, not before.

            The future ends with what pickle raises if the call or its result cannot be pickled,
            with ``pickle.PicklingError`` if an exception cannot, and with
            ``pickle.UnpicklingError`` if something cannot be unpickled on the other side.  An
            exception of the task has its traceback there as ``__cause__``.

            Raises:
                RuntimeError: The executor or the interpreter is shutting down.
                BrokenProcessPool: The process has ended by itself, or an initializer has failed,
                    whose exception is the cause.
                OSError: The process cannot be started.
            """
            self, fn, *rest = _stdlib.with_function(args, kwargs)
            return submit(self._engine, self, fn, rest, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work, and end the process once what was submitted is done.

        Args:
            wait: Return only when all calls have ended and the process is gone; otherwise return
                at once.  A done-callback does not wait, since it holds up what it would wait for.
            cancel_futures: Cancel every call that has not begun.
        """
        _process_ending.shut_down(self._engine, wait, cancel_futures)

    def request_stop(self) -> int:
        """Ask every running task to stop, and cancel what has not begun.

        The executor stays usable.  Not in the standard library.

        Returns:
            How many running tasks were asked.
        """
        return _process_ending.request_stop(self._engine)

    def terminate_workers(self) -> None:
        """End the process and all its tasks by SIGTERM, or SIGKILL if that does not end it.

        When this returns the process is gone and every future is done: running tasks end with
        :class:`.TaskStopped` (``"killed"``), and what has not begun is cancelled.  The executor is
        shut down.  With ``restart=True`` it stays usable, and what has not begun runs in a new
        process.  The name is that of 3.14's ``ProcessPoolExecutor``.
        """
        self._kill(by_force=False)

    def kill_workers(self) -> None:
        """Do what :meth:`terminate_workers` does, by SIGKILL at once."""
        self._kill(by_force=True)

    def _kill(self, by_force: bool) -> None:
        engine = self._engine
        _process_ending.kill(engine, by_force, for_good=not engine.plan.restarts)


def _start(executor: KillableThreadPoolExecutor) -> Host:
    return Host(
        executor._mp_context,
        serve_threads,
        (
            executor._thread_name_prefix,
            executor._initializer,
            executor._initargs,
            executor._engine.plan.restarts,
        ),
        places=executor._max_workers,
    )

"""All that poolcompat knows of the standard library's private parts, and every version branch.

Whatever is probed here is probed once, when this module is first imported, and so before any
patch of ours.  ``multiprocessing`` is not imported here: those who use threads do not pay for it.
"""

from __future__ import annotations

import _thread
import builtins
import opcode
import os
import queue
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import _base, thread
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Callable, cast

Executor = _base.Executor
BrokenExecutor = _base.BrokenExecutor
CancelledError = _base.CancelledError
Future = _base.Future
ThreadPoolExecutor = thread.ThreadPoolExecutor

LOGGER = _base.LOGGER

PENDING = _base.PENDING
RUNNING = _base.RUNNING
FINISHED = _base.FINISHED
CANCELLED = _base.CANCELLED
CANCELLED_AND_NOTIFIED = _base.CANCELLED_AND_NOTIFIED
CANCELLED_STATES = frozenset({CANCELLED, CANCELLED_AND_NOTIFIED})
DONE_STATES = CANCELLED_STATES | {FINISHED}

describe: Callable[[str], str] = _base._STATE_TO_DESCRIPTION_MAP.__getitem__

DoneAndNotDoneFutures = _base.DoneAndNotDoneFutures


def _wait_takes_iterables() -> bool:
    # 3.9; nothing is waited for here
    try:
        _base.wait(iter(()), timeout=0)
    except TypeError:
        return False
    return True


# What threading.RLock() makes, without the detour through its function
RLock: Any = type(threading.RLock())


def _falsy_exception_is_raised() -> bool:
    class Falsy(Exception):
        def __bool__(self) -> bool:
            return False

    future: Future[None] = Future()
    future.set_exception(Falsy())
    try:
        future.result()
    except Falsy:
        return True
    finally:
        future._exception = None  # the rest of a reference cycle
    return False


def _result_breaks_cycle() -> bool:
    future: Future[None] = Future()
    future.set_exception(LookupError())
    try:
        future.result()
    except LookupError as error:
        traceback = error.__traceback__
        assert traceback is not None
        while traceback.tb_next is not None:
            traceback = traceback.tb_next
        return traceback.tb_frame.f_locals.get("self") is None
    finally:
        future._exception = None  # the rest of a reference cycle
    return False


# 3.14, gh-132063
FALSY_EXCEPTION_IS_RAISED = _falsy_exception_is_raised()
# 3.9, bpo-39481
FUTURE_IS_GENERIC = hasattr(Future, "__class_getitem__")
# 3.8, bpo-33238
HAS_INVALID_STATE_ERROR = hasattr(_base, "InvalidStateError")
# 3.8, bpo-35930
RESULT_BREAKS_CYCLE = _result_breaks_cycle()
# until 3.8, which warns of it, bpo-36492
SUBMIT_TAKES_FN_BY_KEYWORD = ThreadPoolExecutor.submit.__code__.co_argcount == 0
SUBMIT_WARNS_OF_KEYWORD = "warnings" in ThreadPoolExecutor.submit.__code__.co_varnames
# 3.9, bpo-39349
SHUTDOWN_CANCELS_FUTURES = "cancel_futures" in (ThreadPoolExecutor.shutdown.__kwdefaults__ or ())
# 3.14, gh-74028
MAP_TAKES_BUFFERSIZE = "buffersize" in (Executor.map.__kwdefaults__ or ())
# 3.10.6, gh-95166
MAP_CANCELS_WAITED_FUTURE = hasattr(_base, "_result_or_cancel")
# 3.8, bpo-24882; making an executor starts no thread
REUSES_IDLE_THREADS = hasattr(ThreadPoolExecutor(max_workers=1), "_idle_semaphore")
# 3.13, gh-109649; until then affinity is ignored, and 3.7, which reuses no threads either, has
# 5 threads for each CPU (bpo-35279)
DEFAULT_WORKERS_ARE_NEWEST = hasattr(os, "process_cpu_count") or (
    REUSES_IDLE_THREADS and not hasattr(os, "sched_getaffinity")
)
# Its get(timeout=) waits for ever if its time is over by the time that it looks at the clock again,
# which it does when it begins, and after a signal.  3.13 has another, gh-113884.
HANGING_QUEUE: Any = (
    queue.SimpleQueue
    if sys.version_info < (3, 13) and queue.SimpleQueue.__module__ == "_queue"
    else None
)
CAN_FORK = hasattr(os, "fork")
# PyPy never calls a destructor that was added to a class later, and warns of it.
CLASSES_TAKE_DESTRUCTORS = not hasattr(sys, "pypy_version_info")
# 3.11, bpo-42413
TIMEOUT_ERROR_IS_BUILTIN = issubclass(_base.TimeoutError, builtins.TimeoutError)
WAIT_TAKES_ITERABLES = _wait_takes_iterables()
# Since 3.11 the byte code makes a generator, before that a flag of the code object does.
_BYTE_CODE_MAKES_GENERATORS = "RETURN_GENERATOR" in opcode.opmap
_CO_GENERATOR = 0x20
JUMPS = frozenset([*opcode.hasjrel, *opcode.hasjabs])

if TYPE_CHECKING or HAS_INVALID_STATE_ERROR:
    InvalidStateError = _base.InvalidStateError
else:

    class InvalidStateError(_base.Error):
        """The operation is not allowed in this state."""


if TYPE_CHECKING or TIMEOUT_ERROR_IS_BUILTIN:
    TimeoutError = builtins.TimeoutError
else:

    class TimeoutError(_base.TimeoutError, builtins.TimeoutError):
        """What we raise where ``concurrent.futures`` still has a ``TimeoutError`` of its own."""


# 3.15, gh-135801: filters for the warnings of the compiler can name the module that it compiles.
COMPILED_AS_MAIN: dict[str, Any] = {"module": "__main__"} if sys.version_info >= (3, 15) else {}
# until 3.13
MODULES_HAVE_ANNOTATIONS = "__annotations__" in vars(sys.modules["__main__"])
# until 3.14
MODULES_TELL_THEIR_CACHE = "__cached__" in globals()

# Without a GIL only the innermost frame of another thread can be looked at safely while it runs.
FRAMES_ARE_READABLE: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
# Since 3.12 it is collected between two instructions only, gh-97922.
GARBAGE_IS_COLLECTED_ANYWHERE = sys.version_info < (3, 12)
# When a thread raises what was sent to it: until 3.9 after nearly every instruction, then only with
# calls and loops; since 3.13, if it waited for the GIL, one such place later than it could.
EXCEPTIONS_COME_WITH_CALLS = sys.version_info >= (3, 10)
EXCEPTIONS_COME_LATE = sys.version_info >= (3, 13)
# Since 3.15 a system call that a signal interrupts raises what was sent to its thread, gh-144748.
SIGNALS_RAISE_EXCEPTIONS = sys.version_info >= (3, 15) and hasattr(signal, "pthread_kill")
active_threads: dict[int, threading.Thread] = getattr(threading, "_active")  # noqa: B009


# What these functions import, only ``poolcompat run`` needs.


def module_runner() -> Callable[..., object]:
    """Return what ``python -m`` calls."""
    import runpy

    runner: Callable[..., object] = getattr(runpy, "_run_module_as_main")  # noqa: B009
    return runner


def main_path(path: str) -> str:
    """Return what ``python path`` makes of the path: absolute since 3.9, bpo-20443."""
    if sys.version_info < (3, 9):
        return path
    # Only Windows takes "." and ".." out of it.
    return os.path.abspath(path) if os.name == "nt" else os.path.join(os.getcwd(), path)


def command_source(source: str) -> str:
    """Return what ``python -c source`` compiles."""
    import textwrap

    return textwrap.dedent(source) if sys.version_info >= (3, 14) else source  # gh-103998


def show_command_lines(code: CodeType, source: str) -> None:
    """Have tracebacks show the lines of ``python -c source`` where they do: 3.13, gh-67224."""
    import linecache

    if sys.version_info >= (3, 13):  # PyPy has the function before that, and shows no lines
        # gh-117174 changed what the lines are found by
        key = code if hasattr(linecache, "_interactive_cache") else code.co_filename
        cast("Any", linecache)._register_code(key, source, code.co_filename)


def wait_time(timeout: float | None) -> float | None:
    """Return the longest time, in seconds, that a lock can be waited for at once.

    Locks refuse more than ``threading.TIMEOUT_MAX``, infinity included, with ``OverflowError``.
    """
    return None if timeout is None else min(timeout, threading.TIMEOUT_MAX)


def remaining(deadline: float | None) -> float | None:
    """Return the seconds from now to *deadline* on the monotonic clock, at least 0."""
    return None if deadline is None else wait_time(max(0.0, deadline - time.monotonic()))


def code_like(function: FunctionType, replacement: FunctionType) -> CodeType:
    """Return the code of *replacement*, a plain function, in a form that *function* accepts.

    Where the byte code decides what makes a generator, 3.13 and later warn about code whose
    generator flag differs from that of the code it takes the place of, so the flag is carried over.
    Before that the flag decides, nobody warns, and it has to stay off.
    """
    code = replacement.__code__
    if _BYTE_CODE_MAKES_GENERATORS:
        flags = code.co_flags | (function.__code__.co_flags & _CO_GENERATOR)
        return code.replace(co_flags=flags)
    return code


def copy_of(function: Any) -> Any:
    """Return a function that goes on doing what *function* does now, whatever its code becomes."""
    copy = FunctionType(function.__code__, function.__globals__, function.__name__)
    copy.__defaults__ = function.__defaults__
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# 3.13: those that this process may use, gh-109649
def default_processes() -> int:
    """Return the newest default number of processes: that of CPUs."""
    count: int | None
    if hasattr(os, "process_cpu_count"):
        count = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    return count or 1


# 3.8, bpo-35279
def default_workers() -> int:
    """Return the newest default number of threads."""
    return min(32, default_processes() + 4)


# Since 3.9, bpo-39812; before, workers are daemon threads, and an exit hook waits for them
WORKERS_END_BEFORE_EXIT_HOOKS = hasattr(threading, "_register_atexit")
# Since 3.12 subinterpreters may forbid them
daemon_threads_allowed: Callable[[], bool] = getattr(
    _thread, "daemon_threads_allowed", lambda: True
)
threads_queues: Any = thread._threads_queues
BrokenThreadPool = thread.BrokenThreadPool
INITIALIZER_FAILED = "A thread initializer failed, the thread pool is not usable anymore"
init_executor = ThreadPoolExecutor.__init__


def is_exiting() -> bool:
    """Tell whether the interpreter has begun to shut the executors down."""
    return bool(thread._shutdown)


def with_function(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return the positional arguments of ``submit()``, with *fn* among them.

    Raises:
        TypeError: It has none.
    """
    if len(args) == 1 and "fn" in kwargs and SUBMIT_TAKES_FN_BY_KEYWORD:
        args = (*args, kwargs.pop("fn"))
        if SUBMIT_WARNS_OF_KEYWORD:
            message = "Passing 'fn' as keyword argument is deprecated"
            warnings.warn(message, DeprecationWarning, stacklevel=3)
    if len(args) < 2:
        raise TypeError("submit() missing 1 required positional argument: 'fn'")
    return args


def broken_class(executor: Any) -> type[BrokenExecutor]:
    """Return what a broken executor raises; InterpreterPoolExecutor (3.14) has its own."""
    error: type[BrokenExecutor] = getattr(executor, "BROKEN", BrokenThreadPool)
    return error


class _Context:
    """What starts and ends a worker; 3.14 has its own."""

    def __init__(self, executor: Any) -> None:
        self._initializer = executor._initializer
        self._initargs = executor._initargs

    def initialize(self) -> None:
        if self._initializer is not None:
            self._initializer(*self._initargs)

    def finalize(self) -> None:
        pass


def context_of(executor: Any) -> Any:
    """Return what starts and ends a new worker of *executor*."""
    make = getattr(executor, "_create_worker_context", None)
    return _Context(executor) if make is None else make()


def run_arguments(context: Any) -> tuple[Any, ...]:
    """Return what a work item is run with."""
    return () if isinstance(context, _Context) else (context,)


def runs_plainly(context: Any) -> bool:
    """Tell whether a context does nothing but call the function, as for threads it does."""
    return type(context) in (_Context, getattr(thread, "WorkerContext", None))


if hasattr(thread, "WorkerContext"):

    def call_of(executor: Any, fn: Any, args: Any, kwargs: Any) -> Any:
        """Return what a context runs; InterpreterPoolExecutor packs it for the other side."""
        return executor._resolve_work_item_task(fn, args, kwargs)

else:

    def call_of(executor: Any, fn: Any, args: Any, kwargs: Any) -> Any:
        """Return what a worker runs."""
        return fn, args, kwargs

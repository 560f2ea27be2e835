"""What poolcompat does with other threads: finding them, and raising exceptions in them.

Guarantee: an exception is only sent where :mod:`._places` says that it does no harm.  Comparing
where the thread is with where it was seen, and sending, is one call into C, during which no other
thread runs, because the interpreter's lock (GIL) is held.  The free-threaded build has none: there
a thread may move on in between, a few instructions at most.

Assumption: what parks a thread in Python code is ``threading.Condition.wait()``, on a lock that
only its frame and ``_waiters`` know; and :func:`take`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import operator
import queue
import sys
import threading
import time
from collections import deque
from itertools import compress, starmap
from typing import TYPE_CHECKING, Any, Iterator

from . import _places, _stdlib

if TYPE_CHECKING:
    from types import FrameType

# How often a thread is looked at again that moves on while it is being looked at
_LOOKS = 3


def all_threads() -> list[threading.Thread]:
    """Return the threads that run, without the lock that a signal handler could find taken."""
    return list(_stdlib.active_threads.copy().values())


def this_thread() -> threading.Thread | None:
    """Return the calling thread, or ``None`` if it was not started by ``threading``."""
    return _stdlib.active_threads.get(threading.get_ident())


class _Arrivals:
    """A ``SimpleQueue`` for one thread that takes, whose time is over when it is over.

    ``put()`` may be called from anywhere, as that of ``SimpleQueue``.
    """

    def __init__(self) -> None:
        self.items: deque[Any] = deque()
        self.bell = threading.Lock()
        self.bell.acquire()

    def put(self, item: Any) -> None:
        self.items.append(item)
        with contextlib.suppress(RuntimeError):  # It has been rung.
            self.bell.release()

    def get(self) -> Any:
        """Take what is there."""
        return self.items.popleft()

    def empty(self) -> bool:
        return not self.items


def make_arrivals(timeout: float | None) -> Any:
    """Make a queue for one thread, which takes with this time-out, or with none."""
    if timeout is not None and queue.SimpleQueue is _stdlib.HANGING_QUEUE:
        return _Arrivals()
    return queue.SimpleQueue()


def take(arrivals: Any, timeout: float | None) -> Any:
    """Do ``arrivals.get(timeout=timeout)`` in a way that :func:`interrupt` can wake."""
    if timeout is None or type(arrivals) is not _Arrivals:
        return arrivals.get(timeout=timeout)
    deadline = time.monotonic() + timeout
    while not arrivals.items:
        # It may have been rung for an item that was taken without it.
        if not arrivals.bell.acquire(True, max(0.0, deadline - time.monotonic())):
            raise queue.Empty
    return arrivals.items.popleft()


@functools.lru_cache(maxsize=None)
def _set_async_exc() -> Any:
    """Return ``PyThreadState_SetAsyncExc``, or ``None``: PyPy has none."""
    try:
        import ctypes

        # A function object of its own: others share that of ctypes.pythonapi.
        prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)
        return prototype(("PyThreadState_SetAsyncExc", ctypes.pythonapi))
    except (ImportError, AttributeError):
        return None


def can_interrupt() -> bool:
    """Tell whether exceptions can be raised in other threads."""
    return _set_async_exc() is not None


def send_exception(ident: int, exctype: type[BaseException]) -> int:
    """Have *exctype* raised in a thread, wherever it is; return in how many, 0 or 1."""
    count: int = _set_async_exc()(ident, exctype)
    return count


def withdraw_exception(ident: int) -> None:
    """Take back what was sent to a thread and has not been raised yet."""
    import ctypes

    _set_async_exc()(ident, ctypes.py_object())
    discard_exception()


class _Discarded(BaseException):
    """Takes the place of an exception that is not to be raised any more."""


def discard_exception() -> None:
    """Take back what has been sent to the calling thread and not been raised yet.

    Until 3.12 the interpreter notes that something was sent to some thread until something is
    raised in any, and looks for it all the time: 3.7 and 3.8 run at half their speed, and a thread
    that is traced on 3.11 hangs.  So something is raised here.
    """
    try:
        send_exception(threading.get_ident(), _Discarded)
        while True:  # until it is raised
            pass
    except _Discarded:
        return


def frame_of(thread: threading.Thread) -> FrameType | None:
    """Return the innermost frame of a thread, or ``None`` if it has none any more."""
    with _garbage_left_alone():
        return sys._current_frames().get(thread.ident or 0)


def place_of(thread: threading.Thread) -> object:
    """Return where a thread is, for telling whether it has moved."""
    frame = frame_of(thread)
    return None if frame is None else (frame, frame.f_lasti)


def interrupt(
    thread: threading.Thread, exctype: type[BaseException], is_still: bool = False
) -> bool:
    """Have *exctype* raised in a thread if it is at a harmless place; wake it if it is parked.

    A condition on which it waited is left as if it had never waited: the waiter is gone, and no
    notification is lost.

    Args:
        thread: The thread.
        exctype: An exception class.
        is_still: Whether it has not moved for so long that it must be inside a C function.

    Returns:
        Whether it was sent.  If not, the thread is at another place in a moment, or inside a C
        function that harmful code has called.
    """
    for _ in range(_LOOKS):
        frame = frame_of(thread)
        if frame is None:
            return False
        try:
            place = _places.place_of(frame)
        except AttributeError:  # It has no caller; so it is not in anybody's task.
            return False
        if _places.is_parked(place):
            return _wake(thread, exctype, place, frame.f_locals)
        if place[0] is take.__code__:
            arrivals = frame.f_locals["arrivals"]
            has_sent = _send(thread, exctype, place)
            if has_sent:
                arrivals.put(None)
            return has_sent
        if not _places.is_harmless(place, is_still):
            return False
        if _send(thread, exctype, place):
            return True
    return False


def _wake(
    thread: threading.Thread,
    exctype: type[BaseException],
    place: tuple[Any, ...],
    variables: Any,
) -> bool:
    condition, waiter = variables["self"], variables["waiter"]
    # With the condition's lock held nobody else notifies, and the thread, should its time be over,
    # cannot return from wait().
    if not condition.acquire(False):
        return False
    try:
        # One that has been notified is on its way, and must not lose what it was notified of.
        if waiter not in condition._waiters or not _send(thread, exctype, place):
            return False
        condition._waiters.remove(waiter)
        waiter.release()
        return True
    finally:
        condition.release()


def _send(thread: threading.Thread, exctype: type[BaseException], place: tuple[Any, ...]) -> bool:
    """Have *exctype* raised in a thread if it still is at *place*."""
    ident: Any = thread.ident
    # Iterators written in C from end to end
    frames = map(operator.itemgetter(ident), starmap(sys._current_frames, [()]))
    is_there = map(operator.eq, map(_places.place_of, frames), [place])
    # If it is not there nothing is called: there is no ident that stands for no thread, since 3.12
    # has 0 stand for every thread that is just being started.
    sent: Iterator[int] = starmap(_set_async_exc(), compress([(ident, exctype)], is_there))
    with _garbage_left_alone():
        try:
            return next(sent, 0) == 1
        except (KeyError, AttributeError):  # The thread is ending.
            return False


@contextlib.contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Have nothing collected where that could run the program's code, or deadlock (gh-106883)."""
    if not (_stdlib.GARBAGE_IS_COLLECTED_ANYWHERE and gc.isenabled()):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

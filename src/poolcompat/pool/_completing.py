"""How a result is made ready by somebody else than its tasks.

The functions take the results of our engine and those of the standard library's: a pool has some of
those if its methods were called before a patch or after it.
"""

from __future__ import annotations

import threading
from typing import Any

from .. import _stdlib
from . import _multiprocessing as _mp
from ._iterators import IMapIterator
from ._results import ApplyResult

#: Those that several threads may complete
OURS = (ApplyResult, IMapIterator)


def wants_callbacks(result: Any) -> bool:
    """Tell whether something may have to be called."""
    return bool(getattr(result, "_callback", None) or getattr(result, "_error_callback", None))


def tell(error: BaseException | None) -> None:
    """Tell of what an error callback has raised whose result nobody may ever ask for.

    Raises:
        BaseException: *error*, unless it is an ``Exception``, which is logged.
    """
    if error is None:
        return
    if isinstance(error, Exception):
        _stdlib.LOGGER.error("exception calling the error callback", exc_info=error)
        return
    try:
        raise error
    finally:
        error = None  # the rest of a reference cycle


def is_decided(result: Any) -> bool:
    """Tell whether the outcome has been chosen, be it that its callbacks have not returned yet."""
    if isinstance(result, ApplyResult):
        return result._is_decided
    if isinstance(result, _mp.MapResult):
        return bool(result._number_left == 0)
    return hasattr(result, "_success")


def has_begun(result: Any, running: set[int]) -> bool:
    """Tell whether something has begun of what is outstanding, by the numbers of what runs."""
    if isinstance(result, _mp.IMapIterator):
        return result._job in running
    return getattr(result, "_has_begun", False)


def is_partly_done(result: Any) -> bool:
    """Tell whether some part of a map of the standard library's engine has returned or raised."""
    return isinstance(result, _mp.MapResult) and (
        not result._success or result._number_left * result._chunksize < len(result._value)
    )


def decide(result: Any, error: BaseException) -> None:
    """Decide on what was decided, if anything was, and otherwise on *error*."""
    if not is_decided(result):
        if not getattr(result, "_success", True):
            error = result._value  # of the first part of a map that failed
        result._success, result._value = False, error
    result._is_decided = True


def finish(result: Any) -> None:
    """Make a result ready that is decided."""
    if isinstance(result, ApplyResult):
        result._finish()
    else:
        result._event.set()
        result._pool = None


def stop(result: Any, error: BaseException) -> None:
    """Make a result ready that has been taken out of the cache, without calling back.

    An iterator yields what has come in order so far, raises *error* once, and ends.
    """
    if not isinstance(result, _mp.IMapIterator):
        decide(result, error)
        finish(result)
        return
    pool = getattr(result, "_pool", None)
    with result._cond:
        if result._index != result._length:
            result._items.append((False, error))
            result._index += 1
            result._length = result._index
        result._pool = result._feed = None
        result._cond.notify_all()
    del pool


def give_up(result: Any, error: BaseException) -> None:
    """Make a result ready in a forked child, where its locks may be held by nobody."""
    result._lock = _stdlib.RLock()
    if isinstance(result, _mp.IMapIterator):
        result._cond = threading.Condition(result._lock)
    else:
        result._event = threading.Event()
        result._callback = result._error_callback = None
    stop(result, error)

"""The results of ``multiprocessing.pool``, seen from the side that completes them."""

from __future__ import annotations

import logging
from multiprocessing.pool import IMapIterator, MapResult
from typing import Any, Type

_LOGGER = logging.getLogger("poolcompat")

# Their attributes are private, and so unknown to type checkers.
_IMapIterator: Type[Any] = IMapIterator
_MapResult: Type[Any] = MapResult


def is_decided(result: Any) -> bool:
    """Tell whether the outcome has been chosen, be it that its callbacks have not returned yet."""
    if isinstance(result, _MapResult):
        return bool(result._number_left == 0)
    return hasattr(result, "_success")


def is_partly_done(result: Any) -> bool:
    """Tell whether some part of a map has returned or raised."""
    return isinstance(result, _MapResult) and (
        not result._success or result._number_left * result._chunksize < len(result._value)
    )


def stop(result: Any, error: BaseException) -> None:
    """Make a result ready: with what was decided, if anything was, and otherwise with *error*.

    An iterator yields what has come in order so far, raises *error* once, and ends.
    """
    if isinstance(result, _IMapIterator):
        with result._cond:
            result._items.append((False, error))
            result._index += 1
            result._length = result._index
            result._cond.notify_all()
        return
    try:
        if not is_decided(result):
            if not getattr(result, "_success", True):
                error = result._value  # of the first part of a map that failed
            result._success, result._value = False, error
            if result._error_callback:
                result._error_callback(error)
    except Exception:
        _LOGGER.exception("exception calling the error callback of %r", result)
    finally:
        result._event.set()

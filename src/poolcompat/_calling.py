"""Running code of the user's where what comes after it must happen all the same."""

from __future__ import annotations

from typing import Callable, Iterable, TypeVar

T = TypeVar("T")


def call_each(function: Callable[[T], object], items: Iterable[T]) -> None:
    """Call *function* with every item, whatever it raises, then raise the first exception.

    A done-callback that raises ``SystemExit``, or a Ctrl-C in the middle, must not keep the
    futures that come after it from being resolved.
    """
    first = None
    for item in items:
        try:
            function(item)
        except BaseException as error:
            first = first or error
    if first is not None:
        try:
            raise first
        finally:
            # Break a reference cycle with the exception's traceback
            first = None

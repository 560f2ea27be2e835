"""``Pool``, and what is repaired in the standard library's pools of processes."""

from __future__ import annotations

import functools
from time import monotonic
from types import FunctionType
from typing import TYPE_CHECKING, Any, Callable, Iterable, TypeVar

from .. import _stdlib
from .._standing_in import StandIn
from . import _multiprocessing as _mp
from ._results import ApplyResult, call_back

P = TypeVar("P")


def initialize(
    self: Any,
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
    maxtasksperchild: int | None = None,
    context: Any = None,
) -> None:
    """Do what ``Pool`` does, but refuse a *maxtasksperchild* that is not positive (3.10)."""
    # The standard library's __del__ reads them even if its __init__ has not been called.
    self._pool = []
    self._state = _mp.INIT
    if maxtasksperchild is not None and not (
        isinstance(maxtasksperchild, int) and maxtasksperchild > 0
    ):
        raise ValueError("maxtasksperchild must be a positive int or None")
    _mp.init_pool(self, processes, initializer, initargs, maxtasksperchild, context)


def enter(self: P) -> P:
    """Return the pool, unless it is not running (3.8)."""
    check_running(self)
    return self


def check_running(pool: Any) -> None:
    """Check that *pool* takes submissions.

    Raises:
        ValueError: It does not.
    """
    if pool._state != _mp.RUN:
        raise ValueError("Pool not running")


# Put on the standard library's result classes; its engine has one thread that completes results.


def set_result(self: Any, i: int, obj: tuple[bool, Any]) -> None:
    """Complete a result; what a callback raises becomes it (3.16, gh-83371)."""
    self._success, self._value = obj
    call_back(self)
    _finish(self)


def set_part(self: Any, i: int, obj: tuple[bool, Any]) -> None:
    """Complete a part of a map; what a callback raises becomes the result (3.16, gh-83371)."""
    self._number_left -= 1
    success, result = obj
    if self._success:
        if success:
            self._value[i * self._chunksize : (i + 1) * self._chunksize] = result
        else:
            self._success, self._value = False, result  # The first exception is kept.
    if self._number_left == 0:
        call_back(self)
        _finish(self)


def next_item(self: Any, timeout: float | None = None) -> Any:
    """Return the next result when it is there.

    Raises:
        StopIteration: There are no more.
        TimeoutError: It is not there within *timeout* seconds; an instance of the built-in class
            and of ``multiprocessing.TimeoutError``.
        BaseException: Whatever the call has raised.
    """
    deadline = None if timeout is None else monotonic() + timeout
    with self._cond:
        while not self._items:
            if self._index == self._length:
                self._pool = None
                raise StopIteration
            if deadline is not None and monotonic() >= deadline:
                raise _mp.TimeoutError
            self._cond.wait(_stdlib.remaining(deadline))
        success, value = self._items.popleft()
    if success:
        return value
    raise value


def _finish(result: Any) -> None:
    result._event.set()
    del result._cache[result._job]
    result._pool = None


class _ApplyResult(_mp.ApplyResult):  # type: ignore[misc]
    _set = set_result
    get = ApplyResult.get
    wait = ApplyResult.wait


class _MapResult(_mp.MapResult):  # type: ignore[misc]
    _set = set_part
    get = ApplyResult.get
    wait = ApplyResult.wait


class _IMapIterator(_mp.IMapIterator):  # type: ignore[misc]
    next = __next__ = next_item


class _IMapUnorderedIterator(_mp.IMapUnorderedIterator):  # type: ignore[misc]
    next = __next__ = next_item


def _with_our_results(function: Any) -> Any:
    """Return a method of the standard library's that makes results of ours."""
    names = {
        **vars(_mp.module),
        "ApplyResult": _ApplyResult,
        "MapResult": _MapResult,
        "IMapIterator": _IMapIterator,
        "IMapUnorderedIterator": _IMapUnorderedIterator,
    }
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    return functools.update_wrapper(copy, function)


class Pool(_mp.Pool, metaclass=StandIn):
    """The standard library's ``Pool``, with the newest behaviour of its results.

    ``isinstance(pool, Pool)`` is true for the standard library's own as well.  What a callback
    raises becomes the result (3.16, gh-83371), and both kinds of ``TimeoutError`` catch what
    ``get(timeout)`` raises.

    Raises:
        ValueError: *processes* or *maxtasksperchild* is not positive.
        TypeError: *initializer* cannot be called.
    """

    _stands_in_for = _mp.Pool

    __enter__ = enter
    if not TYPE_CHECKING:  # their types are those of the standard library
        __init__ = initialize
        apply_async = _with_our_results(_mp.Pool.apply_async)
        _map_async = _with_our_results(_mp.Pool._map_async)
        imap = _with_our_results(_mp.Pool.imap)
        imap_unordered = _with_our_results(_mp.Pool.imap_unordered)

"""What wrappers wrap, however they hold it."""

from __future__ import annotations

import contextlib
from types import CodeType, FunctionType
from typing import Any, Callable, Iterator

# What nests deeper makes its attributes up
_MOST_LAYERS = 100


def wrapped_by(thing: Any) -> list[Any]:
    """Return what a wrapper says that it wraps."""
    code = thing if isinstance(thing, CodeType) else getattr(thing, "__code__", None)
    wrapped: list[Any] = []
    if isinstance(code, CodeType):
        # No compiler puts functions there; Datadog puts its wrapper there and what it wraps.
        wrapped += [const for const in code.co_consts if isinstance(const, FunctionType)]
    with contextlib.suppress(AttributeError):
        wrapped.append(thing.__wrapped__)
    return wrapped


def layers(thing: Any, look_in: Callable[[Any], list[Any]] = wrapped_by) -> Iterator[Any]:
    """Yield something, what it wraps, and so on."""
    pending = [thing]
    seen: set[int] = set()
    while pending and len(seen) < _MOST_LAYERS:
        thing = pending.pop()
        if id(thing) not in seen:
            seen.add(id(thing))
            yield thing
            pending += look_in(thing)


def innermost(thing: Any, name: str, home: dict[str, Any]) -> FunctionType | None:
    """Return the function that something is or wraps in the end, or ``None``.

    Args:
        thing: A function or a wrapper.
        name: How the function was called where it was defined.
        home: The namespace of its module.
    """
    for layer in layers(thing, _held_by):
        is_function = isinstance(layer, FunctionType) and not wrapped_by(layer)
        if is_function and layer.__globals__ is home and layer.__code__.co_name == name:
            return layer  # type: ignore[no-any-return]
    return None


def _held_by(thing: Any) -> list[Any]:
    """Return what a wrapper wraps, and what its functions are closed over."""
    held = []
    for cell in getattr(thing, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # It is empty.
            held.append(cell.cell_contents)
    return [one for one in held if callable(one)] + wrapped_by(thing)

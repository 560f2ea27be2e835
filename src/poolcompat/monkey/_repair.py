"""What a row of the table of repairs is."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any, Callable, Iterator, NamedTuple, Optional, Tuple

from ._registry import AttributeSlot, Change, CodeSlot
from ._wrappers import innermost


class Repair(NamedTuple):
    """A defect of the standard library that poolcompat repairs.

    Defects that one mechanism repairs share their ``change``: they are applied and skipped
    together.
    """

    #: How ``only=``, ``skip=`` and ``POOLCOMPAT_SKIP`` call it.
    name: str
    #: What goes wrong without it.
    wrong: str
    #: Where CPython discusses it; empty if nowhere.
    issue: str
    #: The first version that is right by itself, or ``None``.
    native_since: Optional[str]
    #: What is changed to repair it.
    change: Change
    #: Whether this interpreter has the defect.
    is_needed: Callable[[], bool]
    #: Whether it is only applied when ``only=`` names it, because programs may rely on what it
    #: changes.
    is_opt_in: bool = False

    @property
    def touches(self) -> Tuple[str, ...]:
        """The places in the standard library that are changed, as dotted paths."""
        return tuple(str(slot) for slot in self.change.slots)


def _always() -> bool:
    return True


def repair(
    name: str,
    change: Change,
    wrong: str,
    issue: str = "",
    native_since: str | None = None,
    is_needed: Callable[[], bool] = _always,
    is_opt_in: bool = False,
) -> Repair:
    """Return a row, with the default of each column."""
    return Repair(name, wrong, issue, native_since, change, is_needed, is_opt_in)


def grafts(theirs: type, ours: type, *names: str) -> Iterator[AttributeSlot]:
    """Yield the slots that put methods of our class on the standard library's."""
    for name in names:
        yield AttributeSlot(theirs, name, vars(ours)[name])


def beneath(
    owner: type, name: str, value: Any, trampoline: Callable[..., Any]
) -> AttributeSlot | CodeSlot:
    """Return the slot of a method that others wrap: OpenTelemetry, Sentry, Datadog.

    Where one of them has, the code of the standard library's own function is what is changed, by
    the trampoline; so they go on being called.
    """
    holder = vars(owner)[name]
    function = innermost(holder, name, vars(sys.modules[owner.__module__]))
    if function is None or function is holder:
        return AttributeSlot(owner, name, value)
    return CodeSlot(function, trampoline)


def code_of(module: ModuleType, name: str, trampoline: Callable[..., Any]) -> CodeSlot:
    """Return the slot of the code of a function, be it wrapped or not.

    Raises:
        RuntimeError: Somebody has put something else there, which cannot be changed.
    """
    holder = vars(module)[name]
    function = innermost(holder, name, vars(module)) or holder
    if not isinstance(function, FunctionType) or function.__code__.co_freevars:
        raise RuntimeError(
            f"{module.__name__}.{name} cannot be repaired, because {holder!r} was put there; "
            "apply the repairs before that"
        )
    return CodeSlot(function, trampoline)

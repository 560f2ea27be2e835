"""Objects with threads in a forked child, which has none of the parent's.

What cannot be done: a task that forks and returns in the child goes back to the parent's queue
there and waits for ever.  Such a child must end itself, as those of ``multiprocessing`` do.
"""

from __future__ import annotations

import os
import weakref
from typing import Any, Callable, Tuple

from . import _stdlib

_Entry = Tuple[Callable[[], Any], Callable[[Any], object]]

# By their id, because objects of the user's classes may not be hashable
_objects: dict[int, _Entry] = {}
_functions: list[Callable[[], object]] = []


def call_in_child(function: Callable[[], object]) -> None:
    """Have *function* called in every forked child, before any object begins anew there."""
    _functions.append(function)


def survive_forks(obj: Any, begin_anew: Callable[[Any], object]) -> None:
    """Have *begin_anew* called with *obj* in every forked child, as long as the object lives."""
    key = id(obj)

    def forget(reference: object, entries: dict[int, _Entry] = _objects) -> None:
        # PyPy may call this when another object has got the id.
        if key in entries and entries[key][0] is reference:
            del entries[key]

    _objects[key] = (weakref.ref(obj, forget), begin_anew)


def lost_task() -> _stdlib.BrokenExecutor:
    """Return what a task ends with in the child that was outstanding when it was forked."""
    return _stdlib.BrokenExecutor("the process that ran this task was forked")


def _after_fork_in_child() -> None:
    for function in _functions:
        function()
    for reference, begin_anew in list(_objects.values()):
        obj = reference()
        if obj is not None:
            begin_anew(obj)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

"""What a task is called, and where it is."""

from __future__ import annotations

import functools
import traceback
from typing import TYPE_CHECKING, Any

from .. import _places, _stdlib, _threads

if TYPE_CHECKING:
    import threading


def stack_of(thread: threading.Thread, below: frozenset[str]) -> tuple[str, ...]:
    """Return the lines of the stack of the task that *thread* runs, the innermost call last.

    Args:
        thread: A thread.
        below: Modules whose frames at the bottom of the stack belong to the pool, as do those of
            this package.

    Returns:
        Nothing if the task is a function in C that calls no Python, or if it has just ended.
        Without the GIL only the innermost call, unless the thread waits for a condition.
    """
    package = __name__.partition(".")[0]
    frame = _threads.frame_of(thread)
    # Without the GIL, looking for the callers of a thread that runs can crash the interpreter.
    can_walk = frame is not None and (
        _stdlib.FRAMES_ARE_READABLE or _places.is_parked(_places.place_of(frame))
    )
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back if can_walk else None
    while frames:
        name = frames[-1].f_globals.get("__name__", "")
        if name not in below and name.partition(".")[0] != package:
            break
        frames.pop()
    if not frames:
        return ()
    return tuple(traceback.format_list(traceback.extract_stack(frames[0], len(frames))))


def name_of(fn: Any) -> str:
    """Return what a person calls *fn*: its module and qualified name, or its ``repr()``.

    A string is what it is called.
    """
    if isinstance(fn, str):
        return fn
    while isinstance(fn, functools.partial):
        fn = fn.func
    module = getattr(fn, "__module__", None)
    name = getattr(fn, "__qualname__", None)
    if name is None:
        return repr(fn)
    return name if module in (None, "builtins") else f"{module}.{name}"

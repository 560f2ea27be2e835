"""What others have put in the places that we change, and in those that our pools rest on.

It is found by looking at the objects of this process, so whoever wants to know starts us as they
start their program.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from types import CodeType, FunctionType
from typing import Any, Iterator, NamedTuple

from . import monkey
from .monkey._wrappers import layers

# What we do not change ourselves, and others are known to
_ALSO = (
    "_thread.allocate_lock",
    "_thread.start_new_thread",
    "concurrent.futures.Future",
    "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.as_completed",
    "concurrent.futures.wait",
    "concurrent.futures._base.Executor",
    "concurrent.futures._base.Future",
    "concurrent.futures._base.as_completed",
    "concurrent.futures._base.wait",
    "concurrent.futures.process.ProcessPoolExecutor",
    "concurrent.futures.thread.ThreadPoolExecutor",
    "concurrent.futures.thread._WorkItem",
    "concurrent.futures.thread._WorkItem.run",
    "concurrent.futures.thread._worker",
    "multiprocessing.Pool",
    "multiprocessing.pool.Pool",
    "multiprocessing.pool.ThreadPool",
    "multiprocessing.pool.worker",
    "queue.Queue",
    "queue.SimpleQueue",
    "threading.Condition",
    "threading.Event",
    "threading.Lock",
    "threading.RLock",
    "threading.Semaphore",
    "threading.Thread",
    "threading.Thread.__init__",
    "threading.Thread.join",
    "threading.Thread.run",
    "threading.Thread.start",
    "threading.current_thread",
    "threading.local",
    "time.monotonic",
    "time.sleep",
)

# Where what belongs in these places comes from
_AT_HOME = frozenset(
    {"builtins", "concurrent", "multiprocessing", "poolcompat", "queue", "threading", "time"}
    | {"_queue", "_thread"}  # in C
)


class Stranger(NamedTuple):
    """Something that neither the standard library nor we have put where it is."""

    #: Where it is, as a dotted path.
    place: str
    #: The package, the module on its own, or else the file that it comes from.
    by: str


def changed_by_others() -> tuple[Stranger, ...]:
    """Tell what others have replaced or wrapped in this process, sorted by place."""
    beneath_ours = monkey._state.registry.replaced()
    found: set[Stranger] = set()
    for path in dict.fromkeys((*_changed_by_us(), *_ALSO)):  # Rows share places.
        things = _found_at(path)
        if path in beneath_ours:
            things.append(beneath_ours[path])
        place = _without_code(path)
        for thing in things:
            found.update(Stranger(place, _origin(layer)) for layer in _things(thing))
    return tuple(sorted(one for one in found if one.by not in _AT_HOME))


def _changed_by_us() -> Iterator[str]:
    for row in monkey.repairs():
        # Who has put there what is no function is told by _ALSO.
        with contextlib.suppress(RuntimeError, AttributeError):
            yield from row.touches


def _things(thing: Any) -> Iterator[Any]:
    """Yield what somebody has put in a place, and what that wraps."""
    return (layer for layer in layers(thing) if not isinstance(layer, CodeType))


def _without_code(path: str) -> str:
    return path[: -len(".__code__")] if path.endswith(".__code__") else path


def _found_at(path: str) -> list[Any]:
    """Return what a path leads to, as a list, which is empty if that has not been imported."""
    names = _without_code(path).split(".")
    size = next((n for n in range(len(names), 0, -1) if ".".join(names[:n]) in sys.modules), 0)
    thing: Any = sys.modules.get(".".join(names[:size]))
    for name in names[size:]:
        try:
            thing = vars(thing)[name]
        except (KeyError, TypeError):
            return []
    return [thing]


def _origin(thing: Any) -> str:
    """Return the package, the module on its own, or else the file that something comes from."""
    thing = getattr(thing, "_self_wrapper", thing)  # wrapt's
    while True:
        if isinstance(thing, functools.partial):
            thing = thing.func
        elif hasattr(thing, "__func__"):
            thing = thing.__func__
        else:
            break
    if type(thing) is FunctionType:
        # Its __module__ is that of what it wraps, if it was made by functools.wraps().
        module = thing.__globals__.get("__name__")
        if module is None:
            return thing.__code__.co_filename
    else:
        module = getattr(thing, "__module__", None) or type(thing).__module__
    return str(module).partition(".")[0]

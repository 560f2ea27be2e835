"""Many items in one task."""

from __future__ import annotations

import itertools
from typing import Any, Callable, Iterable, List, Optional

from ..stopping._task_stopped import TaskStopped
from . import _multiprocessing as _mp

_LOOPS: dict[Any, Callable[..., Iterable[Any]]] = {
    _mp.mapstar: map,
    _mp.starmapstar: itertools.starmap,
}


class Chunk(List[Any]):
    """Items over which a function is mapped in one task.

    The loop is the one in C.  It ends when the list is emptied, which costs an item nothing.
    """

    __slots__ = ("func", "loop", "mapper", "size")

    #: What is mapped
    func: Any
    #: What the methods of the pool name the way it is called
    mapper: Any
    #: How it is called, or ``None`` if *mapper* is a function of the user's
    loop: Optional[Callable[..., Iterable[Any]]]
    #: How many items there were
    size: int

    def call(self) -> tuple[Any, tuple[Any, ...]]:
        """Return what is to be called, and its arguments."""
        if self.loop is None:
            return self.mapper, ((self.func, tuple(self)),)
        return list, (self.loop(self.func, iter(self)),)

    def checked(self, outcome: tuple[bool, Any]) -> tuple[bool, Any]:
        """Return *outcome*, unless it lacks something."""
        success, value = outcome
        if success and self.loop is not None and len(value) < self.size:
            return False, TaskStopped("stopped")
        return outcome


def loop_of(mapper: Any) -> Callable[..., Iterable[Any]] | None:
    """Return how what *mapper* stands for is called, or ``None``."""
    return _LOOPS.get(mapper)


def adapted(task: tuple[int, int, Any, Any, Any]) -> tuple[int, int, Any, Any, Any]:
    """Return a task that a method of the standard library has made as we would have made it."""
    job, i, func, args, _ = task
    if func is not _mp.mapstar and func is not _mp.starmapstar:
        return task
    chunk = Chunk(args[0][1])
    chunk.func, chunk.mapper, chunk.loop = args[0][0], func, _LOOPS[func]
    chunk.size = len(chunk)
    return job, i, chunk, (), {}

"""What the programs share that provoke defects."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from ... import _stdlib
from .. import patch_all
from ._doors import PATCH


class Need(NamedTuple):
    """Something that not every interpreter or system has."""

    name: str
    is_met: bool


#: Where it is, there are POSIX signals and process groups as well.
FORK = Need("fork", _stdlib.CAN_FORK)
CTYPES = Need("ctypes", importlib.util.find_spec("_ctypes") is not None)
DESTRUCTORS = Need("classes that take a destructor later", _stdlib.CLASSES_TAKE_DESTRUCTORS)


class Reproducer(NamedTuple):
    """The program that provokes one defect, and what it needs."""

    run: Callable[[Any], None]
    needs: Tuple[Need, ...]


REPRODUCERS: dict[str, Reproducer] = {}


def defect(name: str, *needs: Need) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Register a function, of the pools behind a door, that provokes the defect called *name*."""

    def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
        REPRODUCERS[name] = Reproducer(function, needs)
        return function

    return register


def provoked() -> None:
    print("provoked", flush=True)


def replace(owner: Any, name: str, value: object) -> None:
    """Put *value* in the place of something that is not ours, for the rest of this process."""
    setattr(owner, name, value)


def until_exit(lib: Any, name: str) -> None:
    """Have the repair called *name* outlast the block that opened the door."""
    if lib.door == PATCH:
        patch_all(only=[name])


def silence_log() -> None:
    """Have the log records of ``concurrent.futures``, which are in order, not printed."""
    logger = logging.getLogger("concurrent.futures")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def holding(held: threading.Event, release: threading.Event) -> Callable[..., None]:
    """Return a task or callback that tells that it runs, and stays until it is let go."""

    def hold(*_: object) -> None:
        held.set()
        release.wait()

    return hold


@contextlib.contextmanager
def busy_executor(lib: Any) -> Iterator[Any]:
    """An executor whose only worker is held, with the means to end it."""
    held, release = threading.Event(), threading.Event()
    executor = lib.futures.ThreadPoolExecutor(max_workers=1)
    executor.submit(holding(held, release))
    held.wait()
    try:
        yield executor
    finally:
        release.set()
        executor.shutdown()


class Recorder(List[Any]):
    """A list that tells when something is put into it, as waiting functions do with futures."""

    def __init__(self, told: threading.Event) -> None:
        super().__init__()
        self.told = told

    def append(self, item: object) -> None:
        super().append(item)
        self.told.set()

    def insert(self, index: Any, item: object) -> None:
        super().insert(index, item)
        self.told.set()


class Watchers(Dict[Any, Any]):
    """What waiting functions put into futures of ours; tells the same."""

    def __init__(self, told: threading.Event) -> None:
        super().__init__()
        self.told = told

    def __setitem__(self, watcher: object, nothing: object) -> None:
        super().__setitem__(watcher, nothing)
        self.told.set()


def tell_of_waiting(future: Any, told: threading.Event) -> None:
    """Set *told* when somebody begins to wait for *future*."""
    future._waiters, future._done_callbacks = Recorder(told), Recorder(told)
    future._poolcompat_watchers = Watchers(told)


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        replace(time, "monotonic", lambda: self.now)


def recording_submit(executor: Any) -> list[Any]:
    """Have the futures that ``map()`` gets from *executor* recorded in the list returned."""
    futures = []
    submit = executor.submit

    def recorded(*args: Any, **kwargs: Any) -> Any:
        futures.append(submit(*args, **kwargs))
        return futures[-1]

    executor.submit = recorded
    return futures

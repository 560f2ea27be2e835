"""``concurrent.futures``, one for one, with the newest behaviour on every version.

Change ``from concurrent.futures import …`` to ``from poolcompat.futures import …``; nothing else
has to change.
"""

from __future__ import annotations

import importlib
from concurrent import futures as _stdlib_futures
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Executor,
    TimeoutError,
)
from typing import TYPE_CHECKING

from .._stdlib import BrokenExecutor, InvalidStateError
from ._thread import ThreadPoolExecutor
from ._waiting import as_completed, wait

if TYPE_CHECKING:
    import sys

    # To type checkers Future is the class that it stands in for, as it is to isinstance().
    from concurrent.futures import Future

    from . import process as process
    from . import thread as thread
    from ._killable import KillableThreadPoolExecutor
    from ._process import ProcessPoolExecutor

    if sys.version_info >= (3, 14):
        from concurrent.futures import InterpreterPoolExecutor as InterpreterPoolExecutor
else:
    from ._future import Future

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "BrokenExecutor",
    "CancelledError",
    "Executor",
    "Future",
    "InvalidStateError",
    "KillableThreadPoolExecutor",
    "ProcessPoolExecutor",
    "ThreadPoolExecutor",
    "TimeoutError",
    "as_completed",
    "wait",
]

_HOMES = {"KillableThreadPoolExecutor": "._killable", "ProcessPoolExecutor": "._process"}


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("process", "thread"):
        return importlib.import_module("." + name, __name__)
    # The process pools need multiprocessing.
    if name in _HOMES:
        home = importlib.import_module(_HOMES[name], __name__)
        value = globals()[name] = getattr(home, name)
        return value
    # Newer versions have names that older ones lack.
    return getattr(_stdlib_futures, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

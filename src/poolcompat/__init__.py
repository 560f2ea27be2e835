"""The newest thread and process pools, without their defects, on every Python from 3.7.

Importing this package changes nothing and starts nothing: each public name is loaded when it is
first asked for, and only a call of :func:`patch_all` touches the standard library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "1.0.0"

__all__ = [
    "TaskStopped",
    "TerminateReport",
    "TerminateWarning",
    "is_patched",
    "patch_all",
    "patched",
    "repairs",
    "unpatch_all",
]

if TYPE_CHECKING:
    from . import futures as futures
    from . import monkey as monkey
    from . import pool as pool
    from . import stopping as stopping
    from .monkey import is_patched, patch_all, patched, repairs, unpatch_all
    from .stopping import TaskStopped, TerminateReport, TerminateWarning

_SUBMODULES = frozenset({"futures", "monkey", "pool", "stopping"})
_HOMES = {
    "TaskStopped": "stopping",
    "TerminateReport": "stopping",
    "TerminateWarning": "stopping",
    "is_patched": "monkey",
    "patch_all": "monkey",
    "patched": "monkey",
    "repairs": "monkey",
    "unpatch_all": "monkey",
}


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return importlib.import_module("." + name, __name__)
    if name in _HOMES:
        home = importlib.import_module("." + _HOMES[name], __name__)
        value = globals()[name] = getattr(home, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})

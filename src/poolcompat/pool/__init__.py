"""``multiprocessing.pool``, one for one, with a ``ThreadPool`` whose end nobody waits for in vain.

Change ``from multiprocessing.pool import …`` to ``from poolcompat.pool import …``; nothing else has
to change.
"""

from __future__ import annotations

from . import _multiprocessing
from ._process_pool import Pool
from ._thread_pool import ThreadPool
from ._thread_pool import set_patched_policy as set_patched_policy

__all__ = ["Pool", "ThreadPool"]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_multiprocessing.module, name)

"""``multiprocessing.pool``, one for one, with a ``ThreadPool`` whose end nobody waits for in vain.

Change ``from multiprocessing.pool import …`` to ``from poolcompat.pool import …``; nothing else has
to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _multiprocessing
from ._process_pool import Pool
from ._thread_pool import ThreadPool
from ._thread_pool import set_patched_policy as set_patched_policy

if TYPE_CHECKING:  # __getattr__() finds them
    from multiprocessing.pool import CLOSE as CLOSE
    from multiprocessing.pool import INIT as INIT
    from multiprocessing.pool import RUN as RUN
    from multiprocessing.pool import TERMINATE as TERMINATE
    from multiprocessing.pool import ApplyResult as ApplyResult
    from multiprocessing.pool import AsyncResult as AsyncResult
    from multiprocessing.pool import IMapIterator as IMapIterator
    from multiprocessing.pool import IMapUnorderedIterator as IMapUnorderedIterator
    from multiprocessing.pool import MapResult as MapResult

__all__ = ["Pool", "ThreadPool"]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_multiprocessing.module, name)

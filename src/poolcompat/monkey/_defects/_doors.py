"""The two ways in, and the standard library as it is, behind one interface."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, Iterator

IMPORT, PATCH, NONE = "import", "patch", "none"


@contextlib.contextmanager
def opened(door: str, **options: Any) -> Iterator[Any]:
    """Give the pools behind a door: what users import from, and whatever the door needs.

    The options are those of ``patched()``, for that door alone.
    """
    import concurrent.futures
    import multiprocessing.pool

    import poolcompat
    import poolcompat.futures
    import poolcompat.pool

    if door == IMPORT:
        yield SimpleNamespace(door=door, futures=poolcompat.futures, pool=poolcompat.pool)
        return
    theirs = SimpleNamespace(door=door, futures=concurrent.futures, pool=multiprocessing.pool)
    with contextlib.ExitStack() as stack:
        if door == PATCH:
            stack.enter_context(poolcompat.patched(**options))
        yield theirs

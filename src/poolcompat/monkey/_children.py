"""Repairs in the processes that ``multiprocessing`` starts, whatever the start method.

A forked child has the parent's repairs.  The others receive a dictionary from the parent before
they load its main module; an entry of ours in it applies the repairs while it is unpickled.
"""

from __future__ import annotations

import builtins
import os
from typing import Any, Callable, Iterator

from .. import _stdlib
from . import _trampolines
from ._registry import Change, CodeSlot

# The arguments of patch_process_tree() in this process, for its children
options: dict[str, Any] = {}

# Absolute as long as the current directory is what it was when this was imported
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Without the current directory, whose modules must not shadow what we import
_CHILD_CODE = """
import sys
sys.path = [*filter(None, sys.path), {root!r}]  # until the parent's path takes its place
from poolcompat.monkey import patch_process_tree
patch_process_tree(**{options!r})
"""


class _PatchWhenLoaded:
    """Unpickled in a child, it applies the repairs there."""

    def __reduce__(self) -> Any:
        # By its path, because the child has not got the parent's sys.path when it unpickles this
        return builtins.exec, (_CHILD_CODE.format(root=_ROOT, options=options), {})


_original: Callable[[str], dict[str, Any]]


def _slots() -> Iterator[CodeSlot]:
    global _original
    from multiprocessing import spawn

    _original = _stdlib.copy_of(spawn.get_preparation_data)
    yield CodeSlot(spawn.get_preparation_data, _trampolines.get_preparation_data)


CHILDREN = Change(_slots)


def get_preparation_data(name: str) -> dict[str, Any]:
    """Return what the standard library sends to a child first, with an entry of ours."""
    return {**_original(name), "poolcompat": _PatchWhenLoaded()}

"""What becomes of executors with processes when the interpreter exits.

It waits for their managers, after all exit hooks that were registered after this module was
imported, and before ``multiprocessing`` waits for its processes.
"""

from __future__ import annotations

import atexit
from multiprocessing import util  # whose exit hook comes after ours
from typing import TYPE_CHECKING

from .. import _forks

if TYPE_CHECKING:
    from ._engine import Engine

_engines: set[Engine] = set()
_has_begun = False
# Whether multiprocessing will call us in this process
_is_registered = False
# Higher than that of its own pools and managers, which the work may need
_PRIORITY = 100


def is_exiting() -> bool:
    """Tell whether no more work is taken because the interpreter exits."""
    return _has_begun


def enroll(engine: Engine) -> None:
    """Have the interpreter wait for the manager of *engine*."""
    global _is_registered
    _engines.add(engine)
    if not _is_registered:
        _is_registered = True
        # The processes of multiprocessing run no exit hooks.
        util.Finalize(None, _finalize, exitpriority=_PRIORITY)


def forget(engine: Engine) -> None:
    """Let the interpreter exit without waiting for the manager of *engine*."""
    _engines.discard(engine)


def _end_all() -> None:
    global _has_begun
    _has_begun = True
    # Imported late, because it needs what imports this
    from ._process_ending import end_at_exit

    end_at_exit(_engines)


def _forget_all() -> None:
    global _has_begun, _is_registered
    _engines.clear()
    _has_begun = _is_registered = False


def _finalize() -> None:
    global _is_registered
    _is_registered = False
    if util.is_exiting():  # Test suites run finalizers in between.
        _end_all()


_forks.call_in_child(_forget_all)
atexit.register(_end_all)

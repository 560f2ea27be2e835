"""Programs that provoke the defects which the rows of the table repair, one for each row.

Each runs in a process of its own, whose command is that of ``_child.child_command()`` for
:func:`provoke`, with the name of the row and a door as arguments.  It prints the line ``provoked``
before the step that shows the defect.  Where the defect is, it then hangs, or ends with a status
other than 0; where it is not, it ends with status 0.

Where a defect cannot be provoked for want of something, it prints ``needs`` and what that is
instead, as in ``needs fork``, and ends with status 0.
"""

from __future__ import annotations

import importlib
import signal

from ._doors import IMPORT, NONE, PATCH, opened
from ._reproducer import REPRODUCERS, Reproducer

_DOORS = (NONE, IMPORT, PATCH)
# More than anybody waits for it
_LIFETIME_S = 100
_MODULES = (
    "_executor",
    "_executor_exit",
    "_executor_initializer",
    "_executor_shutdown",
    "_executor_signals",
    "_future",
    "_map",
    "_process_broken",
    "_process_interrupt",
    "_process_pickling",
    "_process_shutdown",
    "_process_workers",
    "_thread_pool",
    "_thread_pool_map",
    "_waiting",
)


def names() -> list[str]:
    """Return the names of all defects that can be provoked: those of the rows."""
    return sorted(_reproducers())


def provoke(name: str, door: str) -> None:
    """Provoke a defect in this process, which is of no use for anything else then.

    Args:
        name: The row that repairs it.
        door: ``"none"`` is the standard library as it is, ``"import"`` our pools, and ``"patch"``
            the standard library with that repair alone.

    Raises:
        ValueError: There is no defect or door of that name.
        RuntimeError: The interpreter leaves assertions out.
        AssertionError: The defect is there.  It may show otherwise as well.
    """
    reproducers = _reproducers()
    if name not in reproducers:
        raise ValueError(
            f"no defect is called {name!r}; known are {', '.join(sorted(reproducers))}"
        )
    if door not in _DOORS:
        raise ValueError(f"no door is called {door!r}; known are {', '.join(_DOORS)}")
    if not __debug__:
        raise RuntimeError("assertions tell of defects, and -O or PYTHONOPTIMIZE leaves them out")
    reproducer = reproducers[name]
    for need in reproducer.needs:
        if not need.is_met:
            print(f"needs {need.name}", flush=True)
            return
    _restore_signals()
    if hasattr(signal, "alarm"):
        signal.alarm(_LIFETIME_S)  # Whoever has started this process may be gone.
    with opened(door, only=[name]) as lib:
        reproducer.run(lib)


def _restore_signals() -> None:
    """Have signals do what they do by default; in the background of a shell some are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def _reproducers() -> dict[str, Reproducer]:
    for module in _MODULES:
        importlib.import_module("." + module, __name__)
    return REPRODUCERS

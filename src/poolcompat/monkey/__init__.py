"""``patch_all()`` and its friends: the repairs on the standard library's own classes.

The classes and functions stay the objects they are; their methods and code are changed.  So every
reference that anybody already holds is repaired: early ``from`` imports, ``functools.partial``
objects, subclasses and instances made before.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from typing import Any, Iterable, Iterator

from ..stopping._policy import Policy
from . import _children
from ._registry import Change, Hold, Leftover, Registry
from ._repair import Repair
from ._rows_pool import THREAD_POOL
from ._table import TABLE

__all__ = ["Leftover", "Repair", "is_patched", "patch_all", "patched", "repairs", "unpatch_all"]

_SKIP_VARIABLE = "POOLCOMPAT_SKIP"


class _State:
    """The one state of the process."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.by_patch_all: Hold | None = None


_state = _State()


def repairs() -> tuple[Repair, ...]:
    """Return the table of all repairs, those that this interpreter does not need included."""
    return TABLE


def is_patched(name: str | None = None) -> bool:
    """Tell whether the repair called *name*, or any if it is ``None``, is in place.

    Raises:
        ValueError: No repair is called *name*.
    """
    if name is None:
        return any(_state.registry.is_applied(row.change) for row in TABLE)
    (row,) = _rows([name], "name")
    return row.is_needed() and _state.registry.is_applied(row.change)


def patch_all(
    *,
    only: Iterable[str] | None = None,
    skip: Iterable[str] = (),
    on_terminate: str = "warn",
    grace: float = 1.0,
    timeout: float | None = 5.0,
) -> tuple[Repair, ...]:
    """Repair the pools of the whole process, third-party code included.

    Calling it again adds to what is in place; twice is once.  The environment variable
    ``POOLCOMPAT_SKIP``, a comma-separated list of names or ``all``, skips more.  Repairs that share
    a mechanism are applied and skipped together.

    Args:
        only: Names of the repairs to apply; ``None``, the default, is every one that this
            interpreter needs, except for the opt-in ones.
        skip: Names of repairs to leave out.
        on_terminate: What ``ThreadPool.terminate()`` does about tasks that still run: ``"warn"``,
            ``"escalate"`` or ``"silent"``, as in :class:`poolcompat.pool.ThreadPool`.
        grace: With ``"escalate"``, the seconds that a task has to stop by itself.
        timeout: With ``"escalate"``, the seconds in total before it is abandoned; ``None`` is for
            ever.

    Returns:
        The repairs that are in place through this call.

    Raises:
        ValueError: There is no repair or policy of that name, or a time is negative; nothing has
            been changed then.
        TypeError: *only* or *skip* is a string instead of a collection of names, or a time is no
            number.
        RuntimeError: Somebody has put in the place of ``as_completed()`` or ``wait()`` what cannot
            be changed; nothing has been changed then.
    """
    policy = Policy.checked(on_terminate, grace, timeout)
    with _state.registry.lock:
        rows = _wanted(only, skip)
        _hold_for_good([row.change for row in rows], policy)
        return rows


def patch_process_tree(
    *, only: Iterable[str] | None = None, skip: Iterable[str] = (), on_terminate: str = "warn"
) -> tuple[Repair, ...]:
    """Do what :func:`patch_all` does here and in all processes that ``multiprocessing`` starts.

    That is what ``poolcompat run`` does.
    """
    options: dict[str, Any] = {"skip": list(skip), "on_terminate": on_terminate}
    if only is not None:
        options["only"] = list(only)
    with _state.registry.lock:
        rows = patch_all(**options)
        if rows:
            _children.options.update(options)
            _hold_for_good([_children.CHILDREN], Policy.checked(on_terminate))
        return rows


def unpatch_all() -> tuple[Leftover, ...]:
    """Restore every slot that was changed, whoever asked for it.

    Pools and futures made in the meantime go on working.

    Returns:
        What had to be left because somebody else has changed it since.
    """
    with _state.registry.lock:
        _state.by_patch_all = None
        return tuple(_state.registry.release_all())


def patched(
    *,
    only: Iterable[str] | None = None,
    skip: Iterable[str] = (),
    on_terminate: str = "warn",
    grace: float = 1.0,
    timeout: float | None = 5.0,
) -> contextlib.AbstractContextManager[tuple[Repair, ...]]:
    """Apply repairs for a ``with`` block; takes, gives and raises what :func:`patch_all` does.

    Blocks nest, also across threads: a repair stays in place until the last block that wants it
    has ended, or for good if ``patch_all()`` wants it.  The policy is that of the block entered
    last.

    Warns:
        RuntimeWarning: When the block ends, for what had to be left because somebody else has
            changed it since.
    """
    policy = Policy.checked(on_terminate, grace, timeout)
    return _patched(_wanted(only, skip), policy)


@contextlib.contextmanager
def _patched(rows: tuple[Repair, ...], policy: Policy) -> Iterator[tuple[Repair, ...]]:
    hold = Hold((row.change for row in rows), policy)
    with _state.registry.lock:
        _state.registry.hold(hold)
        _follow_policy()
    try:
        yield rows
    finally:
        with _state.registry.lock:
            left = _state.registry.release(hold)
            _follow_policy()
        for leftover in left:
            warnings.warn(str(leftover), RuntimeWarning, stacklevel=3)


def _hold_for_good(changes: Iterable[Change], policy: Policy) -> None:
    before = _state.by_patch_all
    hold = Hold([*(before.changes if before else ()), *changes], policy)
    _state.registry.hold(hold, instead_of=before)
    _state.by_patch_all = hold
    _follow_policy()


def _wanted(only: Iterable[str] | None, skip: Iterable[str]) -> tuple[Repair, ...]:
    rows = [row for row in TABLE if row.is_needed()]
    if only is None:
        rows = [row for row in rows if not row.is_opt_in]
    else:
        named = {row.change for row in _rows(only, "only") if row.is_needed()}
        chosen = named.union(*(change.requires for change in named))
        rows = [row for row in rows if row.change in chosen]
    # A name that is not needed here skips what shares its mechanism all the same: whoever turns
    # something off must be sure that it is off.
    skipped = _off_without([*_rows(skip, "skip"), *_named_by_operator()])
    return tuple(row for row in rows if row not in skipped)


def _rows(names: Iterable[str], argument: str) -> list[Repair]:
    if isinstance(names, str):
        raise TypeError(f"{argument} must be a collection of names, not the string {names!r}")
    known = {row.name: row for row in TABLE}
    names = list(names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"{argument}: no repair is called {', '.join(map(repr, unknown))}; "
            f"known are {', '.join(known)}"
        )
    return [known[name] for name in names]


def skipped_by_operator() -> tuple[Repair, ...]:
    """Return the repairs that ``POOLCOMPAT_SKIP`` turns off.

    Raises:
        ValueError: It has the name of no repair.
    """
    return _off_without(_named_by_operator())


def _off_without(named: Iterable[Repair]) -> tuple[Repair, ...]:
    """Return the repairs that are off if *named* are: they share or need the mechanism."""
    skipped = {row.change for row in named}
    return tuple(row for row in TABLE if skipped & {row.change, *row.change.requires})


def _named_by_operator() -> Iterable[Repair]:
    names = [name.strip() for name in os.environ.get(_SKIP_VARIABLE, "").split(",")]
    return TABLE if "all" in names else _rows(filter(None, names), _SKIP_VARIABLE)


def _follow_policy() -> None:
    policy = _state.registry.policy
    if policy is not None and _state.registry.is_applied(THREAD_POOL):
        from .. import pool

        pool.set_patched_policy(policy)

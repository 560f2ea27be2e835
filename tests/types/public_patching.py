"""What type checkers make of ``poolcompat.patch_all()`` and its friends: checked, never run."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from typing_extensions import assert_type

import poolcompat
from poolcompat import monkey


def patching() -> None:
    rows = poolcompat.patch_all(only=["wait-cancelled"], on_terminate="silent", grace=0, timeout=1)
    assert_type(rows, Tuple[monkey.Repair, ...])
    assert_type(poolcompat.is_patched(), bool)
    assert_type(poolcompat.is_patched("wait-cancelled"), bool)
    assert_type(poolcompat.repairs(), Tuple[monkey.Repair, ...])
    assert_type(poolcompat.unpatch_all(), Tuple[monkey.Leftover, ...])
    with poolcompat.patched(skip=["map-input-error"]) as applied:
        assert_type(applied, Tuple[monkey.Repair, ...])
    poolcompat.patch_all("wait-cancelled")  # type: ignore[call-arg]
    poolcompat.patch_all(timeout="1")  # type: ignore[arg-type]
    poolcompat.patched(grace="1")  # type: ignore[arg-type]
    poolcompat.is_patched(1)  # type: ignore[arg-type]


def the_same_in_their_own_module(value: Any) -> None:
    assert_type(monkey.patch_all(grace=value), Tuple[monkey.Repair, ...])
    assert_type(monkey.is_patched(value), bool)
    assert_type(monkey.repairs(), Tuple[monkey.Repair, ...])
    assert_type(monkey.unpatch_all(), Tuple[monkey.Leftover, ...])
    with monkey.patched(timeout=None) as applied:
        assert_type(applied, Tuple[monkey.Repair, ...])


def of_repairs(repair: monkey.Repair) -> None:
    assert_type(repair.name, str)
    assert_type(repair.wrong, str)
    assert_type(repair.issue, str)
    assert_type(repair.native_since, Optional[str])
    assert_type(repair.is_needed(), bool)
    assert_type(repair.is_opt_in, bool)
    assert_type(repair.touches, Tuple[str, ...])
    number: int = repair.change  # type: ignore[assignment]
    print(number)


def of_leftovers(leftover: monkey.Leftover) -> None:
    number: int = leftover.slot  # type: ignore[assignment]
    assert_type(leftover.holder, object)
    print(number)

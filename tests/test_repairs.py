"""Every row of the table: its defect is there without the repair, and gone behind both doors."""

from __future__ import annotations

import pytest

from doors import IMPORT, NONE, PATCH
from poolcompat import _verifying, repairs
from poolcompat.monkey import _defects

# How long a program stands still before it counts as hanging, once it has reached that point
HANG_S = 0.5


def outcome(row, door, *limit):
    """Return what happens, or skip for what is missing here."""
    happened = _verifying.outcome(row.name, door, *limit)
    if happened.result == "n/a":
        pytest.skip(happened.detail)
    return happened


def test_every_row_has_a_reproducer():
    """No repair is without a program that provokes what it repairs, and none is left over."""
    assert _defects.names() == sorted(row.name for row in repairs())


@pytest.mark.parametrize("door", [IMPORT, PATCH])
@pytest.mark.parametrize("row", repairs(), ids=lambda row: row.name)
def test_the_defect_is_repaired(row, door):
    """Behind either door the program that provokes the defect ends well, and says nothing."""
    assert outcome(row, door) == ("ok", "")


@pytest.mark.parametrize("row", repairs(), ids=lambda row: row.name)
def test_the_table_tells_whether_the_interpreter_has_the_defect(row):
    """Without us the program hangs or fails exactly where the table says that it is needed."""
    happened = outcome(row, NONE, *([HANG_S] if row.is_needed() else []))
    assert (happened.result == "ok") is not row.is_needed(), happened

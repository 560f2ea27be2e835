"""Every row of the table: its defect is there without the repair, and gone behind both doors."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from conftest import DEADLOCK_S
from doors import IMPORT, NONE, PATCH
from poolcompat import _stdlib, repairs
from provoke import REPRODUCERS

SCRIPT = pathlib.Path(__file__).with_name("provoke.py")
# How long a program stands still before it counts as hanging, once it has reached that point
HANG_S = 0.5


def rows():
    """All rows, with the reason where one cannot be told."""
    marks = pytest.mark.skipif(
        not _stdlib.CLASSES_TAKE_DESTRUCTORS, reason="needs classes that take a destructor later"
    )
    for row in repairs():
        yield pytest.param(row, id=row.name, marks=marks if row.name == "lost-exception" else ())


def start(name, door):
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), name, door],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )


def test_every_row_has_a_reproducer():
    """No repair is without a program that provokes what it repairs, and none is left over."""
    assert sorted(REPRODUCERS) == sorted(row.name for row in repairs())


@pytest.mark.parametrize("door", [IMPORT, PATCH])
@pytest.mark.parametrize("row", list(rows()))
def test_the_defect_is_repaired(row, door):
    """Behind either door the program that provokes the defect ends well."""
    with start(row.name, door) as child:
        try:
            _, errors = child.communicate(timeout=DEADLOCK_S)
        finally:
            child.kill()

    assert (child.returncode, errors) == (0, "")


@pytest.mark.parametrize("row", list(rows()))
def test_the_table_tells_whether_the_interpreter_has_the_defect(row):
    """Without us the program hangs or fails exactly where the table says that it is needed."""
    with start(row.name, NONE) as child:
        try:
            assert child.stdout.readline() == "provoked\n"
            try:
                child.wait(HANG_S if row.is_needed() else DEADLOCK_S)
            except subprocess.TimeoutExpired:
                ended_well = False
            else:
                ended_well = child.returncode == 0
        finally:
            child.kill()

    assert ended_well is not row.is_needed()

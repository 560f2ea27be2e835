"""The documentation that is made from the table is up to date."""

from __future__ import annotations

import os
import pathlib
import platform
import sys

import pytest

from poolcompat._doctor import examine

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "repairs.md"
MARKS = {"needed": "✓", "opt-in": "opt-in", "native": ""}


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="the page is of systems with CPU affinity"
)
def test_the_page_of_repairs_tells_what_this_interpreter_tells():
    """Each row stands there, with what the table says of this interpreter, and the count."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    prefix = "pypy" if platform.python_implementation() == "PyPy" else ""
    column = table[0].index(prefix + "{}.{}".format(*sys.version_info))
    findings = examine().findings

    expected = [[f"`{f.repair.name}`", f.repair.wrong, MARKS[f.status]] for f in findings]
    assert [[row[0], row[1], row[column]] for row in table[2:-1]] == expected
    assert table[-1][column] == str(sum(f.status != "native" for f in findings))

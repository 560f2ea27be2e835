from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

import poolcompat
from poolcompat._cli import main
from poolcompat._doctor import examine

# A child that takes this long is deadlocked.
DEADLOCK_S = 60


def test_doctor_tells_what_is_needed_here(capsys):
    """The interpreter comes first, then each repair in at most two lines: is it needed here?"""
    assert main(["doctor"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    subject, empty, *lines = out.splitlines()
    assert poolcompat.__version__ in subject
    assert f"{platform.python_implementation()} {platform.python_version()}" in subject
    assert empty == ""
    table = poolcompat.repairs()
    assert len(lines) == 2 * len(table)
    for row, first, second in zip(table, lines[::2], lines[1::2]):
        needed = "opt-in" if row.is_opt_in else "needed"
        assert first.split()[:2] == [row.name, needed if row.is_needed() else "native"]
        assert row.issue in first
        assert second.strip() == row.wrong


def test_examining_prints_and_changes_nothing(capsys):
    """A report is only made; nothing is printed or patched."""
    report = examine()
    assert [finding.repair for finding in report.findings] == list(poolcompat.repairs())
    assert capsys.readouterr() == ("", "")
    assert not poolcompat.is_patched()


def test_doctor_takes_no_arguments(capsys):
    """An argument too many is wrong usage."""
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "extra"])
    assert caught.value.code == 2
    assert "unrecognized arguments: extra" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs pipes whose end can be told by the error")
def test_doctor_whose_output_nobody_reads():
    """``poolcompat doctor | head -1`` ends without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "poolcompat", "doctor"],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=DEADLOCK_S,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")

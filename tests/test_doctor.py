from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys

import pytest

import poolcompat
from poolcompat import _others, _printing, _verifying, monkey
from poolcompat._cli import main
from poolcompat._doctor import Finding, Report, examine
from poolcompat._others import Stranger
from poolcompat._verifying import Outcome, Verified
from poolcompat.monkey._repair import repair

# A child that takes this long is deadlocked.
DEADLOCK_S = 60


def run(capsys, *arguments):
    status = main(["doctor", *arguments])
    return status, capsys.readouterr().out


def row(name, is_needed=True, is_opt_in=False):
    change = monkey._registry.Change(lambda: ())
    return repair(name, change, f"{name} is wrong", "gh-1", None, lambda: is_needed, is_opt_in)


@pytest.fixture
def table(monkeypatch):
    """A table of which one repair does nothing; the programs are in defective.py."""
    table = (
        row("none=hang"),
        row("none=fail,import=well,patch=well"),
        row("well", is_needed=False),
        row("lack", is_opt_in=True),
    )
    monkeypatch.setattr(monkey, "TABLE", table)
    monkeypatch.setattr(_verifying, "_CALL", "defective:provoke")
    monkeypatch.setattr(_verifying, "_STILL_S", 0.5)
    return table


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
        if row.is_needed() and row.native_since:
            assert first.split()[2:4] == ["until", row.native_since]
        assert row.issue in first
        assert second.strip() == row.wrong


def test_examining_prints_and_changes_nothing(capsys):
    """A report is only made; nothing is printed or patched."""
    report = examine()
    assert [finding.repair for finding in report.findings] == list(poolcompat.repairs())
    assert capsys.readouterr() == ("", "")
    assert not poolcompat.is_patched()


def test_doctor_verifies(table, capsys):
    """What happens without and with the repair is in the table, and what that comes to below."""
    status, out = run(capsys, "--verify")
    assert status == 0
    assert out.splitlines()[2:] == [
        "repair                            without  with     CPython",
        "none=hang                         hangs    ok       gh-1",
        "none=fail,import=well,patch=well  wrong    ok       gh-1",
        "well                              ok       ok       gh-1",
        "lack                              n/a      n/a      gh-1",
        "  needs wings",
        "",
        "Without poolcompat 1 of 4 hang and 1 go wrong.",
        "With it, none does.",
    ]


def test_doctor_finds_a_repair_that_does_not_hold(table, capsys, monkeypatch):
    """That is what the exit status tells as well."""
    bad = row("none=fail,import=well,patch=leave")
    monkeypatch.setattr(monkey, "TABLE", (*table, bad))
    status, out = run(capsys, "--verify")
    assert status == 1
    assert out.splitlines()[-5:] == [
        "none=fail,import=well,patch=leave  wrong    wrong    gh-1",
        "  patch door: exit status 3",
        "",
        "Without poolcompat 1 of 5 hang and 2 go wrong.",
        "With it: none=fail,import=well,patch=leave.",
    ]


def test_what_the_operator_skips_is_no_finding(table, capsys, monkeypatch):
    """He knows; the table tells."""
    bad = row("fail")
    monkeypatch.setattr(monkey, "TABLE", (*table, bad))
    monkeypatch.setenv("POOLCOMPAT_SKIP", "fail")
    status, out = run(capsys, "--verify")
    assert status == 0
    assert "fail                              wrong    skipped  gh-1\n" in out
    status, out = run(capsys)
    assert status == 0
    assert "fail                              skipped               gh-1\n" in out


def test_doctor_for_machines(table, capsys):
    """It is all there, with the errors."""
    status, out = run(capsys, "--verify", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["healthy"] is True
    assert told["subject"] == examine().subject
    assert told["changed_by_others"] == []
    assert told["program"] is None
    first, second, third, _ = told["repairs"]
    assert first == {
        "name": "none=hang",
        "wrong": "none=hang is wrong",
        "issue": "gh-1",
        "native_since": None,
        "status": "needed",
        "without": {"result": "hangs", "detail": ""},
        "with": {"result": "ok", "detail": ""},
    }
    assert second["without"] == {"result": "wrong", "detail": "KeyError: 'reason'"}
    assert third["status"] == "native"


def test_doctor_for_machines_without_verifying(capsys):
    """What was not asked for is not there."""
    _, out = run(capsys, "--json")
    table = poolcompat.repairs()
    assert [one["name"] for one in json.loads(out)["repairs"]] == [row.name for row in table]
    assert not {"with", "without"} & set(json.loads(out)["repairs"][0])


def test_doctor_tells_what_others_have_changed(capsys, monkeypatch):
    """It is no finding: whoever did it has his reasons."""
    strangers = (Stranger("threading.Thread.start", "tracer"), Stranger("time.sleep", "gevent"))
    monkeypatch.setattr(_others, "changed_by_others", lambda: strangers)
    status, out = run(capsys)
    assert status == 0
    assert out.splitlines()[-4:] == [
        "",
        "Changed by others as well:",
        "  threading.Thread.start  tracer",
        "  time.sleep              gevent",
    ]


PROGRAM = """
import nowhere
from concurrent.futures import ThreadPoolExecutor
executor = ThreadPoolExecutor()
executor._threads
"""


def test_doctor_reads_a_program(capsys, tmp_path):
    """What works as before is no finding."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    status, out = run(capsys, "--program", str(script))
    assert status == 0
    assert out.splitlines() == [
        examine().subject,
        "",
        "Private names that the program uses:",
        f"  {script}:5: ThreadPoolExecutor._threads: kept",
        "",
        "Could not be read:",
        "  nowhere: not found",
    ]


def test_doctor_finds_a_private_name_that_means_something_else(capsys, tmp_path):
    """That is what the exit status tells as well."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM + "executor._idle_semaphore.release()\n")
    status, out = run(capsys, "--program", str(script), "--json")
    assert status == 1
    told = json.loads(out)
    assert told["healthy"] is False
    assert [use["status"] for use in told["program"]["private_names"]] == ["kept", "gone"]
    assert told["program"]["unread"] == [{"name": "nowhere", "reason": "not found"}]


@pytest.mark.parametrize("path", ["none.py", "."])
def test_doctor_with_a_program_that_is_not_there(path, capsys, tmp_path, monkeypatch):
    """That is wrong usage; of a folder its main module is what is missing."""
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--program", path]) == 2
    out, err = capsys.readouterr()
    missing = path if path != "." else os.path.join(".", "__main__.py")
    assert (out, err) == (
        "",
        f"poolcompat: can't open file {missing!r}: [Errno 2] No such file or directory\n",
    )


@pytest.mark.parametrize("source", ["def\n", "\0"])
def test_doctor_with_a_program_that_is_none(source, capsys, tmp_path):
    """So is this."""
    script = tmp_path / "program.py"
    script.write_text(source)
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--program", str(script)])
    assert caught.value.code == 2
    assert f"error: {script} is no Python program: " in capsys.readouterr().err


def test_ctrl_c_while_verifying(capsys, monkeypatch):
    """It is told in one line, and by the exit status of shells."""

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_verifying, "verify", interrupted)
    assert main(["doctor", "--verify"]) == 130
    assert capsys.readouterr() == ("", "\npoolcompat: interrupted\n")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal():
    """One line, which is gone in the end."""
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        show = _printing.progress(stream, 2)
        show(1, "one")
        show(2, "two")
    assert terminal.getvalue() == "\r\033[K1 of 2 provoked: one\r\033[K"
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("variables", "is_colourful"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals(variables, is_colourful, monkeypatch):
    """As no-color.org says, an empty NO_COLOR is none."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _printing.is_colourful(Terminal()) is is_colourful
    assert _printing.is_colourful(io.StringIO()) is False
    assert _printing.is_colourful(None) is False  # closed


def test_colours_change_nothing_else():
    """Each result has its own."""
    verified = Verified(Outcome("hangs"), Outcome("ok"))
    finding = Finding(row("long-name"), True, False, verified)
    report = Report("subject", (finding,), ())
    plain, colourful = (_printing.as_text(report, choice) for choice in (False, True))
    assert "\nlong-name  hangs    ok       gh-1\n" in plain
    assert "\nlong-name  \033[31mhangs  \033[0m  \033[32mok     \033[0m  gh-1\n" in colourful


@pytest.mark.parametrize("arguments", [["extra"], ["--verify=all"], ["--program"]])
def test_wrong_usage(arguments, capsys):
    """An argument too many, or too few, is told."""
    with pytest.raises(SystemExit) as caught:
        main(["doctor", *arguments])
    assert caught.value.code == 2
    assert "usage: poolcompat" in capsys.readouterr().err


def test_doctor_with_an_unknown_name_to_skip(capsys, monkeypatch):
    """The operator hears of it."""
    monkeypatch.setenv("POOLCOMPAT_SKIP", "no-such-repair")
    with pytest.raises(SystemExit) as caught:
        main(["doctor"])
    assert caught.value.code == 2
    assert "no repair is called 'no-such-repair'" in capsys.readouterr().err


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

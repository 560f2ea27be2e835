"""``upstream/run.py`` runs tests without us and with us, and finds where they differ."""

from __future__ import annotations

import importlib
import os
import pathlib

import pytest

# What runs the tests is made of it, and some builds come without.
pytest.importorskip("test.support.script_helper")

UPSTREAM = pathlib.Path(__file__).resolve().parent.parent / "upstream"
CASES = """\
import os
import unittest

import poolcompat
from test.support import script_helper


class CasesOfThreads(unittest.TestCase):
    def test_differs(self):
        self.assertFalse(poolcompat.is_patched())

    def test_differs_in_interpreters_that_it_starts(self):
        code = "import poolcompat; assert not poolcompat.is_patched()"
        path = os.environ["PYTHONPATH"]
        script_helper.assert_python_ok("-B", "-X", "dev", "-c", code, PYTHONPATH=path)

    def test_ends_the_interpreter_with_us(self):
        if poolcompat.is_patched():
            os._exit(0)

    def test_is_skipped(self):
        self.skipTest("to see that")

    def test_passes(self):
        pass


class CasesOfProcesses(unittest.TestCase):
    def test_is_of_another_suite(self):
        pass
"""
LISTED = {
    "CasesOfThreads.test_differs": "failed",
    "CasesOfThreads.test_differs_in_interpreters_that_it_starts": "failed",
    "CasesOfThreads.test_ends_the_interpreter_with_us": "ended the interpreter",
}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return the runner, and one suite that it knows: "cases"."""
    (tmp_path / "upstream_cases.py").write_text(CASES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(UPSTREAM))
    paths = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    run = importlib.import_module("run")
    monkeypatch.setitem(run.SUITES, "cases", run.Suite("upstream_cases", "CasesOfThreads"))
    return run


def list_differences(monkeypatch, run, listed):
    make = importlib.import_module("differences").Difference
    known = {name: make(outcome, reason="made up") for name, outcome in listed.items()}
    monkeypatch.setattr(run, "DIFFERENCES", known)


def test_a_suite_that_differs_as_listed_is_as_listed(run, monkeypatch, capsys):
    list_differences(monkeypatch, run, LISTED)

    assert run.is_as_listed("cases")
    out = capsys.readouterr().out
    assert out.startswith("cases: 5 tests: 1 same, 1 skipped, 3 as listed, 0 by chance\n")
    assert out.count("as listed: CasesOfThreads.") == 3


def test_what_is_not_as_listed_is_told(run, monkeypatch, capsys):
    listed = {**LISTED, "CasesOfThreads.test_passes": "failed"}
    del listed["CasesOfThreads.test_differs"]
    list_differences(monkeypatch, run, listed)

    assert not run.is_as_listed("cases")
    out = capsys.readouterr().out
    assert "2 as listed, 0 by chance, 1 not listed, 1 not as listed\n" in out
    assert "not listed: CasesOfThreads.test_differs: {'ok': 9} without us, {'failed': 9}" in out
    assert "AssertionError: True is not false" in out  # the reason is told
    assert "not as listed: CasesOfThreads.test_passes: {'ok': 9} without us, {'ok': 9}" in out


def test_tests_that_the_interpreter_does_not_have_are_told(run, monkeypatch, capsys):
    monkeypatch.setitem(run.SUITES, "cases", run.Suite("upstream_no_cases"))

    assert run.is_as_listed("cases")
    assert capsys.readouterr().out == (
        "cases: this interpreter does not come with CPython's tests of it:"
        " No module named 'upstream_no_cases'\n"
    )


def test_a_suite_that_cannot_be_run_is_an_error(run, monkeypatch):
    monkeypatch.setattr(run, "LAUNCHERS", ([], ["-m", "upstream_no_such_launcher"]))

    with pytest.raises(SystemExit, match="upstream_no_such_launcher"):
        run.is_as_listed("cases")

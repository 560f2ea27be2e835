"""What ``poolcompat run`` says of wrong usage, and when it is asked."""

from __future__ import annotations

import os
import re

import pytest

import poolcompat
from poolcompat._cli import main
from run_things import RUN, run, write

pytest_plugins = "run_fixtures"
pytestmark = pytest.mark.usefixtures("_directory")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a script, -m module or -c code is required"),
        (["--"], "a script, -m module or -c code is required"),
        (["-m"], "a script, -m module or -c code is required"),
        (["-c"], "a script, -m module or -c code is required"),
        (["--nonsense", "script.py"], "unrecognized arguments: --nonsense"),
        (["--skip"], "expected one argument"),
        (["--onl", "timeout-inf", "script.py"], "unrecognized arguments: --onl"),
        (["--only", "nonsense", "script.py"], "'nonsense'; known are as-completed"),
        (["--skip", "nonsense", "script.py"], "'nonsense'; known are as-completed"),
        (["--on-terminate", "nonsense", "script.py"], "'escalate' or 'silent', not 'nonsense'"),
    ],
)
def test_wrong_usage(arguments, message, capsys):
    """Wrong usage is told on stderr, with exit status 2, and nothing is run or changed."""
    write("script.py", "raise AssertionError")
    with pytest.raises(SystemExit) as caught:
        main(["run", *arguments])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: poolcompat run ")
    assert message in err
    assert not poolcompat.is_patched()


def test_unknown_name_in_the_skip_variable(monkeypatch, capsys):
    """A name in ``POOLCOMPAT_SKIP`` that no repair has is wrong usage."""
    monkeypatch.setenv("POOLCOMPAT_SKIP", "timeout-inf, nonsense")
    with pytest.raises(SystemExit) as caught:
        main(["run", "-c", ""])
    assert caught.value.code == 2
    assert "POOLCOMPAT_SKIP: no repair is called 'nonsense'" in capsys.readouterr().err


def test_missing_file():
    """A file that is not there is one line on stderr and exit status 2."""
    message = "poolcompat: can't open file 'missing.py': [Errno 2] No such file or directory\n"
    assert run(*RUN, "missing.py", "x") == (2, "", message)


def test_unreadable_file(capsys):
    """A file that cannot be read is one line on stderr and exit status 2."""
    write("script.py", "")
    os.chmod("script.py", 0)
    if os.access("script.py", os.R_OK):
        os.remove("script.py")
        try:
            os.symlink("script.py", "script.py")
        except OSError:
            pytest.skip("needs a file that this user may not read, or a link to itself")
    assert main(["run", "script.py"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"poolcompat: can't open file 'script\.py': \[Errno \d+\] .+\n", err)


def test_help_and_version(capsys):
    """``--help`` and ``--version`` print on stdout; no command at all is wrong usage."""
    for arguments, expected in [
        (["--version"], f"poolcompat {poolcompat.__version__}\n"),
        (["--help"], "doctor"),
        (["run", "--help"], "--on-terminate"),
        (["doctor", "--help"], "usage: poolcompat doctor"),
    ]:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert expected in capsys.readouterr().out
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "doctor" in err

"""What is told of programs that provoke defects, be they as they may."""

from __future__ import annotations

import os
import signal
import threading

import pytest

import defective
from doors import IMPORT, NONE, PATCH
from poolcompat import _verifying, repairs
from poolcompat.monkey._repair import repair
from stage import Stage

AT_ONCE_S = 0.5

needs_signals = pytest.mark.skipif(
    os.name == "nt" or threading.current_thread() is not threading.main_thread(),
    reason="needs POSIX signals, and the main thread, which alone changes what they do",
)


@pytest.fixture(autouse=True)
def _defective_programs(monkeypatch):
    monkeypatch.setattr(_verifying, "_CALL", "defective:provoke")


@pytest.fixture
def stage(monkeypatch):
    with Stage() as stage:
        monkeypatch.setenv(defective.ADDRESS, "{}:{}".format(*stage.address))
        yield stage


def row(name, is_needed=True):
    return repair(name, None, "", is_needed=lambda: is_needed)


@pytest.mark.parametrize(
    ("name", "happened"),
    [
        ("well", ("ok", "")),
        ("well_with_a_word", ("ok", "last")),
        ("fail", ("wrong", "KeyError: 'reason'")),
        ("fail_before", ("wrong", "KeyError: 'too soon'")),
        ("leave", ("wrong", "exit status 3")),
        ("lack", ("n/a", "needs wings")),
        # where no file is taken for a module by processes that are spawned
        ("look_around", ("ok", "")),
    ],
)
def test_a_program_that_ends(name, happened):
    """What it printed last on standard error comes along."""
    assert _verifying.outcome(name, NONE) == happened


def test_a_program_that_hangs(stage):
    """It is killed."""
    assert _verifying.outcome("hang", NONE, AT_ONCE_S) == ("hangs", "")
    stage.next().wait_until_gone()


def test_a_program_that_hangs_too_soon(monkeypatch):
    """So is one that does not even come to the defect, and that is told."""
    monkeypatch.setattr(_verifying, "_PATIENCE_S", AT_ONCE_S)
    happened = _verifying.outcome("hang_before", NONE)
    assert happened == ("hangs", "before it came to the defect")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_program_has_started_ends_with_it(stage):
    """Nothing is left behind."""
    assert _verifying.outcome("hang_with_child", NONE, AT_ONCE_S).result == "hangs"
    for actor in stage.take(2):
        actor.wait_until_gone()


def test_all_are_verified():
    """Each is told once; with us both doors count, except for a repair that is skipped."""
    told = []
    rows = [
        row("well", is_needed=False),
        row("none=fail,import=well"),
        row("none=fail,import=fail"),
        row("none=hang,patch=leave"),
        row("lack"),
        row("none=fail,patch=hang"),
    ]

    verified = _verifying.verify(rows, rows[-1:], lambda done, name: told.append((done, name)))

    assert verified == {
        "well": (("ok", ""), ("ok", "")),
        "none=fail,import=well": (("wrong", "KeyError: 'reason'"), ("ok", "")),
        "none=fail,import=fail": (
            ("wrong", "KeyError: 'reason'"),
            ("wrong", "import door: KeyError: 'reason'"),
        ),
        "none=hang,patch=leave": (("hangs", ""), ("wrong", "patch door: exit status 3")),
        "lack": (("n/a", "needs wings"), ("n/a", "needs wings")),
        "none=fail,patch=hang": (("wrong", "KeyError: 'reason'"), ("skipped", "")),
    }
    assert [done for done, _ in told] == [1, 2, 3, 4, 5, 6]
    assert sorted(name for _, name in told) == sorted(row.name for row in rows)


def press_ctrl_c():
    raise KeyboardInterrupt


def ask_to_end():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("interrupt", "raises"),
    [
        (press_ctrl_c, "KeyboardInterrupt()"),
        pytest.param(ask_to_end, "SystemExit(143)", marks=needs_signals),
    ],
)
def test_interrupted_while_verifying(stage, interrupt, raises):
    """What runs is killed, and nothing else is started."""

    def on_progress(done, name):
        actors.extend(stage.take(2))
        interrupt()

    actors = []
    handler = signal.getsignal(signal.SIGTERM)
    rows = [row("well", is_needed=False), *(row("import=hang") for _ in range(50))]
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        _verifying.verify(rows, on_progress=on_progress)
    assert repr(caught.value) == raises
    assert signal.getsignal(signal.SIGTERM) is handler
    for actor in actors:
        actor.wait_until_gone()


@needs_signals
def test_signals_that_are_ignored(monkeypatch):
    """As in the background of a shell, or by nohup; the defect of Ctrl-C can be provoked anyway."""
    monkeypatch.undo()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        happened = _verifying.outcome("process-ctrl-c", IMPORT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert happened.result in ("ok", "n/a")


@needs_signals
def test_children_that_nobody_waits_for():
    """Their status is known while they are verified."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        verified = _verifying.verify([row("leave", is_needed=False)])
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert verified["leave"].without == ("wrong", "exit status 3")


@pytest.mark.parametrize("door", [NONE, IMPORT, PATCH])
def test_settings_of_the_environment_that_mislead(door, monkeypatch):
    """Assertions and warnings are what they are by default."""
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    (one,) = (row for row in repairs() if row.name == "wait-cancelled")
    assert _verifying.outcome(one.name, door).result == ("wrong" if door == NONE else "ok")

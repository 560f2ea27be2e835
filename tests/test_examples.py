"""The programs in examples/ fail or hang by themselves, and finish under `poolcompat run`."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from poolcompat import _stdlib

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LEGACY = EXAMPLES / "legacy"

ALARM = 60  # seconds until a child that should have ended is taken for deadlocked
HANGS = 2  # seconds without an end that count as a hang, from the last thing the program can do


def child_environment(**added):
    """Ours, without what would switch repairs on or off, or turn the child's warnings to errors."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POOLCOMPAT_") and name != "PYTHONWARNINGS"
    }
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment.update(added)
    return environment


def python(*arguments, cwd=None, **environment):
    """Run this Python to its end; return what it printed and its exit status."""
    return subprocess.run(
        [sys.executable] + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=child_environment(**environment),
        timeout=ALARM,
    )


def repaired(*arguments, **options):
    """Run a program as its users would with us, which has to succeed."""
    finished = python("-m", "poolcompat", "run", *arguments, **options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished


def read_until(child, marker):
    """Return what the child prints up to the marker, which it has to reach before the alarm."""
    printed = ""
    alarm = threading.Timer(ALARM, child.kill)
    alarm.start()
    try:
        for line in child.stdout:
            printed += line
            if marker in line:
                return printed
    finally:
        alarm.cancel()
        alarm.join()
    return pytest.fail(f"the program ended before {marker!r}: {printed}")


def assert_hangs_after(marker, *arguments):
    """Check that a program gets as far as the marker and does not end after it."""
    child = subprocess.Popen(
        [sys.executable] + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=child_environment(),
    )
    with child:
        try:
            read_until(child, marker)
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=HANGS)
        finally:
            child.kill()


@pytest.fixture
def logs(tmp_path):
    """A directory with nine logs, one of them in a subdirectory."""
    (tmp_path / "old").mkdir()
    for name in ["old/app.log"] + [f"app-{number}.log" for number in range(8)]:
        (tmp_path / name).write_text("started\n" * 100)
    return tmp_path


def test_crawler_does_not_finish_by_itself():
    """It dies of an argument that shutdown() does not know, or waits for what it has cancelled."""
    if _stdlib.SHUTDOWN_CANCELS_FUTURES:
        assert_hangs_after("giving up", EXAMPLES / "crawler.py")
        return
    finished = python(EXAMPLES / "crawler.py")
    assert finished.returncode == 1
    assert "giving up" in finished.stdout
    assert "TypeError: shutdown() got an unexpected keyword argument" in finished.stderr
    assert "cancelled\n" not in finished.stdout


def test_crawler_finishes():
    """Under `run` every page of the crawl is accounted for, most of them as cancelled."""
    finished = repaired(EXAMPLES / "crawler.py", "--pages", "150")
    words = finished.stdout.splitlines()[-1].replace(",", "").replace(":", "").split()
    count = dict(zip(words[1::2], map(int, words[0::2])))
    assert sorted(count) == ["cancelled", "failed", "fetched", "pages"]
    assert count["pages"] == 150 == count["fetched"] + count["failed"] + count["cancelled"]
    assert count["failed"] == 1
    assert count["cancelled"] >= 1
    assert finished.stderr == ""


def test_log_compressor_hangs_by_itself(logs):
    """After terminate() the compressor waits for ever for a result that nobody will set."""
    assert_hangs_after("collecting the results", EXAMPLES / "log_compressor.py", logs)


def test_log_compressor_finishes(logs):
    """Under `run` each outstanding result raises TaskStopped, and the files agree with the list."""
    finished = repaired(EXAMPLES / "log_compressor.py", "--stop-after", "4", logs)
    printed = finished.stdout.splitlines()
    done = [line for line in printed if line.startswith("compressed: ")]
    left = [line for line in printed if line.startswith("not compressed: ")]
    assert len(done) == 4
    assert len(left) == 5
    assert all(line.endswith(".log (TaskStopped)") for line in left)
    assert printed[-1] == "4 of 9 files compressed, 5 left for the next run"
    assert "TerminateWarning" in finished.stderr  # the two workers were being held

    files = sorted(str(path) for path in logs.rglob("*.*"))
    assert files == sorted(
        [line[len("compressed: ") :] for line in done]
        + [line[len("not compressed: ") : -len(" (TaskStopped)")] for line in left]
    )
    for archive in logs.rglob("*.gz"):
        assert gzip.decompress(archive.read_bytes()).splitlines() == [b"started"] * 100


def test_log_compressor_removes_its_samples(tmp_path):
    """Without a directory the compressor stops half-way through samples that it then removes."""
    place = dict.fromkeys(["TMPDIR", "TEMP", "TMP"], str(tmp_path))
    finished = repaired(EXAMPLES / "log_compressor.py", **place)
    assert finished.stdout.endswith("\n4 of 8 files compressed, 4 left for the next run\n")
    assert list(tmp_path.iterdir()) == []


def test_log_compressor_needs_no_repair_to_run_to_the_end(logs):
    """The compressor hangs for being stopped, and for nothing else."""
    finished = python(EXAMPLES / "log_compressor.py", "--stop-after", "9", logs)
    assert finished.returncode == 0
    assert finished.stdout.endswith("\n9 of 9 files compressed, 0 left for the next run\n")


LEGACY_SUMMARY = [
    "6 jobs ended, 3 reports in the catalogue",
    "7 jobs submitted, 3 of them withdrawn",
    "3 reports published",
]


def test_legacy_hangs_by_itself():
    """The program waits for cancelled futures, they for the publisher, and that for the program."""
    assert_hangs_after("waiting for the reports", LEGACY / "main.py")


def test_legacy_finishes():
    """Under `run` the legacy program publishes its reports and shuts its executor down."""
    finished = repaired(LEGACY / "main.py")
    assert finished.stdout.splitlines()[-3:] == LEGACY_SUMMARY
    assert finished.stderr == ""


def test_legacy_finishes_as_a_module():
    """Under `run -m` the legacy program gets its arguments and finds its own modules."""
    finished = repaired("-m", "main", "May", "June", cwd=str(LEGACY))
    assert finished.stdout.endswith("2 reports published\n")


def test_legacy_imported_before_the_patch_finishes():
    """Functions, partials, a subclass and an executor made before patch_all() are repaired too."""
    program = "import main, poolcompat; poolcompat.patch_all(); main.main()"
    finished = python("-c", program, cwd=str(LEGACY))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-3:] == LEGACY_SUMMARY


def test_examples_do_not_know_us():
    """No file under examples/ mentions poolcompat: they are programs of other people."""
    files = [
        path
        for path in sorted(EXAMPLES.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {"crawler.py", "log_compressor.py", "main.py"} <= {path.name for path in files}
    for path in files:
        assert "poolcompat" not in str(path.relative_to(EXAMPLES)).lower()
        assert b"poolcompat" not in path.read_bytes().lower(), path

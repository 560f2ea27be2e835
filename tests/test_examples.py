"""The programs in examples/ fail or hang by themselves, and finish with our help."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from poolcompat import TaskStopped, _stdlib, _threads

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


ORDERS_TAKEN = ["the shift is over, terminating the pool", "clerk: {0}", "board: {0}"]


def test_legacy_pool_never_ends_by_itself():
    """The program terminates its pool, and waits for threads that go on for ever."""
    assert_hangs_after("terminating the pool", LEGACY / "orders.py")


def test_legacy_pool_ends_when_told_to_escalate():
    """Both of its threads are stopped, or said to go on where nothing can stop them."""
    finished = repaired("--on-terminate", "escalate", LEGACY / "orders.py", "tea", "soup")
    outcome = "interrupted" if _threads.can_interrupt() else "abandoned"
    told = [line.format(TaskStopped(outcome)) for line in ORDERS_TAKEN]
    assert finished.stdout.splitlines() == [*told, "2 orders taken"]
    if outcome == "interrupted":
        assert finished.stderr == ""
    else:
        assert "TerminateWarning: terminate() cannot stop a running thread" in finished.stderr
        assert "__main__.clerk in thread" in finished.stderr
        assert "__main__.keep_up_to_date in thread" in finished.stderr


THREADS = "from poolcompat.futures import ThreadPoolExecutor, as_completed"
KILLABLE = (
    "from poolcompat.futures import KillableThreadPoolExecutor as ThreadPoolExecutor, as_completed"
)


def run_checks(*arguments):
    """Run the program whose checks hang; return what it says of each, and what on stderr."""
    finished = python(*arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    said = dict(line.split(": ", 1) for line in finished.stdout.splitlines()[:-1])
    assert sorted(said) == ["device", "disk", "server", "system"]
    assert "hangs" not in said["disk"] + said["system"]
    return said, finished.stdout.splitlines()[-1], finished.stderr


def test_hung_calls_are_left_behind_by_threads():
    """The warning tells where the threads are stuck, unless a signal can get them out of C."""
    said, verdict, warned = run_checks(EXAMPLES / "hung_calls.py", "--patience", "1")
    interrupted = _stdlib.SIGNALS_RAISE_EXCEPTIONS and _threads.can_interrupt()
    outcome = "interrupted" if interrupted else "abandoned"
    assert [said["server"], said["device"]] == [f"hangs; {TaskStopped(outcome)}"] * 2
    still = "no longer" if interrupted else "still"
    assert verdict == f"the check of the server is {still} connected"
    if interrupted:
        assert warned == ""
    else:
        assert "TerminateWarning: terminate() cannot stop a running thread; 2 tasks" in warned
        assert "connection.recv(100)" in warned
        assert "time.sleep(3600)" in warned


def test_hung_calls_are_killed_when_one_line_is_changed(tmp_path):
    """The line is that of the docstring; the other end of the connection sees the check die."""
    source = (EXAMPLES / "hung_calls.py").read_text(encoding="utf-8")
    assert f"\n\n    {KILLABLE}\n\n" in source
    before, line, after = source.partition(f"\n{THREADS}\n")
    assert line
    changed = tmp_path / "hung_calls.py"
    changed.write_text(f"{before}\n{KILLABLE}\n{after}", encoding="utf-8")
    said, verdict, warned = run_checks(changed, "--patience", "5")
    assert [said["server"], said["device"]] == [f"hangs; {TaskStopped('killed')}"] * 2
    assert verdict == "the check of the server is no longer connected"
    assert warned == ""


def test_examples_do_not_know_us():
    """No program that runs under `run` mentions poolcompat: they are programs of other people."""
    files = [
        path
        for path in sorted(EXAMPLES.rglob("*"))
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.name not in ("hung_calls.py", "three_engines.py")
    ]
    assert {"crawler.py", "log_compressor.py", "main.py", "orders.py"} <= {
        path.name for path in files
    }
    for path in files:
        assert "poolcompat" not in str(path.relative_to(EXAMPLES)).lower()
        assert b"poolcompat" not in path.read_bytes().lower(), path

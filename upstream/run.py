"""Compare the outcomes of CPython's own tests without us and with ``patch_all()``, test by test.

Run it with the interpreter to test, where poolcompat is installed; arguments are names of suites.
A difference that is not in ``differences.py``, and one that is there but does not occur, make the
exit status 1.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from typing import Any, Callable, Iterator, NamedTuple

from comparing import EXIT, Comparison, Outcomes
from differences import DIFFERENCES

import poolcompat


class Suite(NamedTuple):
    """Some of CPython's tests."""

    #: The module that has them.
    module: str
    #: What the names of their classes begin with: a regular expression.
    classes: str = ""


# What is tested -> the tests
SUITES = {
    "concurrent.futures.thread": Suite("test.test_concurrent_futures", "Future|ThreadPool"),
    "concurrent.futures.process": Suite("test.test_concurrent_futures", "ProcessPool"),
    # Those of pools of interpreters, which are not ours, and of all kinds of pools
    "concurrent.futures": Suite(
        "test.test_concurrent_futures", "(?!Future|ThreadPool|ProcessPool)"
    ),
    # What is built of the same things, and is not ours
    "threading": Suite("test.test_threading"),
    "_thread": Suite("test.test_thread"),
    "queue": Suite("test.test_queue"),
    "asyncio.base_events": Suite("test.test_asyncio.test_base_events"),
    "asyncio.threads": Suite("test.test_asyncio.test_threads"),
    # The module is ours, its classes are the interpreter's own.
    "multiprocessing.dummy": Suite("multiprocessing_threads"),
}
TIME_LIMIT = 1800  # seconds for one run: the alarm should that of side.py not go off
SIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "side.py")
LAUNCHERS = ([], ["-m", "poolcompat", "run"])  # without us, and with us


class Side:
    """The tests without us or with us."""

    def __init__(self, suite: Suite, launcher: list[str]) -> None:
        self.suite = suite
        self.launcher = launcher
        self.texts = {}  # name and outcome of a test -> its traceback, or all that was printed

    @contextlib.contextmanager
    def running(self, names: list[str]) -> Iterator[Callable[[], Outcomes]]:
        """Run the tests of these names, or all if there are none; what is given waits for them."""
        order = {"launcher": self.launcher, **self.suite._asdict(), "tests": names}
        command = [sys.executable, *self.launcher, SIDE, json.dumps(order)]
        with contextlib.ExitStack() as stack:
            # Tests write files of the same names into the working directory.
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            # No pipes: processes that a test leaves behind would keep them open.
            stdout = stack.enter_context(tempfile.TemporaryFile())
            stderr = stack.enter_context(tempfile.TemporaryFile())
            child = subprocess.Popen(
                command, stdout=stdout, stderr=stderr, cwd=folder, start_new_session=True
            )
            try:
                yield lambda: self._finish(names, child, stdout, stderr)
            finally:
                kill(child)

    def _finish(self, names: list[str], child: Any, stdout: Any, stderr: Any) -> Outcomes:
        status = child.wait(TIME_LIMIT)
        stdout.seek(0)
        stderr.seek(0)
        messages = stderr.read().decode("utf-8", "replace")
        lines = [json.loads(line) for line in stdout.read().decode("utf-8").splitlines()]
        if not lines and status:
            sys.exit(f"No test was run.\n{messages}")
        outcomes = {}
        if not names:
            lines.append((EXIT, f"status {status}", ""))
        for name, outcome, text in lines:
            outcomes[name] = outcome
            self.texts[name, outcome] = text or messages
        left = [name for name in outcomes if outcomes[name] == "not run"]
        if left and left != names:  # a test has ended the interpreter
            with self.running(left) as finish:
                outcomes.update(finish())
        return outcomes


def kill(child: subprocess.Popen) -> None:
    """Kill the child and, where processes have groups, those that its tests have left behind."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def listed() -> Outcomes:
    """Return the differences that are expected of this interpreter."""
    repairs = {row.name: row for row in poolcompat.repairs()}
    return {
        name: difference.outcome
        for name, difference in DIFFERENCES.items()
        if difference.is_here
        and (difference.repair is None or repairs[difference.repair].is_needed())
    }


def compare(suite: Suite) -> bool:
    """Run the tests on both sides, print what differs, and tell whether all of it is listed."""
    sides = [Side(suite, launcher) for launcher in LAUNCHERS]

    def run_both(names: list[str]) -> tuple[Outcomes, Outcomes]:
        with contextlib.ExitStack() as stack:
            children = [stack.enter_context(side.running(names)) for side in sides]
            theirs, ours = (finish() for finish in children)
        return theirs, ours

    verdicts = Comparison(run_both, listed()).verdicts()
    at_exit = verdicts.pop(EXIT)
    counts = Counter(verdict.kind for verdict in verdicts.values())
    kinds = ("same", "skipped", "as listed", "by chance", "not listed", "not as listed")
    told = [f"{counts[kind]} {kind}" for kind in kinds if counts[kind] or "not" not in kind]
    print(f"{len(verdicts)} tests: {', '.join(told)}")

    verdicts[EXIT] = at_exit
    for name, verdict in verdicts.items():
        if verdict.kind not in ("same", "skipped"):
            print(f"  {verdict.kind}: {name}: {verdict}")
        if verdict.is_wrong:
            different = {ours for theirs, ours in verdict.runs if ours != theirs}
            print(*(sides[1].texts.get((name, outcome), "") for outcome in sorted(different)))
    return not any(verdict.is_wrong for verdict in verdicts.values())


def is_as_listed(name: str) -> bool:
    """Compare the tests of this suite, where the interpreter has them, and tell the result."""
    suite = SUITES[name]
    try:
        importlib.import_module(suite.module)
    except (ImportError, unittest.SkipTest) as missing:
        print(f"{name}: this interpreter does not come with CPython's tests of it: {missing}")
        return True
    print(f"{name}: ", end="", flush=True)
    return compare(suite)


def main() -> int:
    suites = sys.argv[1:] or [*SUITES]
    if not SUITES.keys() >= {*suites}:
        sys.exit(f"The suites are {', '.join(SUITES)}")
    # What runs the tests has to be killed then as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Terminated"))
    print(platform.python_implementation(), platform.python_version(), flush=True)
    results = [is_as_listed(suite) for suite in suites]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

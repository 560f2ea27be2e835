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
from collections import Counter, defaultdict
from typing import Any, Callable, Iterator, NamedTuple

from differences import DIFFERENCES

import poolcompat


class Suite(NamedTuple):
    """Some of CPython's tests."""

    #: The module that has them.
    module: str
    #: Whether they are those of ``ProcessPoolExecutor``, or all others.
    of_process_pools: bool = False


# What is tested -> the tests
SUITES = {
    "concurrent.futures": Suite("test.test_concurrent_futures"),
    "concurrent.futures.process": Suite("test.test_concurrent_futures", of_process_pools=True),
    # The module is ours, its classes are the interpreter's own.
    "multiprocessing.dummy": Suite("multiprocessing_threads"),
}
REPEATS = 3
TIME_LIMIT = 1800  # seconds for one run: the alarm should that of side.py not go off
SIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "side.py")
LAUNCHERS = ([], ["-m", "poolcompat", "run"])  # without us, and with us
EXIT = "(exit of the interpreter)"


class Side:
    """The tests without us or with us, and what came of them in all runs."""

    def __init__(self, suite: Suite, launcher: list[str]) -> None:
        self.suite = suite
        self.launcher = launcher
        self.seen = defaultdict(Counter)  # name of a test -> outcome -> how often
        self.texts = {}

    @contextlib.contextmanager
    def running(self, names: list[str]) -> Iterator[Callable[[], dict[str, str]]]:
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

    def _finish(self, names: list[str], child: Any, stdout: Any, stderr: Any) -> dict[str, str]:
        status = child.wait(TIME_LIMIT)
        stdout.seek(0)
        stderr.seek(0)
        messages = stderr.read().decode("utf-8", "replace")
        lines = [json.loads(line) for line in stdout.read().decode("utf-8").splitlines()]
        if not lines:
            sys.exit(f"No test was run.\n{messages}")
        outcomes = {}
        for name, outcome, text in [*lines, (EXIT, f"status {status}", "")]:
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


def run_both(sides: list[Side], names: list[str]) -> list[str]:
    """Run the tests of these names, or all, at the same time, and return those that differ."""
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(side.running(names)) for side in sides]
        results = [finish() for finish in children]
    every = sorted(set().union(*results))
    for side, outcomes in zip(sides, results):
        for name in every:
            side.seen[name][outcomes.setdefault(name, "absent")] += 1
    return [name for name in every if len({outcomes[name] for outcomes in results}) > 1]


def complaints(without: Side, with_us: Side) -> list[str]:
    """Run everything, tell what comes of it, and return what is not as listed."""
    repairs = {row.name: row for row in poolcompat.repairs()}
    differing = run_both([without, with_us], [])
    listed = {
        name: difference
        for name, difference in DIFFERENCES.items()
        if name in without.seen
        and difference.is_here
        and (difference.repair is None or repairs[difference.repair].is_needed())
    }
    counts = sum((seen for name, seen in without.seen.items() if name != EXIT), Counter())
    print(f"{sum(counts.values())} tests, {len(differing)} differ; without us: {dict(counts)}")

    suspects = sorted({*differing, *listed})
    for _ in range(REPEATS if suspects else 0):
        run_both([without, with_us], [] if EXIT in suspects else suspects)
    wrong = []
    for name in sorted(without.seen):
        ours, theirs = with_us.seen[name], without.seen[name]
        # Once is chance.
        different = {outcome for outcome in ours if ours[outcome] > 1 and outcome not in theirs}
        told = f"{name}: {dict(theirs)} without us, {dict(ours)} with us"
        texts = (with_us.texts.get((name, outcome), "") for outcome in sorted(different))
        if name in listed and different == {listed[name].outcome}:
            print(f"as listed: {told} ({listed[name].repair or 'no repair'})")
        elif name in listed:
            told += f", {listed[name].outcome!r} is listed"
            wrong.append("\n".join([f"not as listed: {told}", *texts]))
        elif different:
            wrong.append("\n".join([f"not listed: {told}", *texts]))
        elif len({*ours, *theirs}) > 1:
            print(f"by chance: {told}")
    return wrong


def is_as_listed(name: str) -> bool:
    """Compare the tests of this suite, where the interpreter has them, and tell the result."""
    suite = SUITES[name]
    try:
        importlib.import_module(suite.module)
    except (ImportError, unittest.SkipTest) as missing:
        print(f"{name}: this interpreter does not come with CPython's tests of it: {missing}")
        return True
    print(f"{name}: ", end="")
    wrong = complaints(*(Side(suite, launcher) for launcher in LAUNCHERS))
    print("\n".join(wrong) if wrong else "every difference is listed")
    return not wrong


def main() -> int:
    suites = sys.argv[1:] or [*SUITES]
    if not SUITES.keys() >= {*suites}:
        sys.exit(f"The suites are {', '.join(SUITES)}")
    print(platform.python_implementation(), platform.python_version(), flush=True)
    results = [is_as_listed(suite) for suite in suites]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

"""One side of the comparison: run CPython's tests, and write every outcome as a line of JSON.

The argument is ``{"launcher": [...], "module": "...", "classes": "...", "tests": [...]}``: what to
put before the arguments of interpreters that tests start, the module that has the tests, a regular
expression for the names of their classes, and the names of the tests, of which none means all.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import re
import sys
import threading
import unittest
from typing import Any, Iterator

from test import support
from test.support import script_helper

TIME_LIMIT = 120  # seconds for one test: a deadlock alarm


def name_of(test: Any) -> str:
    """Return a name that does not depend on the module, which was split into a package in 3.12."""
    test = getattr(test, "test_case", test)  # of which this is a subtest
    method = getattr(test, "_testMethodName", None)
    return f"{type(test).__name__}.{method}" if method else str(test)


def each_test(suite: unittest.TestSuite) -> Iterator[Any]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each_test(test)
        else:
            yield test


class Result(unittest.TestResult):
    def __init__(self, write: Any) -> None:
        super().__init__()
        self.write = write
        self.threads = {*threading.enumerate()}
        self.outcome = ("ok", "")

    def startTest(self, test: Any) -> None:
        faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
        super().startTest(test)
        if self.outcome[0] != "ok":
            # The traceback held pools, whose threads would end during this test.
            gc.collect()
            for thread in {*threading.enumerate()} - self.threads:
                thread.join(1)
        self.outcome = ("ok", "")
        self.write(name_of(test), "ended the interpreter", "")  # unless another line follows

    def stopTest(self, test: Any) -> None:
        # A thread or a child process is left; a failure's traceback may hold a dead thread.
        if support.environment_altered and self.outcome[0] == "ok":
            self.outcome = ("ok, but left something behind", "")
        support.environment_altered = False
        self.write(name_of(test), *self.outcome)
        super().stopTest(test)

    def _came_out(self, test: Any, outcome: str, text: str) -> None:
        self.outcome = (outcome, text)
        self.write(name_of(test), outcome, text)  # what sets up a class or a module is not stopped

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self._came_out(test, "error", self.errors[-1][1])

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self._came_out(test, "failed", self.failures[-1][1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            (self.addFailure if is_failure else self.addError)(subtest, err)

    def addSkip(self, test: Any, reason: str) -> None:
        self._came_out(test, "skipped", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self._came_out(test, "failed as expected", "")

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._came_out(test, "unexpected success", "")


def launch_others(launcher: list[str]) -> None:
    """Have the interpreters that tests start launched so as well."""
    run = script_helper.run_python_until_end

    def run_launched(*args: str, **variables: str) -> Any:
        # First come options of the interpreter.
        count = 0
        while args[count].startswith("-") and args[count] not in ("-", "-c", "-m"):
            count += 2 if args[count] in ("-W", "-X") else 1
        return run(*args[:count], *launcher, *args[count:], **variables)

    script_helper.run_python_until_end = run_launched


def main() -> None:
    order = json.loads(sys.argv[1])
    # Tests print, and so do the processes that they start.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def write(name: str, outcome: str, text: str) -> None:
        print(json.dumps([name, outcome, text]), file=lines, flush=True)

    support.verbose = 0
    launch_others(order["launcher"])
    tests = [
        test
        for test in each_test(unittest.defaultTestLoader.loadTestsFromName(order["module"]))
        if re.match(order["classes"], name_of(test))
        and (not order["tests"] or name_of(test) in order["tests"])
    ]
    for test in tests:
        write(name_of(test), "not run", "")
    unittest.TestSuite(tests).run(Result(write))
    # The interpreter's exit waits for threads.
    faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
    if support.environment_altered:
        sys.exit("Threads or processes were left behind when the last test had ended")


if __name__ == "__main__":
    main()

"""Check that a test fails for each repair that is left out: ``python mutation/run.py [NAME...]``.

Run it with the interpreter to test, where poolcompat and what its tests need are installed.  Each
repair that this interpreter needs is skipped by ``POOLCOMPAT_SKIP``, as an operator would, and

* its own test, which provokes its defect, must fail;
* so must a test of behaviour behind the patched door that knows nothing of the table, once for each
  mechanism, since what shares one is skipped together.

Before that, the same tests must pass with nothing skipped.  The exit status is 1 where one does not
do what it must.
"""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
import sys
from collections import defaultdict
from typing import Iterable

import poolcompat

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: Seconds until one test counts as failed.  It passes with nothing skipped in the same time.
LIMIT = 10
OWN_TEST = "tests/test_repairs.py::test_the_defect_is_repaired[{}-patch]"
# These know, or show, what is patched.
OF_THE_TABLE = (
    "docs*",
    "doctor",
    "examples",
    "import",
    "patching*",
    "repairs",
    "run*",
    "verifying",
)
OTHER_TESTS = [
    *["-n", "auto", "--maxfail=10", "-k", "patch"],
    *[f"--ignore-glob=tests/test_{name}.py" for name in OF_THE_TABLE],
]
# pytest's exit status; any other means that it could not do its work
PASSED, FAILED, STOPPED_BY_MAXFAIL = 0, 1, 2


def failing(skip: str, arguments: Iterable[str]) -> list[str]:
    """Run tests without the repair *skip*, and return the names of those that fail."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no"]
    child = subprocess.run(
        [*command, f"--timeout={LIMIT}", *arguments],
        cwd=ROOT,
        env={**os.environ, "POOLCOMPAT_SKIP": skip},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )
    lines = child.stdout.splitlines()
    failed = [line.split(" ")[1] for line in lines if line.startswith("FAILED ")]
    as_expected = (FAILED, STOPPED_BY_MAXFAIL) if failed else (PASSED,)
    if child.returncode not in as_expected:
        sys.exit(f"pytest ended with {child.returncode}:\n{child.stdout}")
    return failed


def check_own_tests(names: list[str]) -> list[str]:
    """Return what is wrong with the tests that provoke these repairs' defects."""
    tests = {name: OWN_TEST.format(name) for name in names}
    wrong = [
        f"{test} fails with nothing skipped"
        for test in failing("", ["-n", "auto", *tests.values()])
    ]
    for name, test in tests.items():
        is_missed = bool(failing(name, [test]))
        print(f"{name}: {'missed' if is_missed else 'NOT MISSED'}")
        if not is_missed:
            wrong.append(f"{test} passes without {name}")
    return wrong


def check_other_tests(names: list[str]) -> list[str]:
    """Return what is wrong with the tests of behaviour: one of them must miss each mechanism."""
    rows = {row.name: row for row in poolcompat.repairs()}
    sharing = defaultdict(list)
    for name in names:
        # The door that these tests open applies the others only when they are named.
        if not rows[name].is_opt_in:
            sharing[rows[name].change].append(name)
    wrong = []
    for first, *others in sharing.values():
        failed = [test for test in failing(first, OTHER_TESTS) if "[patch" in test]
        by_chance = {*failing("", failed)} if failed else set()
        failed = [test for test in failed if test not in by_chance]
        print(f"{first} and {len(others)} more: missed by {(failed or ['NOTHING'])[0]}")
        if not failed:
            wrong.append(f"no test of behaviour fails without {first}")
    return wrong


def main() -> int:
    needed = [row.name for row in poolcompat.repairs() if row.is_needed()]
    names = sys.argv[1:] or needed
    if not {*names} <= {*needed}:
        sys.exit(f"The repairs that are needed here are {', '.join(needed)}")
    print(platform.python_implementation(), platform.python_version(), flush=True)
    wrong = check_own_tests(names) + check_other_tests(names)
    print("\n".join(wrong) if wrong else f"each of {len(names)} repairs is missed by its tests")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())

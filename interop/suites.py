"""Run the tests of other projects without us and with ``patch_all()``, and compare the outcomes.

Arguments are names of suites.  The tests come with the installed package or, if it has none, with
its source distribution of the same version, which pip downloads.  A difference that is there each
time makes the exit status 1.
"""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from typing import NamedTuple
from xml.etree import ElementTree

try:
    from importlib.metadata import PackageNotFoundError, version
except ImportError:  # 3.7
    from importlib_metadata import PackageNotFoundError, version

REPEATS = 2
TIME_LIMIT = 900  # seconds for one run: a deadlock alarm
SIDES = {"without us": [], "with us": ["-m", "poolcompat", "run"]}


class Suite(NamedTuple):
    """Some tests of a project, as pytest takes them."""

    arguments: tuple
    #: Whether they are in the source distribution only, relative to its top.
    is_in_source: bool = False


SUITES = {
    "dask": Suite(("--pyargs", "dask.tests.test_threaded", "dask.tests.test_local")),
    "gevent": Suite(("--pyargs", "gevent.tests.test__threadpool_executor_patched")),
    "joblib": Suite(("--pyargs", "joblib.test.test_parallel", "-k", "threading and not loky")),
    "loky": Suite(("tests/test_futures.py",), True),
    "pebble": Suite(("test/test_thread_pool.py", "test/test_concurrent_thread.py"), True),
    "s3transfer": Suite(
        ("tests/unit/test_futures.py", "tests/unit/test_tasks.py", "tests/unit/test_manager.py"),
        True,
    ),
    "tornado": Suite(
        (
            "--pyargs",
            *("tornado.test.concurrent_test", "tornado.test.ioloop_test"),
            *("tornado.test.asyncio_test", "tornado.test.gen_test"),
        )
    ),
}


def source_of(project, folder):
    """Download and unpack the source distribution; return its top folder."""
    wanted = f"{project}=={version(project)}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-binary", ":all:", "-d", folder, wanted]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (archive,) = pathlib.Path(folder).glob("*.tar.gz")
    with tarfile.open(str(archive)) as opened:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        opened.extractall(folder, **safely)
    (top,) = (path for path in pathlib.Path(folder).iterdir() if path.is_dir())
    return top


def start(suite, launcher, folder, report):
    command = [sys.executable, *launcher, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "-p", "no:xdist", f"--junitxml={report}", "--timeout=60"]
    command += ["-o", "junit_family=xunit1", *suite.arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POOLCOMPAT_")}
    return subprocess.Popen(
        command,
        cwd=str(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )


def outcomes_of(report):
    """Return the outcome and the text of each test in a file that pytest has written."""
    outcomes = {}
    for case in ElementTree.parse(str(report)).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        told = [child for child in case if child.tag in ("failure", "error", "skipped")]
        outcomes[name] = (told[0].tag, told[0].text or "") if told else ("passed", "")
    return outcomes


def run_both(suite, folder):
    """Run both sides, one after the other, and return the outcomes of each."""
    results = []
    for side, launcher in SIDES.items():
        report = pathlib.Path(folder) / "report.xml"
        child = start(suite, launcher, folder, report)
        try:
            printed, _ = child.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            printed, _ = child.communicate()
            sys.exit(f"{side} it takes longer than {TIME_LIMIT} s:\n{printed}")
        if not report.exists():
            sys.exit(f"{side} nothing was run:\n{printed}")
        results.append(outcomes_of(report))
        report.unlink()
    return results


def compare(project):
    """Compare the tests of one project; tell the result, and return whether it is the same."""
    suite = SUITES[project]
    with tempfile.TemporaryDirectory() as folder:
        where = source_of(project, folder) if suite.is_in_source else folder
        without, with_us = run_both(suite, where)
        names = sorted({*without, *with_us})
        absent = ("absent", "")

        def differing():
            outcomes = ((without.get(n, absent)[0], with_us.get(n, absent)[0]) for n in names)
            return {name for name, (one, other) in zip(names, outcomes) if one != other}

        different = seen = differing()
        texts = dict(with_us)
        for _ in range(REPEATS if different else 0):
            without, with_us = run_both(suite, where)
            different = different & differing()
    counts = Counter(outcome for outcome, _ in with_us.values())
    print(
        f"{project} {version(project)}: {len(names)} run, {len(names) - len(different)} same, "
        f"{len(different)} different; with us {dict(counts)}",
        flush=True,
    )
    for name in sorted(seen - different):
        print(f"  by chance: {name}")
    for name in sorted(different):
        print(f"  different: {name}, with us {texts.get(name, absent)}")
    return bool(names) and not different


def is_installed(project):
    try:
        version(project)
    except PackageNotFoundError:
        print(f"{project} is not installed")
        return False
    return True


def main():
    projects = sys.argv[1:] or [*SUITES]
    if not SUITES.keys() >= {*projects}:
        sys.exit(f"The suites are {', '.join(SUITES)}")
    print(platform.python_implementation(), platform.python_version(), flush=True)
    results = [compare(project) for project in projects if is_installed(project)]
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

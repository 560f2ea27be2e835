"""Which repairs a program and its processes have that ``poolcompat run`` starts."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys

import pytest

import poolcompat
from run_things import RUN, run, write

pytest_plugins = "run_fixtures"
pytestmark = pytest.mark.usefixtures("_directory")

# What is in force in this process, and whether terminate() warns of a running task
REPORT = """
import threading, warnings
from multiprocessing.pool import ThreadPool

import poolcompat

def hold(held, release):
    held.set()
    release.wait()

def report():
    held, release = threading.Event(), threading.Event()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pool = ThreadPool(1)
        pool.apply_async(hold, (held, release))
        held.wait()
        pool.terminate()
    release.set()
    warned = "TerminateWarning" in [warning.category.__name__ for warning in caught]
    return poolcompat.is_patched(), poolcompat.is_patched("timeout-inf"), warned
"""

FAMILY = (
    REPORT
    + """
import multiprocessing, sys

def tell(name):
    print(name, *report(), flush=True)

def start(target, *args):
    process = multiprocessing.Process(target=target, args=args)
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode

def parent():
    start(tell, "grandchild")
    tell("child")

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    start(parent)
    with multiprocessing.Pool(1) as pool:
        print("worker", *pool.apply(report))
    tell("main")
"""
)


def test_options_choose_the_repairs():
    """``--only``, ``--skip`` and ``--on-terminate`` decide, up to ``--`` or the program."""
    write("script.py", REPORT + "print(*report(), poolcompat.is_patched('map-input-error'))")
    for options, expected in [
        ([], "True True True True"),
        (["--"], "True True True True"),
        (["--skip", "timeout-inf"], "True False True True"),
        (["--skip=timeout-inf", "--skip", "map-input-error"], "True False True False"),
        (["--only", "timeout-inf", "--"], "True True False False"),
        (["--only=timeout-inf", "--only", "map-input-error"], "True True False True"),
        (["--on-terminate", "silent"], "True True False True"),
    ]:
        assert run(*RUN, *options, "script.py", "--skip", "x") == (0, expected + "\n", "")


def test_skip_variable(monkeypatch):
    """``POOLCOMPAT_SKIP=all`` runs the program with no repair at all."""
    monkeypatch.setenv("POOLCOMPAT_SKIP", "all")
    ended = run(*RUN, "-c", "import poolcompat; print(poolcompat.is_patched())")
    assert ended == (0, "False\n", "")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_of_multiprocessing(method):
    """Children, grandchildren and pool workers have the repairs and options of the command."""
    write("script.py", FAMILY)
    chosen = ["--skip", "timeout-inf", "--on-terminate", "silent"]
    for options, seen in [([], "True True True"), (chosen, "True False False")]:
        ended = run(*RUN, *options, "script.py", method)
        assert ended.out.splitlines() == [
            f"{name} {seen}" for name in ("grandchild", "child", "worker", "main")
        ]
        # PyPy may warn of semaphores that its garbage collector has not freed yet.
        assert "Traceback" not in ended.err
        assert ended.status == 0


def test_processes_after_a_change_of_directory(tmp_path, monkeypatch):
    """A child finds poolcompat even if only a relative ``PYTHONPATH`` led the parent to it."""
    package = os.path.dirname(poolcompat.__file__)
    shutil.copytree(
        package, "lib/poolcompat", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    monkeypatch.setenv("PYTHONPATH", "lib")
    write(
        "script.py",
        "import multiprocessing, os\n"
        "def child():\n"
        "  import poolcompat\n"
        "  print(poolcompat.is_patched(), os.path.abspath(poolcompat.__file__))\n"
        "if __name__ == '__main__':\n"
        "  os.mkdir('elsewhere')\n"
        "  os.chdir('elsewhere')\n"
        "  process = multiprocessing.get_context('spawn').Process(target=child)\n"
        "  process.start()\n"
        "  process.join()\n",
    )
    # -S: without the poolcompat that may be installed
    ended = run(sys.executable, "-S", "-m", "poolcompat", "run", "script.py")
    found = tmp_path / "lib" / "poolcompat" / "__init__.py"
    assert (ended.out, ended.err) == (f"True {found}\n", "")

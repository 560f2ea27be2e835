"""Programs that use a ``KillableThreadPoolExecutor``, and what becomes of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from conftest import DEADLOCK_S
from fresh import TESTS

BEGIN = """
import atexit, os, sys, threading
import killable_tasks, killable_things
from killable_tasks import add, hold, leave, say, wait_for_ever, hold
from poolcompat.futures import KillableThreadPoolExecutor
"""


def start(code, *options, **more):
    """Start a program."""
    return subprocess.Popen(
        [sys.executable, *options, "-c", BEGIN + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        cwd=str(TESTS),
        **more,
    )


def end_of(process):
    """Return the exit status, the output and what was said on stderr, when no process is left."""
    with process:
        try:
            said, errors = process.communicate(timeout=DEADLOCK_S)
        finally:
            process.kill()
    return process.returncode, said, errors

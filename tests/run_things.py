"""Programs that are run by ``python``, and by ``poolcompat run``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import NamedTuple

# A child that takes this long is deadlocked.
DEADLOCK_S = 60

PYTHON = (sys.executable,)

RUN = (sys.executable, "-m", "poolcompat", "run")

FAILING = """
def fail():
    try:
        {}["cause"]
    except KeyError as error:
        raise ValueError("failed") from error
fail()
"""


class Ended(NamedTuple):
    status: int
    out: str
    err: str


def write(path, source):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(source if isinstance(source, bytes) else source.encode("utf-8"))


def run(*command):
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLOCK_S,
    )
    return Ended(ended.returncode, readable(ended.stdout), readable(ended.stderr))


def readable(output):
    text = output.decode("utf-8", "backslashreplace").replace(os.linesep, "\n")
    return re.sub("0x[0-9a-fA-F]{6,}", "0x...", text)


def assert_same(*program, flags=(), run_it=RUN):
    """Run a program with and without us, and return how it ended both times."""
    python, *rest = run_it
    expected = run(*PYTHON, *flags, *program)
    assert run(python, *flags, *rest, *program) == expected
    return expected

"""Programs that need an interpreter of their own."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

from conftest import DEADLOCK_S

TESTS = pathlib.Path(__file__).parent


def run(code, *options, **environ):
    """Run *code* in a fresh interpreter, which must exit well and say nothing on stderr."""
    child = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=DEADLOCK_S,
        env={**os.environ, **environ},
        cwd=str(TESTS),
    )
    assert (child.returncode, child.stderr) == (0, "")
    return child.stdout

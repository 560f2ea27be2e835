"""Python processes that find the same modules as this one."""

from __future__ import annotations

import os
import subprocess
import sys

# They drop assertions, make errors of warnings, or keep a process that has ended
_MISLEADING_VARIABLES = ("PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS")
_MISLEADING_FLAGS = ("-O", "-W")


def child_command(call: str) -> list[str]:
    """Return the command that does *call*, ``"module:function"``, in a process of its own.

    What is appended to it are the arguments, all of them strings.  It may be run in any folder.
    """
    module, _, function = call.partition(":")
    path = [os.path.abspath(folder) for folder in sys.path]
    code = (
        f"import sys; sys.path[:] = {path!a}; "
        f"from {module} import {function}; {function}(*sys.argv[1:])"
    )
    return [sys.executable, *_flags(), "-c", code]


def child_environment() -> dict[str, str]:
    """Return the environment for such a process."""
    return {k: v for k, v in os.environ.items() if k not in _MISLEADING_VARIABLES}


def _flags() -> list[str]:
    """Return this interpreter's own options, as multiprocessing gives them to its processes."""
    flags = getattr(subprocess, "_args_from_interpreter_flags")()  # noqa: B009
    kept = [flag for flag in flags if not flag.startswith(_MISLEADING_FLAGS)]
    # Some defects depend on the number of CPUs that there are, whatever -X or PYTHON_CPU_COUNT
    # says since 3.13; of two such options the first holds.
    return ["-X", "cpu_count=default", *kept]

"""Write ``docs/doctor.svg``, a recording of ``poolcompat doctor --verify`` in a terminal.

``python docs/recording.py``, with the interpreter that is to be seen; needs rich, and POSIX.
"""

from __future__ import annotations

import io
import os
import pathlib
import pty
import subprocess
import sys

from rich.console import Console
from rich.text import Text

TARGET = pathlib.Path(__file__).with_name("doctor.svg")
ARGUMENTS = ["-m", "poolcompat", "doctor", "--verify"]


def record():
    """Return what the command prints on a terminal, its progress on standard error aside."""
    ours, theirs = pty.openpty()
    environ = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "POOLCOMPAT_SKIP")}
    environ["TERM"] = "xterm"
    child = subprocess.Popen(
        [sys.executable, *ARGUMENTS], stdout=theirs, stderr=subprocess.DEVNULL, env=environ
    )
    os.close(theirs)
    printed = b""
    try:
        while True:
            printed += os.read(ours, 4096)
    except OSError:  # Linux says so when nobody writes any more.
        pass
    if child.wait():
        sys.exit(f"exit status {child.returncode}\n{printed.decode()}")
    return printed.decode().replace("\r\n", "\n")


def main():
    """Draw it."""
    version = "{}.{}".format(*sys.version_info)
    printed = Text.from_ansi(f"$ python{version} {' '.join(ARGUMENTS)}\n{record()}")
    width = max(line.cell_len for line in printed.split())
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(printed)
    title = f"poolcompat on Python {version}"
    TARGET.write_text(console.export_svg(title=title, unique_id="doctor"), encoding="utf-8")


if __name__ == "__main__":
    main()

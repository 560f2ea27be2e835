"""Provokes the defect of one repair in a process of its own: ``python provoke.py NAME DOOR``.

It prints ``provoked`` before the step that shows the defect.  Where the defect is, it then hangs or
fails; where it is not, it exits with status 0.
"""

from __future__ import annotations

import importlib
import pathlib
import sys

from doors import PATCH, opened
from reproducer import REPRODUCERS

for path in sorted(pathlib.Path(__file__).parent.glob("defects_*.py")):
    importlib.import_module(path.stem)


def main(name, door):
    options = {"only": [name]} if door == PATCH else {}
    with opened(door, **options) as lib:
        REPRODUCERS[name](lib)


if __name__ == "__main__":
    main(*sys.argv[1:])

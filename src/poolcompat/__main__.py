"""``python -m poolcompat``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Nothing in the current directory may shadow what we import; the program will have its path.
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = __file__
    from ._cli import main

    _status = main()
    if _status:  # With none, a program that was run ends as the main program of this process does.
        sys.exit(_status)

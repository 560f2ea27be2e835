"""What ``poolcompat doctor`` has to say; it prints nothing."""

from __future__ import annotations

import platform
from typing import NamedTuple, Tuple

from . import __version__
from .monkey import Repair, repairs


class Finding(NamedTuple):
    """What holds for one repair on this interpreter."""

    repair: Repair
    #: Whether this interpreter has the defect.
    is_needed: bool

    @property
    def status(self) -> str:
        """What ``patch_all()`` does about it: nothing where it is ``native``.

        ``needed`` is repaired, and ``opt-in`` only when ``only=`` names it.
        """
        if not self.is_needed:
            return "native"
        return "opt-in" if self.repair.is_opt_in else "needed"


class Report(NamedTuple):
    """This interpreter and the table of repairs."""

    #: What was examined: our version, the interpreter and the system.
    subject: str
    #: One for each repair, in the order of the table.
    findings: Tuple[Finding, ...]


def examine() -> Report:
    """Look at this interpreter; nothing is patched."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    subject = f"poolcompat {__version__} on {python}, {platform.system()}"
    return Report(subject, tuple(Finding(row, row.is_needed()) for row in repairs()))

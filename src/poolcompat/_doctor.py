"""What ``poolcompat doctor`` has to say; it prints nothing."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional, Tuple

from . import __version__, monkey
from .monkey import Repair

if TYPE_CHECKING:
    from ._others import Stranger
    from ._private_names import Reading
    from ._verifying import Verified


class Finding(NamedTuple):
    """What holds for one repair on this interpreter."""

    repair: Repair
    #: Whether this interpreter has the defect.
    is_needed: bool
    #: Whether ``POOLCOMPAT_SKIP`` turns it off.
    is_skipped: bool
    #: What happened when the defect was provoked, if that was asked for.
    verified: Optional[Verified] = None

    @property
    def status(self) -> str:
        """What ``patch_all()`` does about it: nothing where it is ``native``.

        ``needed`` is repaired, ``opt-in`` only when ``only=`` names it, and ``skipped`` is not.
        """
        if not self.is_needed:
            return "native"
        if self.is_skipped:
            return "skipped"
        return "opt-in" if self.repair.is_opt_in else "needed"

    @property
    def is_bad(self) -> bool:
        """Whether the defect shows in spite of the repair."""
        return self.verified is not None and self.verified.repaired.is_bad


class Report(NamedTuple):
    """This interpreter and the table of repairs."""

    #: What was examined: our version, the interpreter and the system.
    subject: str
    #: One for each repair, in the order of the table.
    findings: Tuple[Finding, ...]
    #: What others have changed in the places that we change, or rest on.
    strangers: Tuple[Stranger, ...]
    #: What was found in a program, if one was given.
    reading: Optional[Reading] = None

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found that somebody has to look at."""
        uses = self.reading.uses if self.reading is not None else ()
        return not any(finding.is_bad for finding in self.findings) and all(
            use.status == "kept" for use in uses
        )


def examine(
    *,
    verify: bool = False,
    reading: Reading | None = None,
    on_progress: Callable[[int, str], None] = lambda done, name: None,
) -> Report:
    """Look at this interpreter; nothing is patched.

    Args:
        verify: Whether to provoke the defects, which takes about a minute.
        reading: What was found in a program.
        on_progress: Called with the number of defects that have been provoked, and the last one.
    """
    from ._others import changed_by_others

    strangers = changed_by_others()
    rows = monkey.repairs()
    skipped = monkey.skipped_by_operator()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    subject = f"poolcompat {__version__} on {python}, {platform.system()}"
    verified = {}
    if verify:
        from ._verifying import verify as provoke

        verified = provoke(rows, skipped, on_progress)
    findings = (
        Finding(row, row.is_needed(), row in skipped, verified.get(row.name)) for row in rows
    )
    return Report(subject, tuple(findings), strangers, reading)

"""The report of ``poolcompat doctor`` as text and as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Callable

from ._doctor import Finding, Report

_COLOURS = {"ok": "32", "wrong": "33", "hangs": "31"}


def as_json(report: Report) -> str:
    """Return the report for machines."""
    reading = report.reading
    content = {
        "subject": report.subject,
        "healthy": report.is_healthy,
        "repairs": [_fields(finding) for finding in report.findings],
        "changed_by_others": [stranger._asdict() for stranger in report.strangers],
        "program": None
        if reading is None
        else {
            "private_names": [use._asdict() for use in reading.uses],
            "unread": [one._asdict() for one in reading.unread],
        },
    }
    return json.dumps(content, indent=2)


def _fields(finding: Finding) -> dict[str, object]:
    row = finding.repair
    fields: dict[str, object] = {
        "name": row.name,
        "wrong": row.wrong,
        "issue": row.issue or None,
        "native_since": row.native_since,
        "status": finding.status,
    }
    if finding.verified is not None:
        fields["without"] = finding.verified.without._asdict()
        fields["with"] = finding.verified.repaired._asdict()
    return fields


def as_text(report: Report, is_colourful: bool) -> str:
    """Return the report for people."""
    if any(finding.verified for finding in report.findings):
        table = ["", *_verified(report, is_colourful)]
    else:
        # Whoever asks about a program does not ask about the interpreter.
        table = ["", *_listed(report)] if report.reading is None else []
    return "\n".join([report.subject, *table, *_others(report), *_read(report)])


def _listed(report: Report) -> list[str]:
    width = max(len(finding.repair.name) for finding in report.findings)
    lines = []
    for finding in report.findings:
        row = finding.repair
        head = f"{row.name:{width}}  {finding.status:7}  {_when(finding):11}  {row.issue}"
        lines.append(head.rstrip())
        lines.append(f"{'':{width}}  {row.wrong}")
    return lines


def _when(finding: Finding) -> str:
    """Return since when or until when; some defects are younger than this interpreter."""
    native_since = finding.repair.native_since
    if native_since is None:
        return ""
    if finding.is_needed:
        return f"until {native_since}"
    is_older = sys.version_info < tuple(map(int, native_since.split(".")))
    return "" if is_older else f"since {native_since}"


def _verified(report: Report, is_colourful: bool) -> list[str]:
    width = max(len(finding.repair.name) for finding in report.findings)

    def cell(result: str) -> str:
        colour = _COLOURS.get(result)
        text = f"{result:7}"
        return f"\033[{colour}m{text}\033[0m" if is_colourful and colour else text

    lines = [f"{'repair':{width}}  without  with     CPython"]
    for finding in report.findings:
        row, verified = finding.repair, finding.verified
        assert verified is not None
        without, repaired = verified.without.result, verified.repaired.result
        lines.append(f"{row.name:{width}}  {cell(without)}  {cell(repaired)}  {row.issue}".rstrip())
        if finding.is_bad or repaired == "n/a":
            lines.append(f"  {verified.repaired.detail}".rstrip())
    return [*lines, "", *_summary(report)]


def _summary(report: Report) -> list[str]:
    results = [finding.verified.without.result for finding in report.findings if finding.verified]
    bad = [finding.repair.name for finding in report.findings if finding.is_bad]
    hang, wrong = (results.count(result) for result in ("hangs", "wrong"))
    without = f"Without poolcompat {hang} of {len(results)} hang and {wrong} go wrong."
    return [without, f"With it: {', '.join(bad)}." if bad else "With it, none does."]


def _others(report: Report) -> list[str]:
    if not report.strangers:
        return []
    width = max(len(stranger.place) for stranger in report.strangers)
    lines = ["", "Changed by others as well:"]
    return lines + [f"  {one.place:{width}}  {one.by}" for one in report.strangers]


def _read(report: Report) -> list[str]:
    reading = report.reading
    if reading is None:
        return []
    lines = ["", "Private names that the program uses:"]
    for use in reading.uses:
        lines.append(f"  {use.file}:{use.line}: {use.name}: {use.status}")
        if use.note:
            lines.append(f"    {use.note}")
    if not reading.uses:
        lines.append("  none")
    if reading.unread:
        lines += ["", "Could not be read:"]
        lines += [f"  {one.name}: {one.reason}" for one in reading.unread]
    return lines


def is_colourful(stream: IO[str] | None) -> bool:
    """Tell whether colours can be shown there, and are wanted; see https://no-color.org."""
    return (
        stream is not None
        and stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
        and (sys.platform != "win32" or "WT_SESSION" in os.environ)
    )


def progress(stream: IO[str] | None, total: int) -> Callable[[int, str], None]:
    """Return what shows, in one line of a terminal, how many of *total* are done; else nothing."""

    def show(done: int, name: str) -> None:
        line = f"{done} of {total} provoked: {name}" if done < total else ""
        print(f"\r\033[K{line}", end="", file=stream, flush=True)

    return show if stream is not None and stream.isatty() else lambda done, name: None

"""Every program in the pages on stopping and killing prints what the page says that it prints."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from poolcompat import _threads
from test_examples import ALARM, child_environment

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["docs/stopping.md", "docs/killing.md", "README.md"]

# What comes after "needs" where a program begins
CAPABILITIES = {
    "asynchronous exceptions": _threads.can_interrupt(),
    "signals to threads": hasattr(signal, "pthread_kill"),
}

PROGRAM = re.compile(
    r"^```python(?: needs (?P<needs>[^\n]+))?\n(?P<source>.*?)^```\n"
    r"(?:\n^```text\n(?P<prints>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
# What differs from run to run
DURATION = re.compile(r"\b\d+\.\d s\b")


class Program(NamedTuple):
    place: str
    source: str
    prints: str | None
    needs: list


def programs_of(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in PROGRAM.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        needs = match.group("needs")
        yield Program(
            f"{page}:{line}",
            match.group("source"),
            match.group("prints"),
            needs.split(" and ") if needs else [],
        )


# The other blocks are excerpts of programs that are tested where they are.
PROGRAMS = [
    program for page in PAGES for program in programs_of(page) if program.prints is not None
]


def test_the_pages_have_programs_and_name_known_capabilities():
    """A program that nobody runs, or that is skipped for a misspelt reason, is found here."""
    assert {program.place.partition(":")[0] for program in PROGRAMS} == set(PAGES)
    assert all(p.prints is not None for page in PAGES[:2] for p in programs_of(page))
    blocks = sum((ROOT / page).read_text(encoding="utf-8").count("```text") for page in PAGES)
    assert blocks == len(PROGRAMS)
    assert {name for program in PROGRAMS for name in program.needs} <= set(CAPABILITIES)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.place)
def test_a_program_prints_what_the_page_says(program, tmp_path):
    """Warnings and tracebacks count as well; how long something took does not."""
    for name in program.needs:
        if not CAPABILITIES[name]:
            pytest.skip(f"needs {name}")
    path = tmp_path / "program.py"
    path.write_text(program.source, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-u", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=child_environment(),
        timeout=ALARM,
    )
    printed = finished.stdout.replace(str(path), path.name)
    assert DURATION.sub("0.0 s", printed) == DURATION.sub("0.0 s", program.prints)
    assert finished.returncode == 0

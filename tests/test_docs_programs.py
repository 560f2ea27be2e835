"""Every program in the documentation prints what its page says that it prints.

A block of ``python`` and the block of ``text`` below it are a program and what it prints.  Blocks
whose first line is ``# name.py`` are files; the block of ``console`` below them has commands that
are run beside them, with what these print.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from poolcompat import _threads
from test_examples import ALARM, child_environment

ROOT = Path(__file__).resolve().parent.parent
# Their programs need other libraries.
WITH_LIBRARIES = {"interop.md", "one-machine.md"}
DOCS = sorted(page.name for page in (ROOT / "docs").glob("*.md"))
PAGES = ["README.md"] + [f"docs/{name}" for name in DOCS if name not in WITH_LIBRARIES]

# What comes after "needs" where a program begins
CAPABILITIES = {
    "asynchronous exceptions": _threads.can_interrupt(),
    "signals to threads": hasattr(signal, "pthread_kill"),
}

BLOCK = re.compile(
    r"^```(?P<language>python|text|console)(?: needs (?P<needs>[^\n]+))?\n(?P<body>.*?)^```\n",
    re.DOTALL | re.MULTILINE,
)
FILE = re.compile(r"# (\w+\.py)\n")
# What differs from run to run
DURATION = re.compile(r"\b\d+\.\d+ ?s\b")


class Program(NamedTuple):
    place: str
    needs: list
    files: dict
    # The arguments of each call of python, and what it prints; none if this is an excerpt
    runs: list


def runs_of(session):
    runs = []
    for line in session.splitlines(True):
        if line.startswith("$ python "):
            runs.append((shlex.split(line)[2:], ""))
        else:
            arguments, prints = runs.pop()
            runs.append((arguments, prints + line))
    return runs


def programs_of(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    program, files = None, {}
    for block in BLOCK.finditer(text):
        body, name = block.group("body"), FILE.match(block.group("body"))
        needs = (block.group("needs") or "").split(" and ")
        place = "{}:{}".format(page, text.count("\n", 0, block.start()) + 2)
        if block.group("language") == "python" and name:
            files[name.group(1)] = body
        elif block.group("language") == "python":
            program = Program(place, list(filter(None, needs)), {"program.py": body}, [])
            yield program
        elif block.group("language") == "text":
            assert not program.runs, f"{place}: of no program"
            program.runs.append((["-u", "program.py"], body))
        elif files:
            yield Program(place, list(filter(None, needs)), files, runs_of(body))
            files = {}
    assert not files, f"{page}: nothing runs {', '.join(files)}"


ALL = [program for page in PAGES for program in programs_of(page)]
PROGRAMS = [program for program in ALL if program.runs]


def test_all_programs_are_run_and_name_known_capabilities():
    """A program that nobody runs, or that is skipped for a misspelt reason, is found here."""
    excerpts = {program.place.partition(":")[0] for program in ALL if not program.runs}
    assert excerpts == {"README.md"}, "only its excerpts are of programs that are tested elsewhere"
    assert {name for program in PROGRAMS for name in program.needs} <= set(CAPABILITIES)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.place)
def test_a_program_prints_what_the_page_says(program, tmp_path):
    """Warnings and tracebacks count as well; how long something took does not."""
    for name in program.needs:
        if not CAPABILITIES[name]:
            pytest.skip(f"needs {name}")
    for name, source in program.files.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    for arguments, prints in program.runs:
        finished = subprocess.run(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env=child_environment(PYTEST_ADDOPTS="", COLUMNS="80"),
            timeout=ALARM,
        )
        printed = finished.stdout.replace(str(tmp_path) + os.sep, "")
        assert DURATION.sub("0.0 s", printed) == DURATION.sub("0.0 s", prints)
        assert finished.returncode == 0

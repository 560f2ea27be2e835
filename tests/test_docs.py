"""The documentation of the table and of the public names is complete."""

from __future__ import annotations

import html
import importlib
import os
import pathlib
import platform
import re
import sys

import pytest

from poolcompat import repairs
from poolcompat._doctor import examine

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
MARKS = {"needed": "✓", "opt-in": "opt-in", "native": ""}


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="the page is of systems with CPU affinity"
)
def test_the_page_of_repairs_tells_what_this_interpreter_tells():
    """Each row stands there, with what the table says of this interpreter, and the count."""
    lines = (DOCS / "repairs.md").read_text(encoding="utf-8").splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    prefix = "pypy" if platform.python_implementation() == "PyPy" else ""
    column = table[0].index(prefix + "{}.{}".format(*sys.version_info))
    findings = examine().findings

    expected = [[f"`{f.repair.name}`", f.repair.wrong, MARKS[f.status]] for f in findings]
    assert [[row[0], row[1], row[column]] for row in table[2:-1]] == expected
    assert table[-1][column] == str(sum(f.status != "native" for f in findings))


@pytest.mark.parametrize("name", ["poolcompat", "futures", "pool", "stopping"])
def test_the_reference_has_all_public_names(name):
    """Each stands in the page of its module."""
    package = "poolcompat" if name == "poolcompat" else f"poolcompat.{name}"
    page = (DOCS / "api" / f"{name}.md").read_text(encoding="utf-8")
    public = importlib.import_module(package).__all__
    assert sorted(set(public) - set(re.findall(r"\w+", page))) == []


def test_the_links_of_the_readme_lead_somewhere():
    """Those of the pages in docs/ are checked when the site is built."""
    page = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page)
    assert links
    assert [link for link in links if not (DOCS.parent / link).exists()] == []


def recorded():
    """Return the lines of the recording, without colours."""
    texts = re.findall(
        r'<text [^>]*y="([\d.]+)"[^>]*>(.*?)</text>',
        (DOCS / "doctor.svg").read_text(encoding="utf-8"),
    )
    lines = {}
    for height, text in texts:
        lines[height] = lines.get(height, "") + html.unescape(text).replace("\xa0", " ")
    return [line.split() for line in lines.values()]


def test_the_recording_of_the_doctor_has_all_repairs():
    """So it is made again when one is added."""
    names = [row.name for row in repairs()]
    assert [line[0] for line in recorded() if line[-1:] and line[0] in names] == names


@pytest.mark.parametrize("page", ["README.md", "docs/doctor.md"])
def test_an_excerpt_of_the_recording(page):
    """Each line of it stands in the recording."""
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    _, _, excerpt = text.partition("poolcompat doctor --verify\n")
    lines = [line.split() for line in excerpt.partition("```")[0].splitlines()]
    lines = [line for line in lines if line not in ([], ["…"])]
    assert len(lines) > 5
    assert [line for line in lines if line not in recorded()] == []

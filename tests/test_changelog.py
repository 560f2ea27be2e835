"""The changelog is that of this version."""

from __future__ import annotations

import pathlib
import re

import poolcompat

CHANGELOG = pathlib.Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def test_the_newest_heading_is_the_version():
    """Below what is not released yet; its date is set when it is released."""
    lines = CHANGELOG.read_text(encoding="utf-8").splitlines()
    headings = [line for line in lines if line.startswith("## ") and line != "## Unreleased"]
    version = re.escape(poolcompat.__version__)
    assert re.fullmatch(rf"## {version} - (unreleased|\d{{4}}-\d\d-\d\d)", headings[0])

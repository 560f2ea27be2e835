"""What the tests of ``poolcompat run`` share; a plugin, so nothing imports it."""

from __future__ import annotations

import pytest


@pytest.fixture
def _directory(tmp_path, monkeypatch):
    """Programs and their files are in a directory of their own, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("POOLCOMPAT_SKIP", "PYTHONSAFEPATH"):
        monkeypatch.delenv(name, raising=False)

"""``concurrent.futures.process``: the module that has ``BrokenProcessPool``."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

from ._process import ProcessPoolExecutor

__all__ = ["BrokenProcessPool", "ProcessPoolExecutor"]

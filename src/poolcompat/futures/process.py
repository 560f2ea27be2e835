"""``concurrent.futures.process``: the module that has ``BrokenProcessPool``."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

__all__ = ["BrokenProcessPool", "ProcessPoolExecutor"]

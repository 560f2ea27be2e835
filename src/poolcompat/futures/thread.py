"""``concurrent.futures.thread``: the module that has ``BrokenThreadPool``."""

from __future__ import annotations

from concurrent.futures.thread import BrokenThreadPool

from ._thread import ThreadPoolExecutor

__all__ = ["BrokenThreadPool", "ThreadPoolExecutor"]

"""The one table of repairs: what ``patch_all()`` applies, and what is told of it."""

from __future__ import annotations

from . import _rows_executor, _rows_futures, _rows_pool, _rows_processes
from ._repair import Repair

TABLE: tuple[Repair, ...] = (
    *_rows_futures.ROWS,
    *_rows_executor.ROWS,
    *_rows_pool.ROWS,
    *_rows_processes.ROWS,
)

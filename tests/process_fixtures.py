"""What the tests of ``ProcessPoolExecutor`` share; a plugin, so nothing imports it."""

from __future__ import annotations

import multiprocessing

import pytest

from process_tasks import CHEAPEST


@pytest.fixture
def make_pool(lib):
    """Make executors behind either door, whose processes are killed when the test ends."""
    made = []

    def make_pool(max_workers=1, method=CHEAPEST, **options):
        context = multiprocessing.get_context(method)
        made.append(lib.futures.ProcessPoolExecutor(max_workers, context, **options))
        return made[-1]

    yield make_pool
    for executor in made:
        executor.kill_workers()
        executor.shutdown()

"""What the tests of ``KillableThreadPoolExecutor`` share; a plugin, so nothing imports it."""

from __future__ import annotations

import pytest

from poolcompat.futures import KillableThreadPoolExecutor
from stage import Stage


@pytest.fixture
def stage():
    with Stage() as stage:
        yield stage


@pytest.fixture
def make():
    """Make executors, which are killed when the test ends."""
    made = []

    def make(*args, **kwargs):
        made.append(KillableThreadPoolExecutor(*args, **kwargs))
        return made[-1]

    yield make
    for executor in made:
        executor.shutdown(wait=False, cancel_futures=True)
        executor.kill_workers()

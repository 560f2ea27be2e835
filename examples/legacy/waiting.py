"""The ways of waiting for reports that the rest of the program shares."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, as_completed, wait
from functools import partial

first_done = partial(wait, return_when=FIRST_COMPLETED)
as_they_finish = partial(as_completed, timeout=8 * 60 * 60)  # the length of a night


def collect(futures, _wait=wait):
    """Wait for all the futures; return the results of those that were not withdrawn."""
    done, _ = _wait(futures)
    return sorted(future.result() for future in done if not future.cancelled())

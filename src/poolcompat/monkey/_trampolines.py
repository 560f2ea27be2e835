"""Functions whose code takes the place of the code of a function of the standard library.

Each runs with the globals of the function that it replaces, so it imports what it calls; and its
default values are those of that function.
"""

from __future__ import annotations

from typing import Any


def as_completed(fs: Any, timeout: Any = None) -> Any:
    from poolcompat.futures._waiting import as_completed

    return as_completed(fs, timeout)


def wait(fs: Any, timeout: Any = None, return_when: Any = "ALL_COMPLETED") -> Any:
    from poolcompat.futures._waiting import wait

    return wait(fs, timeout, return_when)


def submit(*args: Any, **kwargs: Any) -> Any:
    from poolcompat.futures._thread import ThreadPoolExecutor

    return ThreadPoolExecutor.submit(*args, **kwargs)


def get_preparation_data(name: Any) -> Any:
    from poolcompat.monkey._children import get_preparation_data

    return get_preparation_data(name)

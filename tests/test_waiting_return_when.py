"""When ``wait()`` returns, and what, behind both doors."""

from __future__ import annotations

import concurrent.futures
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION

import pytest

from conftest import DEADLOCK_S
from waited_for import cancelled, finished, in_thread, watched_future


def failed(lib):
    future = lib.futures.Future()
    future.set_exception(KeyError())
    return future


@pytest.mark.parametrize("return_when", [FIRST_COMPLETED, FIRST_EXCEPTION])
def test_wait_leaves_nothing_on_the_futures(lib, return_when):
    """After wait() the futures have no callback and no waiter of ours, done or not."""
    future, begun = watched_future(lib)
    other = lib.futures.Future()
    result = in_thread(lambda: lib.futures.wait([future, other], return_when=return_when))
    assert begun.wait(DEADLOCK_S)

    future.set_exception(KeyError())

    assert result() == ({future}, {other})
    assert [f._done_callbacks + f._waiters for f in (future, other)] == [[], []]
    assert not any(getattr(f, "_poolcompat_watchers", None) for f in (future, other))


def test_an_unknown_return_condition_is_refused(lib):
    """return_when must be one of the three constants, even when nothing is to be waited for."""
    with pytest.raises(ValueError, match="Invalid return condition: 'SOON'"):
        lib.futures.wait([], return_when="SOON")


@pytest.mark.parametrize("timeout", [0, -1])
def test_wait_without_time_only_looks(lib, timeout):
    """No time, or less, is not an error: wait() tells what is done."""
    futures = [finished(lib), failed(lib), cancelled(lib), lib.futures.Future()]

    done, not_done = lib.futures.wait(iter(futures), timeout=timeout)

    assert (done, not_done) == (set(futures[:3]), {futures[3]})


@pytest.mark.parametrize(
    ("make", "return_when", "returns"),
    [
        (finished, FIRST_COMPLETED, True),
        (cancelled, FIRST_COMPLETED, True),
        (finished, FIRST_EXCEPTION, False),
        (cancelled, FIRST_EXCEPTION, False),
        (failed, FIRST_EXCEPTION, True),
        (failed, concurrent.futures.ALL_COMPLETED, False),
    ],
)
def test_return_when_with_a_future_that_is_done_before(lib, make, return_when, returns):
    """wait() returns without waiting exactly when the condition already holds."""
    future, begun = watched_future(lib)

    lib.futures.wait([make(lib), future], timeout=0, return_when=return_when)

    assert begun.is_set() is not returns


@pytest.mark.parametrize(
    ("complete", "return_when", "enough"),
    [
        (lambda future: future.set_result(None), FIRST_COMPLETED, 1),
        (lambda future: future.cancel(), FIRST_COMPLETED, 1),
        (lambda future: future.set_exception(KeyError()), FIRST_EXCEPTION, 1),
        (lambda future: future.set_result(None), FIRST_EXCEPTION, 2),
        (lambda future: future.cancel(), FIRST_EXCEPTION, 2),
        (lambda future: future.set_exception(KeyError()), concurrent.futures.ALL_COMPLETED, 2),
    ],
)
def test_return_when_with_futures_that_end_later(lib, complete, return_when, enough):
    """wait() returns as soon as the condition holds, and not before."""
    futures, begun = zip(*(watched_future(lib) for _ in range(2)))
    result = in_thread(lambda: lib.futures.wait(futures, return_when=return_when))
    assert all(event.wait(DEADLOCK_S) for event in begun)

    for future in futures[:enough]:
        complete(future)

    assert result() == (set(futures[:enough]), set(futures[enough:]))

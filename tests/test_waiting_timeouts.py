"""``as_completed()`` and ``wait()`` when their time is over, behind both doors."""

from __future__ import annotations

import signal
import threading
import time

import pytest

TIMEOUT_S = 0.2
# Each round is a chance for the time to be over at the worst moment.
ROUNDS = 20_000


def wait(lib, future, timeout):
    """Wait in vain with ``wait()``."""
    assert lib.futures.wait([future], timeout).not_done == {future}


def as_completed(lib, future, timeout):
    """Wait in vain with ``as_completed()``."""
    with pytest.raises(TimeoutError, match=r"^1 \(of 1\) futures unfinished$"):
        next(lib.futures.as_completed([future], timeout))


@pytest.fixture(params=[wait, as_completed])
def waiting(request):
    return request.param


@pytest.mark.skipif(
    not hasattr(signal, "pthread_kill")
    or threading.current_thread() is not threading.main_thread(),
    reason="needs a signal that comes while the main thread, which handles it, waits",
)
def test_time_that_is_over_before_a_signal_handler_returns_is_over(lib, waiting):
    """Until 3.13 ``SimpleQueue.get(timeout=)`` waits for ever then."""
    future = lib.futures.Future()
    seen = []

    def handler(*_):
        seen.append(None)
        while time.monotonic() < late:
            pass

    main = threading.main_thread().ident
    # Halfway, when it waits
    timer = threading.Timer(TIMEOUT_S / 2, signal.pthread_kill, (main, signal.SIGUSR1))
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        timer.start()
        late = time.monotonic() + 2 * TIMEOUT_S
        waiting(lib, future, TIMEOUT_S)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [None]


@pytest.mark.parametrize("timeout", [0, 1e-9])
def test_no_time_at_all_is_over_at_once(lib, waiting, timeout):
    """Until 3.13 the same happens here, once in some 10 000 times."""
    future = lib.futures.Future()
    for _ in range(ROUNDS):
        waiting(lib, future, timeout)

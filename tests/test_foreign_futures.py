"""What gevent's own executor makes: no ``Future``, but as the standard library waits for one."""

from __future__ import annotations

import threading

import pytest

from conftest import DEADLOCK_S


class Foreign:
    """Has what the standard library's waiting functions use, and no ``_done_callbacks``."""

    _exception = None

    def __init__(self):
        self._condition = threading.Condition()
        self._waiters = []
        self._state = "RUNNING"

    def finish(self):
        with self._condition:
            self._state = "FINISHED"
            for waiter in self._waiters:
                waiter.add_result(self)


def test_waiting_for_it(lib):
    """Whoever waits is woken when it is done."""
    future, results = Foreign(), []
    waiting = [
        threading.Thread(target=lambda: results.append(lib.futures.wait([future], DEADLOCK_S))),
        threading.Thread(
            target=lambda: results.append(list(lib.futures.as_completed([future], DEADLOCK_S)))
        ),
    ]
    for thread in waiting:
        thread.start()
    while len(future._waiters) < 2:
        threading.Event().wait(0.001)
    future.finish()
    for thread in waiting:
        thread.join(DEADLOCK_S)
    assert [future] in results
    assert ({future}, set()) in results
    assert future._waiters == []


def test_in_vain(lib):
    """Nothing is left on it by those who go."""
    future = Foreign()
    assert lib.futures.wait([future], 0).not_done == {future}
    with pytest.raises(lib.futures.TimeoutError):
        list(lib.futures.as_completed([future], 0.01))
    assert future._waiters == []

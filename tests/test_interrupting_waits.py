"""Exceptions raised in threads that wait: who is woken, and what is left."""

from __future__ import annotations

import concurrent.futures
import queue
import threading

import pytest

import poolcompat.futures
from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat import _places, _threads
from targets import Hit, hit, start

pytestmark = needs_interrupts


class Parked:
    """The objects that threads wait for here."""

    def __init__(self):
        self.event = threading.Event()
        self.queue = queue.Queue()
        self.full = queue.Queue(1)
        self.full.put(None)
        self.semaphore = threading.Semaphore(0)
        self.barrier = threading.Barrier(2)
        self.condition = threading.Condition()
        self.plain = threading.Condition(threading.Lock())
        self.future = concurrent.futures.Future()
        self.ours = poolcompat.futures.Future()

    def wait_for_condition(self, condition, timeout=None):
        with condition:
            condition.wait(timeout)


WAITS = {
    "Event.wait": lambda parked: parked.event.wait(),
    "Event.wait with a timeout": lambda parked: parked.event.wait(10 * DEADLOCK_S),
    "Queue.get": lambda parked: parked.queue.get(),
    "Queue.put": lambda parked: parked.full.put(None),
    "Semaphore.acquire": lambda parked: parked.semaphore.acquire(),
    "Barrier.wait": lambda parked: parked.barrier.wait(),
    "Condition.wait": lambda parked: parked.wait_for_condition(parked.condition),
    "Condition.wait, plain lock": lambda parked: parked.wait_for_condition(parked.plain),
    "Condition.wait_for": lambda parked: parked.wait_for_condition(parked.condition),
    "Future.result": lambda parked: parked.future.result(),
    "Future.result of ours": lambda parked: parked.ours.result(),
    "wait": lambda parked: concurrent.futures.wait([parked.future]),
    "wait of ours": lambda parked: poolcompat.futures.wait([parked.ours]),
    "wait of ours with a timeout": lambda parked: poolcompat.futures.wait(
        [parked.ours], 10 * DEADLOCK_S
    ),
    "as_completed of ours": lambda parked: list(poolcompat.futures.as_completed([parked.ours])),
}


def conditions_of(parked):
    return [
        parked.event._cond,
        parked.queue.not_empty,
        parked.full.not_full,
        parked.semaphore._cond,
        parked.barrier._cond,
        parked.condition,
        parked.plain,
        parked.future._condition,
        parked.ours._condition,
    ]


@pytest.mark.parametrize("wait", WAITS)
def test_parked_threads_are_woken(wait):
    """The exception is raised in the wait, and nothing of the waiter is left."""
    parked = Parked()
    thread = start(lambda: WAITS[wait](parked))

    hit(thread)

    assert isinstance(thread.error, Hit)
    for condition in conditions_of(parked):
        assert not condition._waiters
        assert condition.acquire(False)
        condition.release()
    assert not parked.ours._poolcompat_watchers
    assert not parked.future._done_callbacks


def wait_until_parked(thread):
    """Return the frame in which a thread waits for a condition."""
    while True:
        frame = _threads.frame_of(thread)
        if frame is not None and _places.is_parked(_places.place_of(frame)):
            return frame


def test_other_waiters_are_left_alone():
    """They stay on the condition and get their notification."""
    condition = threading.Condition()
    parked = Parked()
    threads = [start(lambda: parked.wait_for_condition(condition)) for _ in range(3)]
    for thread in threads:
        wait_until_parked(thread)
    while len(condition._waiters) < 3:
        pass
    hit(threads[1])
    assert len(condition._waiters) == 2
    for _ in range(2):
        with condition:
            condition.notify()
    for thread in (threads[0], threads[2]):
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()
        assert thread.error is None


def test_no_notification_is_lost():
    """One who has been notified is not interrupted in the wait, and takes what there is."""
    condition = threading.Condition()
    taken = []

    def take():
        with condition:
            condition.wait()
            taken.append("item")

    thread = start(take)
    wait_until_parked(thread)
    with condition:
        condition.notify()
        # It cannot return from wait() while the lock is held here.
        wait_until_parked(thread) if not condition._waiters else None
        assert not _threads.interrupt(thread, Hit)
    thread.join(DEADLOCK_S)
    assert taken == ["item"]
    assert thread.error is None


def test_a_condition_whose_lock_is_taken_is_tried_later():
    """Nothing is sent meanwhile, so that nothing goes wrong."""
    condition = threading.Condition(threading.Lock())
    thread = start(lambda: Parked().wait_for_condition(condition))
    wait_until_parked(thread)
    while not condition._waiters:
        pass
    with condition:
        assert not _threads.interrupt(thread, Hit)
        assert len(condition._waiters) == 1
    hit(thread)
    assert not condition._waiters

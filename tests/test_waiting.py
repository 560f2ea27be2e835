"""``as_completed()`` and ``wait()``, behind both doors."""

from __future__ import annotations

import concurrent.futures
import gc
import signal
import sys
import threading
import time
import weakref
from concurrent.futures import FIRST_COMPLETED

import pytest

import poolcompat.futures
from conftest import DEADLOCK_S
from waited_for import cancelled, finished, in_thread, watched_future


@pytest.mark.parametrize("complete", ["cancel", "set_result", "set_exception"])
@pytest.mark.parametrize("waiting", ["as_completed", "wait"])
def test_a_waiting_thread_is_woken(lib, waiting, complete):
    """Whoever waits is woken at the moment a future is cancelled, finishes or fails."""
    future, begun = watched_future(lib)
    functions = {
        "as_completed": lambda: next(lib.futures.as_completed([future])),
        "wait": lambda: lib.futures.wait([future]).done.pop(),
    }
    result = in_thread(functions[waiting])
    assert begun.wait(DEADLOCK_S)
    arguments = {"cancel": (), "set_result": (1,), "set_exception": (KeyError(),)}[complete]

    getattr(future, complete)(*arguments)

    assert result() is future


def test_cancelled_futures_of_unpatched_executors_are_seen(hold):
    """Our functions see a future that was cancelled in the queue of an unpatched executor."""
    executor = concurrent.futures.ThreadPoolExecutor(max_workers=1)
    running = executor.submit(hold.wait)
    future = executor.submit(int)
    future.cancel()

    assert next(poolcompat.futures.as_completed([running, future])) is future
    assert poolcompat.futures.wait([running, future], return_when=FIRST_COMPLETED).done == {future}

    hold.set()
    executor.shutdown()


def test_each_future_is_yielded_once(lib):
    """Duplicates, and futures that finish while others are yielded, come once."""
    futures = [finished(lib), lib.futures.Future(), cancelled(lib), lib.futures.Future()]
    seen = []
    for future in lib.futures.as_completed(futures * 2, timeout=DEADLOCK_S):
        seen.append(future)
        if len(seen) == 1:
            futures[1].set_result(None)
            futures[3].cancel()

    assert len(seen) == 4
    assert set(seen) == set(futures)


def test_futures_are_yielded_in_the_order_of_completion(lib):
    """Those that finish later are yielded in the order in which they finished."""
    first, last = lib.futures.Future(), lib.futures.Future()
    futures = [lib.futures.Future() for _ in range(20)]
    completed = lib.futures.as_completed([first, *futures, last], timeout=DEADLOCK_S)
    first.set_result(None)
    assert next(completed) is first
    for future in reversed(futures):
        future.set_result(None)
    last.set_result(None)

    assert list(completed) == [*reversed(futures), last]


@pytest.mark.parametrize("leave", ["exhaust", "close", "time out"])
def test_as_completed_leaves_nothing_on_the_futures(lib, leave):
    """However the iteration ends, the futures have no callback and no waiter of ours."""
    calls = []
    mine = calls.append
    futures = [finished(lib), lib.futures.Future(), lib.futures.Future()]
    for future in futures[1:]:
        future.add_done_callback(mine)
    completed = lib.futures.as_completed(futures, timeout=0 if leave == "time out" else DEADLOCK_S)
    next(completed)
    if leave == "exhaust":
        for future in futures[1:]:
            future.set_result(None)
        assert len(list(completed)) == 2
    elif leave == "time out":
        with pytest.raises(TimeoutError):
            next(completed)
    completed.close()

    assert [future._waiters for future in futures] == [[]] * 3
    assert not any(getattr(future, "_poolcompat_watchers", None) for future in futures)
    left = [callback for future in futures for callback in future._done_callbacks]
    assert left == ([] if leave == "exhaust" else [mine, mine])


def test_other_callbacks_are_all_called_when_an_iteration_is_abandoned_meanwhile(lib):
    """Taking our callback off while the callbacks are being called skips nobody else's."""
    called = []
    future = lib.futures.Future()
    completed = lib.futures.as_completed([finished(lib), future])
    future.add_done_callback(lambda _: completed.close())
    future.add_done_callback(called.append)
    future.add_done_callback(called.append)
    next(completed)

    future.set_result(None)

    assert called == [future, future]


def test_a_callback_that_raises_a_base_exception_keeps_nobody_waiting(lib):
    """A done-callback that raises SystemExit does not keep the waiting thread asleep."""

    def leave(_):
        raise SystemExit

    future, begun = watched_future(lib)
    future.add_done_callback(leave)
    result = in_thread(lambda: lib.futures.wait([future]).done)
    assert begun.wait(DEADLOCK_S)

    with pytest.raises(SystemExit):
        future.cancel()

    assert result() == {future}


@pytest.mark.parametrize("waiting", ["as_completed", "wait"])
def test_a_future_that_finishes_while_it_is_being_looked_at_is_seen(lib, waiting):
    """A future that finishes between the look at its state and the start of the watch is done."""

    class FinishesWhenLocked:
        def __init__(self, future):
            self.future = future
            self.condition = future._condition

        def __enter__(self):
            self.future._condition = self.condition
            self.future.set_result(None)
            return self.condition.__enter__()

        def __exit__(self, *exc_info):
            return self.condition.__exit__(*exc_info)

    class FinishesWhenWatched(dict):
        def __setitem__(self, watcher, nothing):
            future.set_result(None)
            super().__setitem__(watcher, nothing)

    future = lib.futures.Future()
    if type(future) is poolcompat.futures.Future:
        future._poolcompat_watchers = FinishesWhenWatched()
    else:
        future._condition = FinishesWhenLocked(future)

    found = getattr(lib.futures, waiting)([future], timeout=DEADLOCK_S)

    assert (set(found) if waiting == "as_completed" else found.done) == {future}


def test_a_future_that_is_done_before_its_callbacks_were_called_is_in_time(lib):
    """When the time is over, a future that is done counts, told of or not, and comes once."""
    future = lib.futures.Future()
    completed = lib.futures.as_completed([finished(lib), future], timeout=0)
    next(completed)
    with future._condition:  # the state between the two halves of set_result()
        future._result, future._state = None, "FINISHED"

    assert next(completed) is future
    future._invoke_callbacks()
    assert list(completed) == []


def test_cancelling_in_a_signal_handler_wakes_the_interrupted_wait(lib):
    """A signal handler that cancels the future its own thread waits for does not deadlock."""
    if not hasattr(signal, "pthread_kill"):
        pytest.skip("signals cannot be sent to a thread here")
    future, begun = watched_future(lib)
    main = threading.get_ident()
    returned = threading.Event()

    def send():
        begun.wait(DEADLOCK_S)
        # Again and again: a signal that comes just before a thread parks does not interrupt it,
        # whatever it parks on.
        while not returned.wait(0.01):
            signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: future.cancel())
    sent = in_thread(send)
    try:
        done = lib.futures.wait([future]).done
    finally:
        returned.set()
        sent()
        signal.signal(signal.SIGUSR1, before)

    assert done == {future}


def test_a_yielded_future_can_be_freed(lib):
    """The iterator holds no reference to a future that it has yielded."""
    futures = [finished(lib), finished(lib), lib.futures.Future()]
    late = weakref.ref(futures[2])
    alive = weakref.WeakSet(futures)
    completed = lib.futures.as_completed(futures, timeout=DEADLOCK_S)
    del futures
    for left in (2, 1):
        next(completed)
        gc.collect()
        assert len(alive) == left
    late().set_result(None)
    next(completed)
    gc.collect()

    assert len(alive) == 0


def test_a_timeout_is_both_exceptions_and_says_how_many(lib):
    """TimeoutError is the built-in one and that of concurrent.futures, and counts the futures."""
    done, pending = finished(lib), lib.futures.Future()
    completed = lib.futures.as_completed([done, pending], timeout=0)
    assert next(completed) is done

    with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished") as caught:
        next(completed)
    assert isinstance(caught.value, concurrent.futures.TimeoutError)
    assert isinstance(caught.value, lib.futures.TimeoutError)


def test_the_time_runs_from_the_call(lib, monkeypatch):
    """A consumer that begins late has that much less time."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    completed = lib.futures.as_completed([lib.futures.Future()], timeout=3600)
    now += 7200

    with pytest.raises(TimeoutError):
        next(completed)


@pytest.mark.parametrize("waiting", ["as_completed", "wait"])
@pytest.mark.parametrize(("fs", "timeout"), [(3, None), (None, None), ([], "1")])
def test_wrong_arguments_are_refused_at_the_call(lib, waiting, fs, timeout):
    """Something that is no iterable, or a timeout that is no number, is a TypeError at once."""
    with pytest.raises(TypeError):
        getattr(lib.futures, waiting)(fs, timeout=timeout)


def test_many_futures_that_end_in_many_threads_are_all_seen(lib):
    """None is lost when workers finish futures while they are being watched and yielded."""
    with lib.futures.ThreadPoolExecutor(8) as executor:
        futures = [executor.submit(int) for _ in range(2000)]
        seen = list(lib.futures.as_completed(futures, timeout=DEADLOCK_S))
        more = [executor.submit(int) for _ in range(2000)]
        done = lib.futures.wait(more, timeout=DEADLOCK_S).done

    assert len(seen) == 2000
    assert (set(seen), done) == (set(futures), set(more))


def test_as_completed_can_be_traced(lib):
    """A trace function, as debuggers and coverage set, changes nothing."""
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        assert len(list(lib.futures.as_completed([finished(lib), cancelled(lib)]))) == 2
    finally:
        sys.settrace(before)

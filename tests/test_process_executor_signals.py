"""Signal handlers that use the very ``ProcessPoolExecutor`` that they interrupt."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import itertools
import os
import signal
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, hold
from outcomes import error_of
from poolcompat.monkey._defects import _executor_signals
from process_tasks import CHEAPEST

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(),
        reason="needs the main thread, which alone runs handlers",
    ),
]

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs POSIX signals")


def is_ours(frame):
    return "poolcompat" in frame.f_code.co_filename


interrupted = functools.partial(_executor_signals.interrupted, is_counted=is_ours)


@pytest.fixture
def lines(lib):
    """The lines to interrupt; behind the other door is the same code."""
    return itertools.count(1, {"import": 1, "patch": 7}[lib.door])


def each_line(call, handler):
    """Interrupt *call* at each of its lines, one after the other."""
    for line in itertools.count(1):
        if not interrupted(call, handler, line):
            assert line > 5
            return


def test_submit_interrupts_submit(make_pool):
    """Of the same executor, and of another one; all calls are done."""
    executor, other = make_pool(), make_pool()
    futures = []
    for one in (executor, other):
        one.submit(int).result(DEADLOCK_S)
        each_line(
            lambda: futures.append(executor.submit(add, 1)),
            lambda one=one: futures.append(one.submit(add, 1)),
        )
    assert {future.result(DEADLOCK_S) for future in futures} == {1}


def test_submit_interrupts_the_first_submit(make_pool, lines):
    """While the first process is started; there is one, and it does both."""
    if CHEAPEST != "fork":
        pytest.skip("needs processes that are started fast")
    for line in lines:
        executor, futures = make_pool(), []

        def submit(executor=executor, futures=futures):
            futures.append(executor.submit(add, 1))

        is_interrupted = interrupted(submit, submit, line)
        assert {future.result(DEADLOCK_S) for future in futures} == {1}
        assert len(futures) == 1 + is_interrupted
        assert len(executor._processes) == 1
        executor.shutdown()
        if not is_interrupted:
            break


@pytest.mark.parametrize("options", [{}, {"wait": False, "cancel_futures": True}])
def test_shutdown_interrupts_submit(make_pool, lines, options):
    """The call is refused, or cancelled, or done."""
    executors, outcomes = [], []

    def submit():
        outcomes.append(error_of(lambda: futures.append(executors[-1].submit(int))))

    for line in lines:
        futures = []
        executors.append(make_pool())
        executors[-1].submit(int).result(DEADLOCK_S)
        if not interrupted(submit, lambda: executors[-1].shutdown(**options), line):
            break
        executors[-1].shutdown()
        assert [future.done() for future in futures] == [True] * len(futures)
    assert {type(error) for error in outcomes} <= {type(None), RuntimeError}


def test_killing_interrupts_submit(make_pool, lines):
    """The same."""
    for line in lines:
        executor, futures = make_pool(), []
        executor.submit(int).result(DEADLOCK_S)
        is_interrupted = interrupted(
            lambda executor=executor, futures=futures: error_of(
                lambda: futures.append(executor.submit(int))
            ),
            executor.kill_workers,
            line,
        )
        executor.shutdown()
        assert [future.done() for future in futures] == [True] * len(futures)
        if not is_interrupted:
            break


@pytest.mark.parametrize("name", ["shutdown", "kill_workers"])
def test_submit_interrupts_the_end(make_pool, lines, name):
    """It is refused, or done or cancelled, and the end comes."""
    for line in lines:
        executor, futures = make_pool(), []
        executor.submit(int).result(DEADLOCK_S)
        is_interrupted = interrupted(
            getattr(executor, name),
            lambda executor=executor, futures=futures: error_of(
                lambda: futures.append(executor.submit(int))
            ),
            line,
        )
        executor.shutdown()
        assert [future.done() for future in futures] == [True] * len(futures)
        if not is_interrupted:
            break


def test_submit_interrupts_what_holds_a_future(make_pool, stage, lines):
    """The manager may wait for that future then, and must not keep submit() waiting for it."""
    for line in lines:
        executor, futures = make_pool(), []
        running = executor.submit(hold, stage.address)
        actor = stage.next()
        pending = executor.submit(int)

        def handle(executor=executor, futures=futures, running=running, actor=actor):
            actor.let_go()
            concurrent.futures.wait([running], DEADLOCK_S)
            # So many that the manager gets as far as the future that is held
            futures.extend(executor.submit(int) for _ in range(500))

        is_interrupted = interrupted(
            lambda pending=pending: pending.add_done_callback(repr), handle, line
        )
        if not is_interrupted:
            actor.let_go()
            break
        assert pending.result(DEADLOCK_S) == 0
        assert {future.result(DEADLOCK_S) for future in futures} == {0}


@contextlib.contextmanager
def handled_by(handler):
    """Have *handler* called by a signal; give what sends it until told to stop."""
    is_over = threading.Event()

    def send():
        while not is_over.wait(0.0005):
            os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)


@needs_signals
def test_real_signals(make_pool):
    """Many of them, while the main thread submits, waits and shuts down."""
    executor, futures = make_pool(2), []

    def handle(*_):
        error_of(lambda: futures.append(executor.submit(add, 1)))

    with handled_by(handle):
        for _ in range(300):
            futures.append(executor.submit(add, 1))
            futures[-1].result(DEADLOCK_S)
        executor.shutdown()
    assert {future.result(0) for future in futures} == {1}
    assert len(futures) > 300


@needs_signals
def test_a_handler_shuts_down(make_pool, stage):
    """While the main thread waits for a result, which it gets."""
    executor = make_pool()
    future = executor.submit(hold, stage.address, 1)
    pending = executor.submit(int)
    actor = stage.next()

    def handle(*_):
        executor.shutdown(wait=False, cancel_futures=True)

    with handled_by(handle):
        concurrent.futures.wait([pending], DEADLOCK_S)
        assert pending.cancelled()
        actor.let_go()
        assert future.result(DEADLOCK_S) == 1

"""Defects of ``ProcessPoolExecutor.shutdown()``, and of ending the processes."""

from __future__ import annotations

import sys
import threading
from typing import Any

from ._processes import Gate, join_threads, make_executor, manager_held, process_pool
from ._reproducer import FORK, defect, provoked


@defect("process-as-completed-after-shutdown-cancel", FORK)
def _(lib: Any) -> None:
    with Gate() as gate, process_pool(lib) as executor:
        futures = [executor.submit(gate.hold) for _ in range(5)]
        gate.wait()
        provoked()
        executor.shutdown(wait=False, cancel_futures=True)
        gate.open(len(futures))
        assert set(lib.futures.as_completed(futures)) == set(futures)
        assert lib.futures.wait(futures).done == set(futures)
        assert futures[-1].cancelled()
    join_threads()


@defect("process-cancel-then-shutdown", FORK)
def _(lib: Any) -> None:
    # The thread that delivers results is to see it all at once, which it does when it is slow.
    sys.setswitchinterval(10)
    provoked()
    for _ in range(10):
        executor = make_executor(lib)
        executor.submit(int).result()
        executor.submit(int).cancel()
        executor.shutdown()


@defect("process-shutdown-cancel-flag-reset", FORK)
def _(lib: Any) -> None:
    with Gate() as gate, process_pool(lib) as executor:
        with manager_held(executor, gate):
            futures = [executor.submit(int) for _ in range(3)]
            provoked()
            executor.shutdown(wait=False, cancel_futures=True)
            executor.shutdown(wait=False)
        for future in futures[1:]:  # The process may have been given the first.
            try:
                future.result()
            except lib.futures.CancelledError:
                continue
            raise AssertionError("no CancelledError")


@defect("process-shutdown-from-callback", FORK)
def _(lib: Any) -> None:
    errors: list[RuntimeError] = []
    called = threading.Event()

    def shut_down(_: Any) -> None:
        try:
            executor.shutdown()
        except RuntimeError as error:
            errors.append(error)
        called.set()

    with Gate() as gate, process_pool(lib) as executor:
        future = executor.submit(gate.hold)
        future.add_done_callback(shut_down)
        provoked()
        gate.open()
        called.wait()
        assert errors == []


@defect("process-shutdown-nowait", FORK)
def _(lib: Any) -> None:
    with Gate() as gate, process_pool(lib) as executor:
        futures = [executor.submit(gate.hold, number) for number in range(4)]
        gate.wait()
        provoked()
        executor.shutdown(wait=False)
        gate.open(len(futures))
        assert [future.result() for future in futures] == [0, 1, 2, 3]
    join_threads()


@defect("process-shutdown-twice", FORK)
def _(lib: Any) -> None:
    returned = threading.Event()

    def shut_down() -> None:
        executor.shutdown(wait=True)
        returned.set()

    with Gate() as gate, process_pool(lib) as executor:
        executor.submit(gate.hold)
        gate.wait()
        provoked()
        executor.shutdown(wait=False)
        thread = threading.Thread(target=shut_down)
        thread.start()
        # Nobody lets the task go on, so that there is no other end to wait for.
        assert not returned.wait(0.3)
        gate.open()
        thread.join()


@defect("process-terminate-workers", FORK)
def _(lib: Any) -> None:
    provoked()
    for name in ("terminate_workers", "kill_workers"):
        with Gate() as gate, process_pool(lib) as executor:
            futures = [executor.submit(gate.hold) for _ in range(5)]
            gate.wait()
            getattr(executor, name)()
            gate.wait_for_end()
            assert isinstance(futures[0].exception(), lib.futures.process.BrokenProcessPool)
            try:
                futures[-1].result()
            except lib.futures.CancelledError:
                pass
            else:
                raise AssertionError("no CancelledError")


@defect("process-many-submits", FORK)
def _(lib: Any) -> None:
    futures: list[Any] = []
    all_submitted, entered = threading.Event(), threading.Event()

    def wait_for_submits(_: Any) -> None:
        # Until there are no more, or the thread that submits waits for this one.
        entered.set()
        before = -1
        while len(futures) != before:
            before = len(futures)
            all_submitted.wait(0.2)

    with Gate() as gate, process_pool(lib) as executor:
        executor.submit(gate.hold).add_done_callback(wait_for_submits)
        gate.open()
        entered.wait()
        provoked()
        # More than there is place for in a pipe, with four bytes each
        for _ in range(20_000):
            futures.append(executor.submit(int))
        all_submitted.set()
        for future in futures:
            future.cancel()
        assert executor.submit(int).result() == 0

"""Defects of ``ProcessPoolExecutor`` with what cannot be pickled or unpickled."""

from __future__ import annotations

import pickle
import threading
from typing import Any, Callable

from ._processes import Gate, manager_held, process_pool, wait_until_cancelled
from ._reproducer import FORK, defect, provoked


class Pickled:
    """An argument that does something when it is pickled."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action

    def __reduce__(self) -> Any:
        self.action()
        raise pickle.PicklingError("an argument")


@defect("process-slow-pickle-cancel-futures", FORK)
def _(lib: Any) -> None:
    futures: list[Any] = []
    begun, submitted = threading.Event(), threading.Event()

    def pickle_slowly() -> None:
        begun.set()
        submitted.wait()
        wait_until_cancelled(lib, futures[-1])

    with process_pool(lib) as executor:
        futures.append(executor.submit(int, Pickled(pickle_slowly)))
        begun.wait()
        futures += [executor.submit(int) for _ in range(4)]
        submitted.set()
        provoked()
        executor.shutdown(cancel_futures=True)
        assert isinstance(futures[0].exception(), pickle.PicklingError)
        assert futures[-1].cancelled()


@defect("process-unpicklable-cancel-futures", FORK)
def _(lib: Any) -> None:
    begun = threading.Event()
    with Gate() as gate, process_pool(lib) as executor:
        with manager_held(executor, gate):
            futures = [executor.submit(int, Pickled(begun.set)) for _ in range(5)]
            # It is called where the first one turns out to be unpicklable, before the second one.
            futures[0].add_done_callback(lambda _: wait_until_cancelled(lib, futures[-1]))
        begun.wait()
        provoked()
        executor.shutdown(cancel_futures=True)
        assert isinstance(futures[0].exception(), pickle.PicklingError)
        assert [future.done() for future in futures] == [True] * 5


@defect("process-unpicklable-task-shutdown", FORK)
def _(lib: Any) -> None:
    begun, never = threading.Event(), threading.Event()

    def pickle_slowly() -> None:
        begun.set()
        # Until the pool waits for this, which nobody tells
        while not executor._shutdown_thread:
            never.wait(0.01)
        never.wait(0.2)

    provoked()
    with process_pool(lib) as executor:
        future = executor.submit(int, Pickled(pickle_slowly))
        begun.wait()
    assert isinstance(future.exception(), pickle.PicklingError)


def fail_to_unpickle() -> None:
    raise KeyError("unpickled")


class Unpickled:
    """It can be pickled, but not unpickled."""

    def __reduce__(self) -> Any:
        return fail_to_unpickle, ()


@defect("process-unpicklable-argument", FORK)
def _(lib: Any) -> None:
    with process_pool(lib) as executor:
        executor.submit(int).result()
        provoked()
        error = executor.submit(int, Unpickled()).exception()
        assert isinstance(error, pickle.UnpicklingError)
        assert "KeyError" in str(error)
        assert executor.submit(int).result() == 0


class TwoArguments(Exception):
    """It is pickled with one argument only, as such classes are when nobody thinks of it."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(one)


def fail_with_two_arguments() -> None:
    raise TwoArguments(1, 2)


@defect("process-unpicklable-exception", FORK)
def _(lib: Any) -> None:
    with process_pool(lib) as executor:
        executor.submit(int).result()
        provoked()
        for task, cause in ((fail_with_two_arguments, TypeError), (Unpickled, KeyError)):
            error = executor.submit(task).exception()
            assert isinstance(error, pickle.UnpicklingError)
            assert isinstance(error.__cause__, cause)
            assert executor.submit(int).result() == 0

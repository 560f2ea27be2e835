"""What the programs share that provoke defects of process pools."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from typing import Any, Callable, Iterator

from ._reproducer import holding

# Nothing that these programs start lives longer, whatever becomes of them.
LIFETIME_S = 60


def end_with_parent() -> None:
    """Have this process end soon after its parent does: the defects are such that it may not."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    never = threading.Event()
    for _ in range(LIFETIME_S * 10):
        if os.getppid() != parent:
            break
        never.wait(0.1)
    os._exit(1)


def make_executor(
    lib: Any,
    workers: int = 1,
    method: str = "fork",
    initializer: Callable[[], None] = end_with_parent,
    **options: Any,
) -> Any:
    """An executor whose worker processes are not left behind when this one is killed."""
    context = multiprocessing.get_context(method)
    return lib.futures.ProcessPoolExecutor(workers, context, initializer, **options)


@contextlib.contextmanager
def process_pool(lib: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
    """An executor which is shut down if all went well: else that could hang."""
    executor = make_executor(lib, *args, **kwargs)
    yield executor
    executor.shutdown()


def join_threads() -> None:
    """Wait for what ``shutdown(wait=False)`` has left behind.

    Some versions do not wait when it is called once more, and print an error when the thread that
    delivers results ends together with the interpreter.
    """
    for thread in {*threading.enumerate()} - {threading.current_thread()}:
        thread.join()


class Gate:
    """Holds tasks in worker processes, which must be forked after it has been made."""

    def __init__(self) -> None:
        self.begun, self.begin = os.pipe()
        self.left, self.leave = os.pipe()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *error: object) -> None:
        self.open(100)

    def hold(self, value: Any = None) -> Any:
        """What a worker runs."""
        os.write(self.begin, b".")
        os.read(self.left, 1)
        return value

    def crash(self, value: Any = None) -> None:
        """What a worker runs that is to end on leaving."""
        self.hold()
        os._exit(3)

    def wait(self, count: int = 1) -> None:
        """Wait until that many tasks are held."""
        for _ in range(count):
            os.read(self.begun, 1)

    def open(self, count: int = 1) -> None:
        """Let that many tasks go on."""
        os.write(self.leave, b"." * count)

    def wait_for_end(self) -> None:
        """Wait until there are no more processes that could hold tasks."""
        os.close(self.begin)
        while os.read(self.begun, 100):
            pass


@contextlib.contextmanager
def manager_held(executor: Any, gate: Gate) -> Iterator[None]:
    """Hold the thread that delivers the results of *executor*, in a done-callback."""
    entered, release = threading.Event(), threading.Event()
    future = executor.submit(gate.hold)
    future.add_done_callback(holding(entered, release))
    gate.open()
    gate.wait()
    entered.wait()
    try:
        yield
    finally:
        release.set()


def wait_until_cancelled(lib: Any, future: Any) -> None:
    """Wait for it to be cancelled, though not for ever: that may be up to the waiting thread."""
    with contextlib.suppress(lib.futures.CancelledError, lib.futures.TimeoutError):
        future.exception(timeout=1)

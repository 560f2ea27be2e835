"""What methods of the standard library take for the handler threads of a pool."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from . import _multiprocessing as _mp

if TYPE_CHECKING:
    from ._engine import Engine


class Notifier:
    """What the standard library wakes its worker handler with."""

    def put(self, _: object) -> None:
        """Do nothing: there is no such thread."""

    def empty(self) -> bool:
        """Tell that nothing was put there."""
        return True


class _Handler:
    """A thread of a pool, or what takes the place of one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._state = _mp.RUN

    @property
    def _thread(self) -> threading.Thread | None:
        return None

    def is_alive(self) -> bool:
        """Tell whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, but no longer than *timeout* seconds.

        Raises:
            RuntimeError: Called by the thread itself.
        """
        if self._thread is not None:
            self._thread.join(timeout)


class WorkerHandler(_Handler):
    """Closes the pool when its state is set, which is how ``close()`` does it."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "_state" and value == _mp.CLOSE:
            self._engine.close()

    def join(self, timeout: float | None = None) -> None:
        """Have no more input taken than is asked for.

        Raises:
            RuntimeError: Called by a thread that is to be waited for.
        """
        if threading.current_thread() in self._engine.workers:
            raise RuntimeError("cannot join current thread")
        self._engine.join_input()


class TaskHandler(_Handler):
    """The feeder.  After ``terminate()`` it is not waited for while it takes input."""

    @property
    def _thread(self) -> threading.Thread | None:
        with self._engine.lock:
            is_stuck = self._engine.is_stopped and self._engine.is_in_input
            return None if is_stuck else self._engine.feeder


class CallbackHandler(_Handler):
    """The thread for callbacks."""

    @property
    def _thread(self) -> threading.Thread | None:
        return self._engine.callbacks.thread

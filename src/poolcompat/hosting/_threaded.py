"""The process of a ``KillableThreadPoolExecutor``: calls run in its threads."""

from __future__ import annotations

import os
import queue
import select
import signal
import sys
import threading
from collections import deque
from typing import Any, Callable

from . import _child, _wire
from ._performing import failure_of, perform


class _Port:
    """The pipe to the parent, into which all threads put their answers.

    Whoever finds it free also sends what others have left there meanwhile.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._messages: deque[tuple[str, int, Any]] = deque()
        self._lock = threading.Lock()

    def send(self, message: tuple[str, int, Any], wait: bool = False) -> None:
        """Send *message*; return when it is on its way if *wait*, otherwise it may come later."""
        self._messages.append(message)
        while self._messages and self._lock.acquire(wait):
            try:
                count = len(self._messages)
                if count:
                    batch = [self._messages.popleft() for _ in range(count)]
                    _child.send(self._connection, *batch)
            finally:
                self._lock.release()


class _Task:
    """A call, with what :mod:`poolcompat.stopping` sees of a task.

    It is no ``poolcompat.stopping._task.Task``, because loading that takes longer than all the
    rest, and few calls look whether they are to stop.
    """

    fn: Any = None
    started: float | None = None
    control: Any = None

    def __init__(self, number: int, payload: bytes) -> None:
        self.number = number
        self.payload = payload

    def make_control(self) -> Any:
        from ..stopping._task import Task

        return Task.make_control(self)  # type: ignore[arg-type]

    def request_stop(self) -> None:
        from ..stopping._task import Task

        Task.request_stop(self)  # type: ignore[arg-type]

    def call(self, fn: Any, args: Any, kwargs: Any) -> Any:
        self.fn = fn
        try:
            return fn(*args, **kwargs)
        finally:
            self.fn = None
            if self.control is not None:
                self.control.close()


class _Threads:
    """The threads, each started when a call finds none idle."""

    def __init__(
        self,
        port: _Port,
        name_prefix: str,
        initializer: Callable[..., object] | None,
        initargs: Any,
        tells_begin: bool,
    ) -> None:
        self._port = port
        self._name_prefix = name_prefix
        self._initializer = initializer
        self._initargs = initargs
        self._tells_begin = tells_begin
        self._tasks: dict[int, _Task] = {}
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def begin(self, number: int, payload: bytes) -> None:
        """Have a call run."""
        self._tasks[number] = task = _Task(number, payload)
        self._queue.put(task)
        if len(self._threads) >= len(self._tasks):
            return
        name = f"{self._name_prefix}_{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            if not self._threads:
                self._queue.get()
                del self._tasks[number]
                self._port.send((_wire.RAISED, number, failure_of(error)))
            return
        self._threads.append(thread)

    def request_stop(self, number: int) -> None:
        """Ask a call to stop, if it has not been answered."""
        task = self._tasks.get(number)
        if task is not None:
            task.request_stop()

    def end(self) -> None:
        """End the threads, which are idle."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        initializer = self._initializer
        if initializer is not None and not _child.tried(
            lambda: initializer(*self._initargs), lambda it: self._port.send(it, wait=True)
        ):
            return
        try:
            self._run_calls()
        except BaseException:
            # A call that cannot be answered, for want of memory, must not be waited for.
            os._exit(1)

    def _run_calls(self) -> None:
        me: Any = threading.current_thread()
        while True:
            task = self._queue.get()
            if task is None:
                return
            number = task.number
            if self._tells_begin:
                self._port.send((_wire.BEGUN, number, b""), wait=True)
            me._poolcompat_task = task
            kind, body = perform(task.payload, task.call)
            me._poolcompat_task = None
            # Before the answer, after which the parent may send another call for this thread
            del self._tasks[number], task
            self._port.send((kind, number, body))
            # Nothing of a call is kept while the thread waits for the next.
            del body


def _gevent_wait(connection: Any) -> Callable[[], object]:
    """Return what waits for messages where a thread that waits in C would stop all others."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading") or not hasattr(select, "poll"):
        return lambda: None
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return poll.poll


def serve_threads(
    connection: Any,
    lifeline: Any,
    unblock: Any,
    name_prefix: str,
    initializer: Callable[..., object] | None,
    initargs: Any,
    tells_begin: bool,
) -> None:
    """Run calls in threads, for ``KillableThreadPoolExecutor``.

    Args:
        connection: As for :func:`._child.settle_in`.
        lifeline: As above.
        unblock: As above.
        name_prefix: What the names of the threads begin with.
        initializer: Called as ``initializer(*initargs)`` in each thread when it starts.
        initargs: As above.
        tells_begin: Whether the parent is told of each call before it begins.
    """
    # Ctrl-C is the parent's matter, and what ends the parent must also end this process, even if
    # it was forked from one that handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _child.settle_in(connection, lifeline, unblock)
    port = _Port(connection)
    threads = _Threads(port, name_prefix, initializer, initargs, tells_begin)
    port.send((_wire.READY, 0, b""))
    let_others_run = _gevent_wait(connection)
    while True:
        let_others_run()
        for kind, number, body in _child.receive(connection):
            if kind == _wire.CALL:
                threads.begin(number, body)
            elif kind == _wire.STOP:
                threads.request_stop(number)
            else:
                threads.end()
                return
        # Nothing of a call is kept while the process waits for the next.
        body = None

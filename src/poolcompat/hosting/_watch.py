"""Waiting for many pipes at once, and being woken."""

from __future__ import annotations

import contextlib
import multiprocessing
import select
from multiprocessing.connection import wait
from typing import Any


class Watch:
    """Tells which of several connections have something to read; one thread waits.

    ``ring()`` wakes it, from any thread, signal handler or destructor.  Rings before
    :meth:`prepare` are answered by what follows it.
    """

    def __init__(self) -> None:
        self._owners: dict[int, tuple[Any, Any]] = {}
        # Registering everything again for each wait takes longer than all the rest.
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._bell, self._rope = multiprocessing.Pipe(duplex=False)
        self._is_asleep = False
        self._has_rung = False
        self._is_closed = False
        self.add(self._bell, None)

    def connections(self) -> tuple[Any, Any]:
        """Return the two ends of the pipe by which it is woken."""
        return self._bell, self._rope

    def add(self, connection: Any, owner: Any) -> None:
        """Have *owner* returned when there is something to read from *connection*."""
        self._owners[connection.fileno()] = (connection, owner)
        if self._poll is not None:
            self._poll.register(connection.fileno(), select.POLLIN)

    def remove(self, connection: Any) -> None:
        """Watch a connection no more, before it is closed."""
        del self._owners[connection.fileno()]
        if self._poll is not None:
            self._poll.unregister(connection.fileno())

    def ring(self) -> None:
        """Wake the thread that waits, or have it not begin to wait."""
        self._has_rung = True
        if self._is_asleep:
            self._is_asleep = False
            with contextlib.suppress(OSError):
                self._rope.send_bytes(b"")

    def listen(self) -> None:
        """Forget the rings until now, which the caller is about to answer."""
        self._has_rung = False

    def wait(self, timeout: float | None) -> list[Any]:
        """Return the owners of what can be read; empty after a ring, or *timeout* seconds."""
        self._is_asleep = True
        if self._has_rung:
            timeout = 0
        try:
            if self._poll is None:
                connections = [connection for connection, _ in self._owners.values()]
                ready = [one.fileno() for one in wait(connections, timeout)]  # type: ignore[union-attr]
            else:
                ready = [
                    fd for fd, _ in self._poll.poll(None if timeout is None else timeout * 1000)
                ]
        finally:
            self._is_asleep = False
        if self._bell.fileno() in ready:
            self._bell.recv_bytes()
            ready.remove(self._bell.fileno())
        return [self._owners[fd][1] for fd in ready]

    def close(self) -> None:
        """Close the pipe by which it is woken.

        In a child that is forked while another thread does so, nothing is closed: the numbers may
        be those of other files by then.
        """
        if not self._is_closed:
            self._is_closed = True
            self._bell.close()
            self._rope.close()

"""Messages between a pool and a process of its: ``(kind, number, body)``.

Several of them travel in one frame.  A large body follows its frame by itself, uncopied.
"""

from __future__ import annotations

import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Any, Iterable, NamedTuple

# To the process.  The number is that of a call, the body of CALL a pickled (fn, args, kwargs).
CALL, STOP, END = "call", "stop", "end"
# From the process.  The body of RETURNED is a pickled result, that of RAISED and FAILED a Failure.
READY, BEGUN, RETURNED, RAISED, FAILED = "ready", "begun", "returned", "raised", "failed"

# The size in bytes from which a body is not worth copying
_LARGE = 1 << 16
_FOLLOWS = "follows"


class Failure(NamedTuple):
    """An exception on its way."""

    #: The pickled exception, or what stands for it.
    pickled: bytes
    #: Its ``repr()``.
    description: str
    #: The formatted traceback.
    traceback: str


def pack(obj: object) -> memoryview:
    """Pickle *obj* as ``multiprocessing`` does, but with the newest protocol."""
    buffer: memoryview = ForkingPickler.dumps(obj, pickle.HIGHEST_PROTOCOL)
    return buffer


def send(connection: Any, messages: Iterable[tuple[str, int, Any]]) -> None:
    """Send *messages* in one frame; block until the other side has taken most of it."""
    frame = []
    large = []
    for kind, number, body in messages:
        if isinstance(body, memoryview):
            if len(body) >= _LARGE:
                large.append(body)
                body = _FOLLOWS
            else:
                body = body.tobytes()
        frame.append((kind, number, body))
    connection.send_bytes(pickle.dumps(frame, pickle.HIGHEST_PROTOCOL))
    for body in large:
        connection.send_bytes(body)


def receive(connection: Any) -> list[tuple[str, int, Any]]:
    """Wait for a frame and return its messages.

    Raises:
        EOFError: The other side is gone.
        OSError: The other side is gone in the middle of a frame, or the connection is closed.
    """
    return [
        (kind, number, connection.recv_bytes() if isinstance(body, str) else body)
        for kind, number, body in pickle.loads(connection.recv_bytes())
    ]

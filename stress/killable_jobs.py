"""Tasks in the process of a ``KillableThreadPoolExecutor``, seen from both sides."""

from __future__ import annotations

import os
import signal
import stat

KINDS = ("return", "raise", "exit", "hold", "hold", "look", "leave", "kill", "not pickled")
#: Those that end their process
DEADLY = ("leave", "kill")


def act(kind, number, folder):
    """What is submitted: tell by a file that it has begun, and wait for a pipe to be let go."""
    mark = os.open(os.path.join(folder, f"begun-{number}"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(mark, b"x")
    os.close(mark)
    if kind == "hold":
        with open(os.path.join(folder, f"held-{number}"), "rb", buffering=0) as pipe:
            pipe.read(1)
    elif kind == "look":
        _look(os.path.join(folder, f"held-{number}"))
    elif kind == "leave":
        os._exit(3)
    elif kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()
    elif kind == "raise":
        raise LookupError(number)
    elif kind == "exit":
        raise SystemExit(number)
    elif kind == "not pickled":
        return lambda: None
    return number


def _look(path):
    from poolcompat.stopping import checkpoint, current_stop_event

    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while not current_stop_event().wait(0.002):
            try:
                if os.read(pipe, 1):
                    return
            except BlockingIOError:
                pass
    finally:
        os.close(pipe)
    checkpoint()


class Marks:
    """The files of one task, for the parent."""

    def __init__(self, folder, number, is_held):
        self._begun = os.path.join(folder, f"begun-{number}")
        self._pipe = None
        if is_held:
            path = os.path.join(folder, f"held-{number}")
            os.mkfifo(path, stat.S_IRUSR | stat.S_IWUSR)
            self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def count(self):
        """Return how often it has begun."""
        try:
            return os.stat(self._begun).st_size
        except FileNotFoundError:
            return 0

    def let_go(self):
        if self._pipe is not None:
            os.write(self._pipe, b"x")

    def close(self):
        if self._pipe is not None:
            os.close(self._pipe)

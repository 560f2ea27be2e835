"""Tasks of the programs that exit."""

from __future__ import annotations

import os
import threading
import time

_started = threading.Semaphore(0)


def started(count):
    """Wait until so many tasks have started; in another process they may start later."""
    for _ in range(count):
        _started.acquire(timeout=0.5)


def quick():
    _started.release()


def hold(seconds):
    _started.release()
    time.sleep(seconds)


def say(word):
    _started.release()
    time.sleep(0.05)
    os.write(1, f"{word}\n".encode())

"""What must not be left when a pool has ended, and must not have happened meanwhile."""

from __future__ import annotations

import collections
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings

from calls import wait_until


class Traces(logging.Handler):
    """Takes note of what would only be seen by whoever reads stderr, from its making on.

    Attributes:
        expected: What may stand in a warning or in the log.
    """

    def __init__(self):
        super().__init__()
        self.expected = {"exception of a task was never retrieved"}
        self._seen = []
        self._threads = set(threading.enumerate())
        self._descriptors = descriptors()
        self._before = {
            (module, name): getattr(module, name)
            for module, name in (
                (sys, "unraisablehook"),
                (threading, "excepthook"),
                (warnings, "showwarning"),
            )
            if hasattr(module, name)
        }
        for module, name in self._before:
            setattr(module, name, getattr(self, "_" + name))
        self._filters = warnings.filters[:]
        warnings.simplefilter("always")
        # 3.12 warns of threads.
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        self._logger = logging.getLogger("concurrent.futures")
        self._logger.addHandler(self)
        self._logger.propagate = False

    def emit(self, record):
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self._seen.append(text)

    def _unraisablehook(self, it):
        lines = traceback.format_exception(it.exc_type, it.exc_value, it.exc_traceback)
        self._seen.append(f"unraisable in {it.object!r}: {''.join(lines)}")

    def _excepthook(self, it):
        lines = traceback.format_exception(it.exc_type, it.exc_value, it.exc_traceback)
        self._seen.append(f"thread {it.thread.name} has ended with {''.join(lines)}")

    def _showwarning(self, message, category, filename, lineno, *_):
        self._seen.append(f"{category.__name__}: {message} ({filename}:{lineno})")

    def expect(self, text):
        self.expected.add(text)

    def check(self):
        """See that nothing was noted that was not expected."""
        for text in self._seen[:]:
            assert any(it in text for it in self.expected), f"not expected: {text}"

    def close(self):
        """Stop taking note."""
        super().close()
        self._logger.removeHandler(self)
        self._logger.propagate = True
        for (module, name), value in self._before.items():
            setattr(module, name, value)
        warnings.filters[:] = self._filters
        getattr(warnings, "_filters_mutated", int)()

    def check_nothing_is_left(self):
        """See that threads, processes and descriptors are as they were."""

        def left():
            return [it for it in threading.enumerate() if it not in self._threads]

        wait_until(lambda: not left(), f"threads are left: {[it.name for it in left()]}")
        wait_until(lambda: not multiprocessing.active_children(), "processes are left")
        assert no_child(), "a process is left that nobody has waited for"
        if descriptors() - self._descriptors:
            gc.collect()
        more = descriptors() - self._descriptors
        assert not more, f"files are left open: {more}"


def descriptors():
    """Return what is open here."""
    found = collections.Counter()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the list
            found[os.readlink(f"/proc/self/fd/{name}")] += 1
    return found


def no_child():
    """Tell whether this process has none, but for helpers of multiprocessing."""
    try:
        if not hasattr(os, "waitid"):  # PyPy
            return os.waitpid(-1, os.WNOHANG)[0] == 0
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return True


def exit_status_of_fork(function, seconds):
    """Call *function* in a forked child and return its exit status, or minus its signal."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        _, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

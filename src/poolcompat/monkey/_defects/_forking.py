"""Work in a forked child."""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from typing import Any, Callable, Iterable

# How long a forked child may take before it counts as hanging
CHILD_S = 10


def check_child(lib: Any, lost: Iterable[Any], executors: Iterable[Any]) -> None:
    """See to it in a child that the parent's futures are done there, and executors work."""
    for future in lost:
        assert isinstance(future.exception(timeout=0), lib.futures.BrokenExecutor)
    for executor in executors:
        assert executor.submit(int).result() == 0
        executor.shutdown()


def exit_status_of_fork(function: Callable[[], object]) -> int:
    """Call *function* in a forked child and return its exit status, or minus its signal."""
    with warnings.catch_warnings():
        # 3.12 warns of threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.alarm(CHILD_S)  # ends the child even if nobody waits for it any more
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

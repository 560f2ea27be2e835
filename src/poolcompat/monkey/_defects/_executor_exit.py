"""Defects of ``ThreadPoolExecutor`` when the interpreter exits."""

from __future__ import annotations

import atexit
import os
import threading
import traceback
from typing import Any

from ._reproducer import defect, holding, provoked, until_exit


def check_submit(executor: Any) -> None:
    """Have the process fail if the executor does."""
    try:
        assert executor.submit(int).result() == 0
    except BaseException:
        traceback.print_exc()
        os._exit(1)


@defect("submit-at-exit")
def _(lib: Any) -> None:
    until_exit(lib, "submit-at-exit")
    executor = lib.futures.ThreadPoolExecutor(max_workers=1)
    # Some versions start no threads that late.
    executor.submit(int).result()

    def when_main_thread_has_ended() -> None:
        threading.main_thread().join()
        check_submit(executor)

    atexit.register(check_submit, executor)
    threading.Thread(target=when_main_thread_has_ended).start()
    provoked()


@defect("exit-hang-atexit")
def _(lib: Any) -> None:
    until_exit(lib, "exit-hang-atexit")
    held, stop = threading.Event(), threading.Event()
    lib.futures.ThreadPoolExecutor(max_workers=1).submit(holding(held, stop))
    held.wait()
    atexit.register(stop.set)
    provoked()

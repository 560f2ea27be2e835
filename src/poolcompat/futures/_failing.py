"""What futures of process pools end with when something went wrong on the way."""

from __future__ import annotations

import pickle
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from ..hosting._performing import describe, format_error
from ._process_stdlib import RemoteTraceback

if TYPE_CHECKING:
    from ..hosting._host import Host
    from ..hosting._wire import Failure


def broken_error(message: str, cause: BaseException | None) -> BrokenProcessPool:
    """Return an exception of its own for a call that cannot run any more."""
    error = BrokenProcessPool(message)
    error.__cause__ = cause
    return error


def broken_by_end(host: Host) -> tuple[str, BaseException]:
    """Return the message and the cause of such exceptions after a process has ended by itself."""
    message = (
        "A process in the process pool was terminated abruptly while the future was running or "
        f"pending: {host.fate()}"
    )
    # The words of 3.15
    pid, code = host.process.pid, host.process.exitcode
    return message, RemoteTraceback(
        f"\n'''\nProcess {pid} terminated abruptly with exit code {code}'''"
    )


def unpicklable(what: str, cause: BaseException) -> pickle.UnpicklingError:
    """Return the error of an answer that cannot be unpickled here."""
    error = pickle.UnpicklingError(f"{what} cannot be unpickled: {describe(cause)}")
    error.__cause__ = cause
    return error


def _trace(text: str) -> BaseException:
    error: BaseException = RemoteTraceback(f'\n"""\n{text}"""')
    return error


def without_frames(error: BaseException) -> BaseException:
    """Return *error* with its traceback as text, as its cause, so that it keeps nothing alive."""
    error.__cause__ = _trace(format_error(error))
    error.__traceback__ = None
    return error


def error_of(failure: Failure) -> BaseException:
    """Return the exception that a process has sent, with its traceback there as the cause."""
    trace = _trace(failure.traceback)
    try:
        error = pickle.loads(failure.pickled)
        if not isinstance(error, BaseException):
            raise TypeError(f"it became {describe(error)}, which is no exception")
    except BaseException as cause:
        cause.__cause__ = trace
        return unpicklable(f"the exception {failure.description} of the task", cause)
    error.__cause__ = trace
    return error

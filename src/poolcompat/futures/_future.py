"""``Future``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .. import _stdlib
from .._standing_in import StandIn

T = TypeVar("T")

if TYPE_CHECKING:
    _Base = _stdlib.Future
else:
    # The class itself cannot be subscripted before 3.9.
    _Base = {T: _stdlib.Future}


class Future(_Base[T], metaclass=StandIn):
    """The standard library's ``Future`` with the newest behaviour on every version.

    Executors make it; it is not meant to be made by others, except for tests.
    ``isinstance(future, Future)`` is true for every ``concurrent.futures.Future``.
    """

    _stands_in_for = _stdlib.Future

    def result(self, timeout: float | None = None) -> T:
        """Return what the call returned, or raise what it raised.

        Args:
            timeout: Seconds to wait at most; ``None``, the default, is for ever, and so is
                infinity.

        Raises:
            CancelledError: The future was cancelled.
            TimeoutError: The call has not finished in time.  It is both the built-in exception
                (3.11) and that of ``concurrent.futures``.
        """
        try:
            with self._condition:
                _wait_until_finished(self, timeout)
                return self.__get_result()  # type: ignore[attr-defined, no-any-return]
        finally:
            # Break a reference cycle with the exception in self._exception
            del self

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the call raised, or ``None`` if it returned.

        Args:
            timeout: As for :meth:`result`.

        Raises:
            CancelledError: The future was cancelled.
            TimeoutError: The call has not finished in time, as for :meth:`result`.
        """
        with self._condition:
            _wait_until_finished(self, timeout)
            return self._exception


def _wait_until_finished(future: Any, timeout: float | None) -> None:
    """Wait with the future's condition held."""
    if future._state not in _stdlib.DONE_STATES:
        future._condition.wait(_stdlib.wait_time(timeout))
    if future._state in _stdlib.CANCELLED_STATES:
        raise _stdlib.CancelledError
    if future._state != _stdlib.FINISHED:
        raise _stdlib.TimeoutError

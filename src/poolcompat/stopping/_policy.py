"""What ``terminate()`` does about tasks that still run."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Optional

POLICIES = ("warn", "escalate", "silent")


class Policy(NamedTuple):
    """What is done, and how long it may take."""

    #: One of :data:`POLICIES`.
    on_terminate: str = "warn"
    #: Seconds that a task has to stop by itself once it has been asked.
    grace: float = 1.0
    #: Seconds in total before what still runs is given up; ``None`` is for ever.
    timeout: Optional[float] = 5.0

    @classmethod
    def checked(
        cls, on_terminate: str = "warn", grace: float = 1.0, timeout: float | None = 5.0
    ) -> Policy:
        """Return the policy.

        Raises:
            ValueError: *on_terminate* is no policy, or a time is negative or not a number.
            TypeError: A time is of the wrong type.
        """
        if on_terminate not in POLICIES:
            accepted = ", ".join(map(repr, POLICIES[:-1])) + f" or {POLICIES[-1]!r}"
            raise ValueError(f"on_terminate must be {accepted}, not {on_terminate!r}")
        check_seconds("grace", grace)
        if timeout is not None:
            check_seconds("timeout", timeout, " or None")
        return cls(on_terminate, grace, timeout)

    def but(
        self,
        on_terminate: str | None = None,
        grace: float | None = None,
        timeout: float | None = None,
    ) -> Policy:
        """Return this policy with what is not ``None`` in place of its own; raise the same."""
        return self.checked(
            self.on_terminate if on_terminate is None else on_terminate,
            self.grace if grace is None else grace,
            self.timeout if timeout is None else timeout,
        )


def check_seconds(name: str, seconds: Any, alternative: str = "") -> None:
    """Check a length of time.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative or not a number.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds{alternative}, not {seconds!r}")
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"{name} must be at least 0 seconds{alternative}, not {seconds!r}")

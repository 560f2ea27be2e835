"""What ``terminate()`` does about tasks that still run."""

from __future__ import annotations

# "escalate" joins these together with the ladder.
POLICIES = ("warn", "silent")


def check_policy(on_terminate: str) -> str:
    """Return *on_terminate*.

    Raises:
        ValueError: It is no policy.
    """
    if on_terminate not in POLICIES:
        accepted = " or ".join(map(repr, POLICIES))
        raise ValueError(f"on_terminate must be {accepted}, not {on_terminate!r}")
    return on_terminate

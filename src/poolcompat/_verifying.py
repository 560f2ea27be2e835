"""Provoke the defects, each in a process of its own, and tell what happened."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from types import FrameType
from typing import IO, Any, Callable, Collection, Iterator, NamedTuple, NoReturn, Sequence

from .futures import ThreadPoolExecutor, as_completed
from .monkey import Repair
from .monkey._defects._child import child_command, child_environment
from .monkey._defects._doors import IMPORT, NONE, PATCH

OK, WRONG, HANGS = "ok", "wrong", "hangs"
#: It cannot be provoked here.
NOT_HERE = "n/a"
#: ``POOLCOMPAT_SKIP`` turns the repair off.
SKIPPED = "skipped"

# How long a program may take that is expected to end well
_PATIENCE_S = 30.0
# How long one that is expected to fail may stand still before it counts as hanging
_STILL_S = 2.0
# How many at a time: most wait, and a container may have less processors than it sees.
_AT_ONCE = min(8, 2 * (os.cpu_count() or 1))

_CALL = "poolcompat.monkey._defects:provoke"


class Outcome(NamedTuple):
    """What happened when a defect was provoked."""

    #: "ok", "wrong", "hangs", "n/a" or "skipped".
    result: str
    #: The last line that it printed on standard error; for "n/a" what is missing here.
    detail: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the defect showed."""
        return self.result in (WRONG, HANGS)


class Verified(NamedTuple):
    """What happened to one repair."""

    #: With the standard library as it is.
    without: Outcome
    #: Behind both doors; if one of them fails, it is that one's.
    repaired: Outcome


class Children:
    """The processes that run, so that none is left behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    @contextlib.contextmanager
    def running(
        self, arguments: Sequence[str], folder: str, errors: IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a child for a ``with`` block, which kills it and what it has started."""
        with self._lock:
            if self._is_over:
                raise InterruptedError
            child = subprocess.Popen(
                [*child_command(_CALL), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env=child_environment(),
                start_new_session=True,
            )
            self._running.add(child)
        try:
            with child:
                try:
                    yield child
                finally:
                    _kill(child)
        finally:
            with self._lock:
                self._running.remove(child)

    def kill_all(self) -> None:
        """Kill those that run; no other will be started."""
        with self._lock:
            self._is_over = True
            for child in self._running:
                _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()


def outcome(
    name: str, door: str, limit_s: float = _PATIENCE_S, children: Children | None = None
) -> Outcome:
    """Provoke the defect that the repair called *name* repairs, behind a door.

    Args:
        name: The repair.
        door: "none", "import" or "patch".
        limit_s: How long it may take from the step on that shows the defect, in seconds.
        children: Where the process is registered while it runs.
    """
    # An empty folder: processes that are spawned look for modules there first.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        with (children or Children()).running([name, door], folder, errors) as child:
            first = _first_line(child)
            if first is None:
                return Outcome(HANGS, "before it came to the defect")
            if first.startswith("needs "):
                return Outcome(NOT_HERE, first)
            try:
                status = child.wait(limit_s)
            except subprocess.TimeoutExpired:
                return Outcome(HANGS)
        errors.seek(0)
        printed = errors.read().decode(errors="replace").splitlines()
    last = printed[-1] if printed else ""
    if first == "provoked" and status == 0:
        return Outcome(OK, last)
    return Outcome(WRONG, last or f"exit status {status}")


def _first_line(child: subprocess.Popen[bytes]) -> str | None:
    """Return what *child* prints first, or ``None`` if that takes too long."""
    late = []

    def end() -> None:
        late.append(child)
        _kill(child)

    assert child.stdout is not None
    alarm = threading.Timer(_PATIENCE_S, end)
    alarm.start()
    try:
        first = child.stdout.readline()
    finally:
        alarm.cancel()
    return None if late else first.decode().strip()


def verify(
    rows: Sequence[Repair],
    skipped: Collection[Repair] = (),
    on_progress: Callable[[int, str], None] = lambda done, name: None,
) -> dict[str, Verified]:
    """Provoke the defects of *rows*, some at a time.

    Args:
        rows: Repairs.
        skipped: Those that ``POOLCOMPAT_SKIP`` turns off.
        on_progress: Called, in this thread, with the number of those that are done, and the name
            of the last one.

    Returns:
        What happened, by the name of the repair.

    Raises:
        SystemExit: A signal has asked this process to end.
    """
    children = Children()
    verified = {}
    with _handling_signals(), ThreadPoolExecutor(_AT_ONCE, cancel_on_error=True) as executor:
        futures = {executor.submit(_verify_one, row, row in skipped, children): row for row in rows}
        try:
            for future in as_completed(futures):
                name = futures[future].name
                verified[name] = future.result()
                on_progress(len(verified), name)
        except BaseException:
            children.kill_all()
            raise
    return verified


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _handling_signals() -> Iterator[None]:
    """Have signals that would end this process leave no child, and let it see how those end."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name, usual, handler in (
            ("SIGHUP", signal.SIG_DFL, _leave),
            ("SIGTERM", signal.SIG_DFL, _leave),
            ("SIGCHLD", signal.SIG_IGN, signal.SIG_DFL),  # Ignored, all status would be 0.
        ):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is usual:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _verify_one(row: Repair, is_skipped: bool, children: Children) -> Verified:
    limit_s = _STILL_S if row.is_needed() else _PATIENCE_S
    without = outcome(row.name, NONE, limit_s, children)
    if is_skipped:
        return Verified(without, Outcome(SKIPPED))
    for door in (IMPORT, PATCH):
        repaired = outcome(row.name, door, children=children)
        if repaired.is_bad:
            detail = f"{door} door: {repaired.detail}" if repaired.detail else f"{door} door"
            return Verified(without, Outcome(repaired.result, detail))
    return Verified(without, repaired)

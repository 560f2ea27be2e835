"""How the callbacks of a ``ThreadPool``'s results are called, and how it settles what is left.

One thread of the pool calls them, one at a time; it is started when the first is submitted.
"""

from __future__ import annotations

import collections
import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, Optional, Tuple

from .._calling import call_each
from .._threads import this_thread
from ..stopping._task_stopped import TaskStopped
from ._completing import (
    decide,
    finish,
    has_begun,
    is_decided,
    stop,
    tell,
    wants_callbacks,
)
from ._results import ApplyResult, call_back

if TYPE_CHECKING:
    from ._engine import Engine


#: A result, the number of a task, and its outcome.  Without an outcome that of the result is known,
#: without a number it is that of the result.
Entry = Tuple[Any, Optional[int], Optional[Tuple[bool, Any]]]


class Callbacks:
    """What is to be called.

    Attributes:
        thread: What calls, or ``None`` if nothing had to be called so far.
        queue: Wakes the thread, once for each entry and for the end.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.thread: threading.Thread | None = None
        self.queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._is_starting = False
        # Taken with the lock held, so that whoever settles misses none
        self._entries: collections.deque[Entry] = collections.deque()
        self._is_ending = False
        # The result whose callback the thread is calling
        self._current: Any = None
        # Whether what is left has been, or is being, settled
        self._is_settled = False
        # Whether the thread goes on calling nevertheless
        self._is_delegated = False
        self._has_ended = False

    def start(self) -> None:
        """Start the thread, unless it is.

        Raises:
            RuntimeError: It cannot be started.
        """
        with self._engine.lock:
            if self.thread is not None or self._is_starting:
                return
            self._is_starting = True  # for a signal handler that submits something
            try:
                thread = threading.Thread(target=handle_results, args=(self,), daemon=True)
                thread.start()
                self.thread = thread
            finally:
                self._is_starting = False

    def put(self, entry: Entry) -> None:
        """Have something called: in the thread, or here if the pool has been terminated."""
        result = self.take(entry)
        if result is not None:
            tell(call_back(result))

    def take(self, entry: Entry) -> Any:
        """Take *entry*; return the result if the caller has to call back.

        In that case it is ready already, as nobody can tell when callbacks return.
        """
        with self._engine.lock:
            if not self._has_ended and not self._is_settled:
                # It is not there only if a method of the standard library has submitted this.
                with contextlib.suppress(RuntimeError):
                    self.start()
                    self._add(entry)
                    return None
            if not self._decide(entry):
                return None
            result = entry[0]
            finish(result)
            if self._has_ended or not self._is_delegated:
                return result
            self._add((result, None, None))
            return None

    def dropped(self) -> list[Any]:
        """Return results that may be in no cache, because they are to be called back."""
        return [entry[0] for entry in [*self._entries, (self._current,)] if entry[0] is not None]

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self.queue.put(None)

    def end(self) -> None:
        """End the thread when it has called what there is."""
        self._is_ending = True
        self.queue.put(None)

    def run(self) -> None:
        """Call what there is, until the end."""
        lock = self._engine.lock
        while True:
            self.queue.get()
            with lock:
                is_taken_over = self._is_settled and not self._is_delegated
                if is_taken_over or (self._is_ending and not self._entries):
                    self._has_ended = True
                    return
                if not self._entries:
                    continue
                # Noted before it is taken, for a fork in another thread
                entry: Any = self._entries[0]
                self._current = entry[0]
                self._entries.popleft()
                if not (_is_theirs(entry) or self._decide(entry)):
                    self._current = None
            if self._current is not None:
                if _is_theirs(entry):
                    self._decide(entry)
                else:
                    call_back(self._current)
                    finish(self._current)
            # Freed before the next one comes
            entry = None
            with lock:
                self._current = None

    def _decide(self, entry: Entry) -> bool:
        """Take the outcome of *entry*; return whether the result is decided now."""
        result, i, outcome = entry
        if outcome is None:
            return True
        if i is None:
            with self._engine.lock:
                decide(result, outcome[1])
                return True
        if _is_theirs(entry):
            _set_theirs(self._engine, result, i, outcome)
            return False
        return bool(result._note(i, outcome))

    def settle(self, can_call: bool = True) -> None:
        """Make each outstanding result ready; the pool has been stopped.

        Then callbacks are called here, or, if one is being called in the thread, there afterwards.

        Args:
            can_call: Whether callbacks are called at all.

        Raises:
            BaseException: Of a callback, but for an ``Exception``, which is logged.
        """
        engine = self._engine
        me = this_thread()  # The last reference may go where there is none, which makes none.
        is_mine = me is not None and self.thread is me
        with engine.lock:
            self._is_settled = True
            is_busy = self._current is not None or (self._is_delegated and not self._has_ended)
            self._is_delegated = can_call and is_busy and not is_mine
            if self._current is not None and not is_mine and is_decided(self._current):
                finish(self._current)
            entries, self._entries = self._entries, collections.deque()
            # Those of the standard library are in the cache as well.
            due = [self.take(entry) for entry in entries if not _is_theirs(entry)]
            jobs = engine.begun_jobs()
            for job, result in engine.cache.copy().items():
                if result is self._current:
                    continue  # Its own callback has called us; that makes it ready.
                reason = "abandoned" if has_begun(result, jobs) else "not started"
                if is_decided(result):
                    finish(result)
                elif engine.cache.pop(job, None) is not None:
                    due.append(self.end_result(result, TaskStopped(reason)))
            self.end()
        if can_call:
            call_back_all(due)

    def end_result(self, result: Any, error: BaseException) -> Any:
        """Make a result ready that has been taken out of the cache; return what :meth:`take` does.

        The lock is held.
        """
        if wants_callbacks(result):
            return self.take((result, None, (False, error)))
        stop(result, error)
        return None


def call_back_all(due: list[Any]) -> None:
    """Call back what the thread for callbacks does not, with no lock held; skip ``None``."""
    call_each(lambda result: tell(call_back(result)), filter(None, due))


def handle_results(callbacks: Callbacks) -> None:
    """Call what there is; what the thread does."""
    callbacks.run()


def _is_theirs(entry: Entry) -> bool:
    """Tell whether a part of a result of the standard library is to be completed."""
    return entry[1] is not None and not isinstance(entry[0], ApplyResult)


def _set_theirs(engine: Engine, result: Any, i: int, outcome: tuple[bool, Any]) -> None:
    """Do what the standard library's engine does, whose results call back themselves."""
    try:
        if result._job in engine.cache:
            result._set(i, outcome)
    except BaseException as error:
        if engine.cache.pop(result._job, None) is not None:
            result._success, result._value = False, error
            result._event.set()

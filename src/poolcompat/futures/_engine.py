"""What an executor's calls in child processes are kept in, and who completes them.

:mod:`._managing` sends them out; see :mod:`._killable` for the way that a call takes.

Guarantees:

* Whoever takes a call out of ``running`` of its process, or out of ``waiting``, completes it; so
  each is completed once, and by somebody.
* No lock is held while code of the user's runs, except for what ``multiprocessing`` pickles to
  start a process; and none of a future's is taken while the engine's is held, because a signal
  handler that has interrupted a method of the future may submit.

Assumption: the methods of ``dict`` and ``deque`` are atomic.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from typing import Any, Callable, NamedTuple, Optional, Tuple

from .. import _forks, _stdlib
from .._calling import call_each
from ..hosting._host import Host, import_starters
from . import _process_exit
from ._failing import broken_error
from ._fork import give_up
from ._future import Future, cancel_for_good, lock_of
from ._managing import Manager


class Plan(NamedTuple):
    """What the processes of an executor are like."""

    #: How many there are at most.
    max_hosts: int
    #: Whether all are started with the first call.
    starts_all: bool
    #: Whether what had not begun when a process ended runs in a new one.
    restarts: bool
    #: How long they may hold up the exit of the interpreter; ``None`` is for ever.
    end_grace: Optional[float]


class Call:
    """A call that has not been answered."""

    __slots__ = ("executor", "future", "is_asked", "is_begun", "number", "payload")

    def __init__(self, number: int, future: Any, executor: Any) -> None:
        self.number = number
        self.future = future
        # Whose end, when it is collected, must wait for this
        self.executor = executor
        #: What was sent, as long as it might have to be sent again
        self.payload: Any = None
        self.is_begun = False
        #: Whether somebody wants it to stop
        self.is_asked = False

    def set_result(self, value: Any) -> None:
        """Complete the future."""
        self._complete(self.future.set_result, value)

    def fail(self, error: BaseException) -> None:
        """Complete the future with an exception, or let those know who wait for a cancelled one."""
        if self.future.cancelled():
            self._complete(cancel_for_good, self.future)
        else:
            self._complete(self.future.set_exception, error)

    def _complete(self, complete: Callable[[Any], object], value: Any) -> None:
        vars(self.future).pop("_poolcompat_ask", None)
        try:
            complete(value)
        except BaseException:
            # Of a done-callback, or because somebody else has completed the future
            _stdlib.LOGGER.critical("Exception in the manager of a pool", exc_info=True)


class Engine:
    """Runs the calls of one executor.

    Args:
        executor: The executor.
        plan: As above.
        start: Called with the executor, it starts a :class:`Host`.
    """

    def __init__(self, executor: Any, plan: Plan, start: Callable[[Any], Host]) -> None:
        import_starters()
        self.plan = plan
        self._start = start
        #: All calls that have not been answered, by their number
        self.calls: dict[int, Any] = {}
        #: The processes that take calls, by their id
        self.processes: dict[int, Any] = {}
        #: How many processes have ended by themselves since a call was begun
        self.deaths = 0
        self.is_closed = False
        #: Whether what has not begun is not wanted any more
        self.is_cancelling = False
        #: Why no call can run any more, and the exception that caused it
        self.broken: Optional[Tuple[str, Optional[BaseException]]] = None
        self._begin_anew()

        reference = weakref.ref(self)

        def close(_: object) -> None:
            engine = reference()
            if engine is not None:
                engine.is_closed = True
                engine.ring()

        self.executor = weakref.ref(executor, close)
        _forks.survive_forks(self, Engine._after_fork)

    def _begin_anew(self) -> None:
        self.lock = _stdlib.RLock()
        #: For forks: those of calls that are being answered or cancelled are nowhere else
        self.futures: Any = weakref.WeakSet()
        #: What has not been sent yet
        self.waiting: deque[Call] = deque()
        #: What has a place, but has not been sent yet
        self.placed: deque[Tuple[Host, Call]] = deque()
        self.hosts: list[Host] = []
        #: Those that are being killed, until their calls are done
        self.dying: set[Host] = set()
        self.manager: Optional[Manager] = None
        self._is_starting = self._is_placing = False

    def _after_fork(self) -> None:
        futures = list(self.futures)
        if self.manager is not None:
            self.manager.watch.close()
        self.calls.clear()
        self.processes.clear()
        self._begin_anew()
        executor = self.executor()
        if executor is not None:
            executor._shutdown_lock = self.lock
        for future in futures:
            give_up(future)

    def refuse(self) -> None:
        """Raise if no more calls are taken."""
        if self.broken is not None:
            raise broken_error(*self.broken)
        if self.is_closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if _process_exit.is_exiting():
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    def enqueue(self, call: Call) -> None:
        """Have a call run when there is a place for it; with the lock held.

        Raises:
            Exception: No process can be started, and none lives; then the call never runs.
        """
        self.futures.add(call.future)
        self.calls[call.number] = call
        self.waiting.append(call)
        try:
            self.start_hosts(call.executor)
        except BaseException:
            if self.manager is None or not self.hosts:
                # A signal handler may have submitted others meanwhile.
                call_each(lambda future: future.cancel(), self.drop_waiting())
                raise
        self.place()
        self.ring()

    def place(self) -> None:
        """Give calls to the processes that have places for them; with the lock held.

        The manager sends them.  From here on ``shutdown(cancel_futures=True)`` leaves them alone.
        """
        # What a signal handler has interrupted goes on with its calls as well.
        if self._is_placing:
            return
        self._is_placing = True
        try:
            for host in self.hosts:
                while host.free() > 0 and self.waiting:
                    with contextlib.suppress(IndexError):  # A signal handler may have taken it.
                        call = self.waiting.popleft()
                        host.running[call.number] = call
                        host.has_answered = False
                        self.placed.append((host, call))
        finally:
            self._is_placing = False

    def start_hosts(self, executor: Any) -> None:
        """Start what is lacking of the processes, and the manager; with the lock held."""
        # What a signal handler has interrupted goes on with its calls as well.
        if self._is_starting:
            return
        self._is_starting = True
        try:
            while self._lacks_hosts():
                host = self._start(executor)
                self.hosts.append(host)
                self.processes[host.process.pid] = host.process
                self.place()
                self.ring()
            if self.manager is None:
                self.manager = Manager(self)
        finally:
            self._is_starting = False

    def _lacks_hosts(self) -> bool:
        alive = [host for host in self.hosts if not (host.is_ending or host.is_killed)]
        if len(alive) >= self.plan.max_hosts:
            return False
        # What is starting, or could not be sent its last call, may not be idle.
        idle = sum(host.free() for host in alive if host.has_answered)
        return self.plan.starts_all or len(self.waiting) > idle

    def ring(self) -> None:
        """Have the manager look at what has changed."""
        manager = self.manager
        if manager is not None:
            manager.watch.ring()

    def drop_waiting(self) -> list[Any]:
        """Take all calls that have not been sent, and return their futures."""
        futures = []
        with self.lock:
            while self.waiting:
                call = self.waiting.popleft()
                self.calls.pop(call.number, None)
                futures.append(call.future)
        return futures

    def take_running(self, host: Host, put_back: bool) -> list[Call]:
        """Take all calls that were sent to a process, which is gone.

        Put those back in the queue, if *put_back*, that it has not begun.
        """
        with self.lock:
            calls = [host.running.pop(number, None) for number in list(host.running)]
        sent = [call for call in calls if call is not None]
        taken: list[Call] = []
        back: list[Call] = []
        for call in sent:
            is_back = put_back and not call.is_begun
            (back if is_back else taken).append(call)
        unwanted = [call for call in back if call.is_asked or self.is_cancelling]
        for call in back:
            with lock_of(call.future):
                if call.future._state == _stdlib.RUNNING:
                    call.future._state = _stdlib.PENDING
        with self.lock:
            self.waiting.extendleft(call for call in reversed(back) if call not in unwanted)
            for call in (*taken, *unwanted):
                self.calls.pop(call.number, None)
        call_each(cancel_for_good, [call.future for call in unwanted])
        return taken

    def fail_all(self, message: str, cause: BaseException | None) -> None:
        """Fail all calls, take no more, and end the processes."""
        with self.lock:
            if self.broken is None:
                self.broken = message, cause
            self.is_closed = True
            executor = self.executor()
            if executor is not None:
                executor._broken, executor._shutdown_thread = message, True
            calls = list(self.calls.values())
            self.calls.clear()
            self.waiting.clear()
            for host in self.hosts:
                host.running.clear()
                host.is_killed = True
        for call in calls:
            call.fail(broken_error(message, cause))
        call_each(lambda host: host.signal(kill=False), list(self.hosts))


def submit(engine: Engine, executor: Any, fn: Any, args: Any, kwargs: Any) -> Future[Any]:
    """Have ``fn(*args, **kwargs)`` run in a process of *executor*."""
    future: Any = Future()
    future._poolcompat_call = fn, args, kwargs
    with engine.lock:
        engine.refuse()
        number = executor._queue_count
        executor._queue_count = number + 1
        engine.enqueue(Call(number, future, executor))
    result: Future[Any] = future
    return result

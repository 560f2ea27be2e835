"""The thread that talks to the processes of an executor.

Guarantees:

* A call is sent when there is a place for it, not before: until then it can be cancelled.
* Every future becomes done: with an answer, or when its process is gone, which is seen at once, and
  within a second even if something else keeps the pipe open.
* Nothing that a callback, or an object that is pickled, does ends the thread.

Assumption: a process that is ready takes what it is sent; while it does not, because a call holds
the interpreter's lock (GIL) in it, the thread waits, until the process is killed.
"""

from __future__ import annotations

import functools
import pickle
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Iterable

from .._calling import call_each
from .._stdlib import CANCELLED_STATES
from ..hosting import _wire
from ..hosting._watch import Watch
from . import _process_exit
from ._failing import broken_by_end, broken_error, error_of, unpicklable, without_frames

if TYPE_CHECKING:
    from ..hosting._host import Host
    from ._engine import Call, Engine

# How often processes are looked at, in seconds, while there is something to lose
_LOOK_EVERY = 1.0
# How long a process may go on that has closed its pipe, or was asked to end by a signal
_CLOSED_FOR = 1.0
# How many processes may end one after the other of which none has begun a call
_DEATHS = 3


class Manager:
    """What the thread does; it is running when it is made."""

    def __init__(self, engine: Engine) -> None:
        # No base class, because gevent may replace that in the module at any time.
        self.thread = threading.Thread(target=self._run, name="poolcompat-manager", daemon=True)
        self.engine = engine
        self._calls = engine.calls
        self.watch = Watch()
        #: The numbers of the calls that are to be asked to stop
        self.stops: list[int] = []
        self._next_look = 0.0
        # The processes that are watched, and when they are to be killed
        self._deadlines: dict[Host, float | None] = {}
        _process_exit.enroll(engine)
        try:
            self.thread.start()
        except BaseException:
            _process_exit.forget(engine)
            self.watch.close()
            raise

    def _run(self) -> None:
        engine = self.engine
        try:
            while not self._is_over():
                self._step()
        except BaseException as error:
            # No memory, or no new process
            engine.fail_all(f"the manager of the pool has failed: {error!r}", error)
            call_each(lambda host: host.end(_CLOSED_FOR), engine.hosts)
            engine.hosts.clear()
        finally:
            _process_exit.forget(engine)
            self.watch.close()
            # Break a reference cycle
            del self.engine

    def ask(self, number: int) -> None:
        """Have a call asked to stop that runs."""
        call = self._calls.get(number)
        if call is not None:
            call.is_asked = True
            self.stops.append(number)
            self.watch.ring()

    def _is_over(self) -> bool:
        engine = self.engine
        if not engine.is_closed:
            return False
        with engine.lock:
            return not engine.calls and not engine.hosts

    def _step(self) -> None:
        self.watch.listen()
        hosts = list(self.engine.hosts)
        for host in hosts:
            if host not in self._deadlines:
                self.watch.add(host.connection, host)
                self._deadlines[host] = None
        if self.engine.waiting or self.engine.placed:
            self._assign()
        while self.stops:
            number = self.stops.pop(0)
            for host in hosts:
                if number in host.running:
                    host.send((_wire.STOP, number, b""))
        if self.engine.waiting or self.engine.is_closed:
            self._end_idle(hosts)
        is_busy = any(host.running or host.is_ending or host.is_killed for host in hosts)
        ready = self.watch.wait(_LOOK_EVERY if is_busy else None)
        for host in ready:
            messages = host.receive()
            if messages is None:
                self._lose(host)
            else:
                self.handle(host, messages)
        if is_busy and (not ready or monotonic() > self._next_look):
            self._next_look = monotonic() + _LOOK_EVERY
            self._look_at(hosts)

    def _assign(self) -> None:
        engine = self.engine
        while True:
            with engine.lock:
                dropped = []
                while engine.waiting and engine.waiting[0].future._state in CANCELLED_STATES:
                    dropped.append(engine.waiting.popleft())
                engine.place()
                placed = [engine.placed.popleft() for _ in range(len(engine.placed))]
            for call in dropped:
                self._begin(call)
            if not placed:
                return
            batches: dict[Host, list[Call]] = {}
            for host, call in placed:
                if host.running.get(call.number) is not call:
                    continue  # The process was killed meanwhile.
                if self._begin(call):
                    batches.setdefault(host, []).append(call)
                else:
                    host.running.pop(call.number, None)
            for host, batch in batches.items():
                self._send(host, batch)

    def _begin(self, call: Call) -> bool:
        """Mark a call as running, and return whether it is to run."""
        try:
            is_wanted: bool = call.future.set_running_or_notify_cancel()
        except RuntimeError:
            is_wanted = False  # Somebody has completed its future.
        if is_wanted:
            vars(call.future)["_poolcompat_ask"] = functools.partial(self.ask, call.number)
        else:
            self.engine.calls.pop(call.number, None)
        return is_wanted

    def _send(self, host: Host, batch: Iterable[Call]) -> None:
        messages = []
        for call in batch:
            payload = call.payload or self._packed(host, call)
            if payload is None:
                continue
            if self.engine.plan.restarts:
                call.payload = payload
            messages.append((_wire.CALL, call.number, payload))
        if host.tasks_left is not None:
            host.tasks_left -= len(messages)
        host.send(*messages)

    def _packed(self, host: Host, call: Call) -> memoryview | None:
        """Pickle a call, or fail it."""
        try:
            return _wire.pack(vars(call.future).pop("_poolcompat_call"))
        except BaseException as error:
            if host.running.pop(call.number, None) is not None:
                self.engine.calls.pop(call.number, None)
                call.fail(without_frames(error))
            return None

    def _end_idle(self, hosts: Iterable[Host]) -> None:
        engine = self.engine
        with engine.lock:
            if engine.is_closed and not engine.calls:
                for host in hosts:
                    self._retire(host)
            if engine.waiting:
                try:
                    engine.start_hosts(engine.waiting[0].executor)
                except Exception:
                    # If others live they take the calls when they can.
                    if all(host.is_ending or host.is_killed for host in engine.hosts):
                        raise

    def _retire(self, host: Host) -> None:
        """Have a process end that has no calls any more."""
        if not (host.is_ending or host.is_killed):
            host.is_ending = True
            host.send((_wire.END, 0, b""))

    def handle(self, host: Host, messages: Iterable[tuple[str, int, Any]]) -> None:
        """Do what messages of a process tell."""
        messages = list(messages)
        for kind, number, _ in messages:
            # Before a callback can kill the process
            if kind == _wire.BEGUN:
                self.engine.deaths = 0
                call = host.running.get(number)
                if call is not None:
                    call.is_begun, call.payload = True, None
        for kind, number, body in messages:
            if kind == _wire.READY:
                host.become_ready()
            elif kind == _wire.FAILED:
                # It ends in good order, and what its initializer has logged is sent.
                host.failure = error_of(body)
                host.send((_wire.END, 0, b""))
            elif kind != _wire.BEGUN:
                call = host.running.pop(number, None)
                host.has_answered = True
                if host.tasks_left == 0 and not host.running:
                    # Before anybody can look how many there are
                    self.engine.processes.pop(host.process.pid, None)
                    self._retire(host)
                if call is not None:
                    self.engine.calls.pop(number, None)
                    _answer(call, kind, body)

    def _look_at(self, hosts: Iterable[Host]) -> None:
        """Find out what no pipe has told: ends of processes, and those that do not end."""
        for host in [host for host in hosts if host in self._deadlines]:
            if not host.is_alive():
                self.handle(host, host.rest())
                self._lose(host)
                continue
            is_failing = host.is_killed or host.failure is not None
            grace = _CLOSED_FOR if is_failing else self.engine.plan.end_grace
            if grace is not None and (is_failing or host.is_ending):
                deadline = self._deadlines[host]
                if deadline is None:
                    self._deadlines[host] = monotonic() + grace
                elif monotonic() > deadline:
                    host.signal(kill=True)

    def _lose(self, host: Host) -> None:
        """Do without a process that is gone, or cannot be talked to any more."""
        engine = self.engine
        self.watch.remove(host.connection)
        del self._deadlines[host]
        host.end(None if host.is_ending and not host.is_killed else _CLOSED_FOR)
        with engine.lock:
            engine.hosts.remove(host)
            if not engine.is_closed:  # Later nobody adds any, and somebody may be iterating.
                engine.processes.pop(host.process.pid, None)
        if host.is_killed or host.is_ending:
            return  # Whoever has killed it completes its calls.
        if host.failure is not None:
            engine.fail_all("an initializer of the process pool has failed", host.failure)
        elif engine.plan.restarts and engine.deaths < _DEATHS:
            calls = list(host.running.values())
            engine.deaths += bool(calls) and not any(call.is_begun for call in calls)
            for call in engine.take_running(host, put_back=True):
                call.fail(broken_error(*broken_by_end(host)))
        else:
            engine.fail_all(*broken_by_end(host))


def _answer(call: Call, kind: str, body: Any) -> None:
    if kind == _wire.RAISED:
        call.fail(error_of(body))
        return
    try:
        value = pickle.loads(body)
    except BaseException as error:
        call.fail(unpicklable("the result of the task", error))
    else:
        call.set_result(value)

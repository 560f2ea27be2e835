"""``asyncio`` with our executors, and with its own under the patch."""

from __future__ import annotations

import asyncio
import threading

import pytest

from conftest import DEADLOCK_S
from poolcompat.stopping import current_stop_event


@pytest.fixture
def use(lib):
    """Give a loop the default executor of a door; under the patch it makes that by itself."""

    def use(loop):
        if lib.door == "import":
            loop.set_default_executor(lib.futures.ThreadPoolExecutor())

    return use


class Looking:
    """A task that runs until it is asked to stop."""

    def __init__(self):
        self.started = threading.Event()
        self.stopped = threading.Event()

    def __call__(self):
        self.started.set()
        if current_stop_event().wait(DEADLOCK_S):
            self.stopped.set()


async def call(use, function, *args):
    """Call it in the default executor of the running loop."""
    loop = asyncio.get_running_loop()
    use(loop)
    return await loop.run_in_executor(None, function, *args)


def test_the_default_executor(use):
    """Results come and exceptions, and the loop shuts it down."""
    assert asyncio.run(call(use, pow, 2, 5)) == 32
    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(call(use, int, "x"))


def test_many_at_once(use):
    """More calls than threads."""

    async def main():
        use(asyncio.get_running_loop())
        calls = (asyncio.get_running_loop().run_in_executor(None, abs, -n) for n in range(200))
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == list(range(200))


def test_wait_for_asks_the_task_to_stop(use):
    """When the time is over the future is cancelled, and so the stop event of its task is set."""
    looking = Looking()

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call(use, looking), 0.2)

    asyncio.run(main())
    assert looking.stopped.wait(DEADLOCK_S)  # Before 3.9 the loop does not wait for it.


def test_cancel_asks_the_task_to_stop(use):
    """So does cancelling what awaits it."""
    looking = Looking()

    async def main():
        waiting = asyncio.ensure_future(call(use, looking))
        while not looking.started.is_set():
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    assert looking.stopped.wait(DEADLOCK_S)  # Before 3.9 the loop does not wait for it.


@pytest.mark.skipif(not hasattr(asyncio, "to_thread"), reason="asyncio has no to_thread()")
def test_to_thread(use):
    """It runs in the default executor, in the context of the caller, and can be cancelled."""
    import contextvars

    name = contextvars.ContextVar("name")
    looking = Looking()

    async def main():
        use(asyncio.get_running_loop())
        name.set("alice")
        assert await asyncio.to_thread(name.get) == "alice"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(looking), 0.2)

    asyncio.run(main())
    assert looking.stopped.wait(DEADLOCK_S)  # Before 3.9 the loop does not wait for it.


def test_set_default_executor(lib):
    """It takes an executor of either door, also one that was made before the patch."""

    async def main(executor):
        loop = asyncio.get_running_loop()
        loop.set_default_executor(executor)
        return await loop.run_in_executor(None, lambda: threading.current_thread().name)

    with lib.futures.ThreadPoolExecutor(thread_name_prefix="mine") as executor:
        assert asyncio.run(main(executor)).startswith("mine")


@pytest.mark.skipif(
    not hasattr(asyncio.AbstractEventLoop, "shutdown_default_executor"),
    reason="asyncio has no shutdown_default_executor()",
)
def test_shutdown_default_executor(use):
    """It waits for what runs, and no more is taken."""
    ended = []

    async def main():
        loop = asyncio.get_running_loop()
        use(loop)
        started, gate = threading.Event(), threading.Event()

        def task():
            started.set()
            ended.append(gate.wait(DEADLOCK_S))

        loop.run_in_executor(None, task)
        while not started.is_set():
            await asyncio.sleep(0)
        shutdown = asyncio.ensure_future(loop.shutdown_default_executor())
        await asyncio.sleep(0)
        assert not shutdown.done()
        gate.set()
        await shutdown
        with pytest.raises(RuntimeError, match="shutdown"):
            loop.run_in_executor(None, int)

    asyncio.run(main())
    assert ended == [True]


def test_our_futures_can_be_awaited(lib):
    """wrap_future() takes them, and passes cancelling on in both directions."""

    async def main():
        with lib.futures.ThreadPoolExecutor(1) as executor:
            assert await asyncio.wrap_future(executor.submit(pow, 2, 5)) == 32
            started, gate = threading.Event(), threading.Event()
            executor.submit(lambda: (started.set(), gate.wait(DEADLOCK_S)))
            theirs, ours = executor.submit(int), executor.submit(int)
            wrapped = [asyncio.wrap_future(theirs), asyncio.wrap_future(ours)]
            wrapped[0].cancel()
            ours.cancel()
            await asyncio.wait(wrapped, timeout=DEADLOCK_S)
            assert theirs.cancelled()
            assert all(one.cancelled() for one in wrapped)
            gate.set()

    asyncio.run(main())

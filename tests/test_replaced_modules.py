"""Others, gevent for one, replace threads, queues and pipes in the modules, at any time."""

from __future__ import annotations

import multiprocessing
import os
from textwrap import dedent

import pytest

from fresh import run
from poolcompat.futures import KillableThreadPoolExecutor, ProcessPoolExecutor

REPLACED = """
    import queue, threading
    import poolcompat.futures, poolcompat.pool
    from poolcompat.futures import ProcessPoolExecutor, as_completed, wait

    waited, joined = set(), set()

    class Queue:
        def __init__(self):
            self.entries = queue.Queue()
            self.put, self.get_nowait = self.entries.put, self.entries.get_nowait
            self.empty, self.qsize = self.entries.empty, self.entries.qsize

        def get(self, block=True, timeout=None):
            waited.add(threading.current_thread())
            return self.entries.get(block, timeout)

    class Thread(threading.Thread):
        def join(self, timeout=None):
            joined.add(self)
            super().join(timeout)

    queue.SimpleQueue, threading.Thread = Queue, Thread
"""


def test_the_threads_of_a_pool_wait_in_what_is_there_when_it_is_made():
    """With gevent, one that waits elsewhere would stop all others."""
    program = """
        pool = poolcompat.pool.ThreadPool(1)
        assert pool.map(abs, [-1, -2]) == [1, 2]
        pool.close()
        threads = {pool._poolcompat_engine.feeder, *pool._pool}
        pool.join()
        assert len(threads) == 2
        assert threads <= waited
    """
    run(dedent(REPLACED) + dedent(program))


def test_the_threads_of_executors_are_those_that_are_there_when_they_are_made():
    """With gevent, no other thread could be joined before 3.13."""
    program = """
        with ProcessPoolExecutor(1) as executor:
            assert executor.submit(abs, -1).result() == 1
        assert [thread.name for thread in joined] == ["poolcompat-manager"]
    """
    run(dedent(REPLACED) + dedent(program))


@pytest.mark.skipif(os.name != "posix", reason="pipes are not sockets")
@pytest.mark.parametrize("kind", [ProcessPoolExecutor, KillableThreadPoolExecutor])
def test_pipes_that_do_not_block(monkeypatch, kind):
    """Those that multiprocessing makes of gevent's sockets do not."""
    original = multiprocessing.Pipe

    def pipe(duplex=True):
        ends = original(duplex)
        for end in ends if duplex else ():
            os.set_blocking(end.fileno(), False)
        return ends

    monkeypatch.setattr(multiprocessing, "Pipe", pipe)
    with kind(1) as executor:
        assert list(executor.map(len, [b"." * n for n in (1, 2_000_000)])) == [1, 2_000_000]

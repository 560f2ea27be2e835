"""``examples/three_engines.py``, and the futures of a cluster in our waiting functions."""

from __future__ import annotations

import re
import threading

import pytest

from conftest import DEADLOCK_S, ROOT, run

distributed = pytest.importorskip("distributed")

EXAMPLE = ROOT / "examples" / "three_engines.py"


@pytest.mark.parametrize("engine", ["threads", "killable", "cluster"])
def test_the_example(engine):
    """It runs unchanged on each of them, finds the PIN, and accounts for all chunks."""
    printed = run(EXAMPLE, "--engine", engine, "--pin", "031415").splitlines()
    assert printed[0] == "PIN 031415"
    counts = re.fullmatch(r"200 chunks: (\d+) searched, (\d+) stopped, (\d+) cancelled", printed[1])
    searched, stopped, cancelled = map(int, counts.groups())
    assert searched + stopped + cancelled == 200
    assert searched >= 1
    assert cancelled >= 1
    if engine == "cluster":
        assert stopped == 0


def test_the_page_quotes_the_example():
    """What it shows is in the program."""
    page = (ROOT / "docs" / "one-machine.md").read_text(encoding="utf-8")
    (excerpt,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert excerpt in EXAMPLE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def client():
    """A cluster of one thread in this process, so that events can hold what runs there."""
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with distributed.LocalCluster(dashboard_address=None, **options) as cluster, distributed.Client(
        cluster
    ) as client:
        yield client


class Gate:
    """A task that stays where it is until it is let go."""

    started = threading.Event()
    event = threading.Event()

    def __call__(self, number):
        Gate.started.set()
        Gate.event.wait(DEADLOCK_S)
        return number


@pytest.fixture
def gate(client):
    Gate.started.clear()
    Gate.event.clear()
    yield Gate()
    Gate.event.set()


def test_results_and_exceptions(lib, client):
    """All of them arrive, each once."""
    executor = client.get_executor(pure=False)
    futures = [executor.submit(pow, n, 2) for n in range(20)] + [executor.submit(int, "x")]
    arrived = list(lib.futures.as_completed(futures, DEADLOCK_S))
    assert sorted(map(id, arrived)) == sorted(map(id, futures))
    assert [future.result() for future in futures[:-1]] == [n**2 for n in range(20)]
    assert isinstance(futures[-1].exception(), ValueError)


def test_cancelled(lib, client, gate):
    """A future that is cancelled is done at once, also if its task runs, which goes on."""
    executor = client.get_executor(pure=False)
    running = executor.submit(gate, 1)
    assert Gate.started.wait(DEADLOCK_S)
    queued = executor.submit(gate, 2)
    assert queued.cancel()
    assert running.cancel()  # Where threads have to ask the task, and say False
    assert lib.futures.wait([running, queued], DEADLOCK_S).not_done == set()
    assert {*lib.futures.as_completed([running, queued], DEADLOCK_S)} == {running, queued}


def test_cancelled_by_the_cluster(lib, client, gate):
    """shutdown(wait=False) cancels everything, and whoever waits already is woken."""
    executor = client.get_executor(pure=False)
    futures = [executor.submit(gate, n) for n in range(5)]
    assert Gate.started.wait(DEADLOCK_S)
    arrived = []
    waiting = threading.Thread(
        target=lambda: arrived.extend(lib.futures.as_completed(futures, DEADLOCK_S))
    )
    waiting.start()
    executor.shutdown(wait=False)
    waiting.join(DEADLOCK_S)
    assert not waiting.is_alive()
    assert sorted(map(id, arrived)) == sorted(map(id, futures))
    assert all(future.cancelled() for future in futures)


def test_a_task_of_a_cluster_is_asked_nothing(client):
    """poolcompat.stopping works there, and never says stop."""

    def look():
        from poolcompat.stopping import checkpoint, stop_requested

        checkpoint()
        return stop_requested()

    assert client.get_executor(pure=False).submit(look).result(DEADLOCK_S) is False

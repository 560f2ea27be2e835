"""Short tasks against a thread that keeps interrupting: ``python race.py COUNT``."""

from __future__ import annotations

import collections
import sys
import threading
import time

from poolcompat.futures import ThreadPoolExecutor
from poolcompat.stopping import TaskStopped
from poolcompat.stopping._ladder import interrupt
from poolcompat.stopping._task import running_in

WORKERS = 3
BATCH = 5_000


def innocent(number):
    """A task that nobody means; it lets other threads run at its end."""
    time.sleep(0)
    return number


def victim(number):
    """A task that is interrupted wherever it is."""
    for _ in range(number % 50):
        pass
    if number % 3:
        time.sleep(0)
    return number


def race(count):
    """Run *count* tasks, every other one a victim, and return what came of them."""
    counts = collections.Counter()
    done = threading.Event()
    executor = ThreadPoolExecutor(WORKERS)

    def keep_interrupting():
        while not done.is_set():
            for one in running_in(list(executor._threads)):
                if one.fn is victim:
                    counts["sent"] += interrupt(one)

    hunter = threading.Thread(target=keep_interrupting)
    hunter.start()
    try:
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            tasks = [(innocent, victim)[number % 2] for number in numbers]
            futures = [executor.submit(fn, number) for fn, number in zip(tasks, numbers)]
            for fn, number, future in zip(tasks, numbers, futures):
                counts[_outcome(fn, number, future)] += 1
    finally:
        done.set()
        hunter.join()
    counts["dead workers"] = WORKERS - sum(thread.is_alive() for thread in executor._threads)
    executor.shutdown()
    return counts


def _outcome(fn, number, future):
    try:
        return "returned" if future.result(60) == number else "wrong"
    except TaskStopped as error:
        return "interrupted" if (fn, error.reason) == (victim, "interrupted") else "wrong"
    except BaseException:
        return "lost"


def main(count):
    sys.setswitchinterval(1e-5)
    counts = race(int(count))
    print(sys.version.split()[0], dict(counts))
    sys.exit(bool(counts["lost"] or counts["wrong"] or counts["dead workers"]))


if __name__ == "__main__":
    main(*sys.argv[1:])

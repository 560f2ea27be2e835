"""Find the PIN behind a hash: in threads, in a process that can be killed, or on a cluster.

The PINs are searched in chunks. As soon as one of them has the answer, the others are cancelled.
Only --engine says where they run: the search, as_completed() and cancel() are the same for all.

Usage: three_engines.py [--engine threads|killable|cluster] [--pin PIN] [--workers N]

The cluster needs "distributed"; here it has all its workers on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections import Counter
from contextlib import contextmanager

from poolcompat.futures import (
    CancelledError,
    KillableThreadPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from poolcompat.stopping import checkpoint

DIGITS = 6
CHUNK = 5_000  # PINs


def digest_of(pin: str) -> str:
    return hashlib.sha256(pin.encode()).hexdigest()


def search(digest: str, first: int) -> str | None:
    """Return the PIN if it is one of the chunk that begins with *first*."""
    for number in range(first, first + CHUNK):
        if number % 100 == 0:
            checkpoint()  # Ends it once it was asked to stop; nobody asks on a cluster.
        pin = str(number).zfill(DIGITS)
        if digest_of(pin) == digest:
            return pin
    return None


@contextmanager
def opened(engine: str, workers: int):
    """Give the executor of an engine, and end it."""
    if engine == "cluster":
        from distributed import Client, LocalCluster

        # It logs an error for each future that is cancelled while its result is on the way.
        logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
        options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            yield client.get_executor()
    else:
        kind = KillableThreadPoolExecutor if engine == "killable" else ThreadPoolExecutor
        with kind(workers) as executor:
            yield executor


def find(executor, digest: str) -> tuple:
    """Return the PIN, and how many chunks have ended in which way."""
    tally = Counter()
    found = None
    firsts = range(0, 10**DIGITS, CHUNK)
    futures = [executor.submit(search, digest, first) for first in firsts]
    for future in as_completed(futures):
        try:
            pin = future.result()
        except CancelledError:
            # Of one that had begun already, TaskStopped, which is one as well
            tally["cancelled" if future.cancelled() else "stopped"] += 1
            continue
        tally["searched"] += 1
        if pin is not None:
            found = pin
            for other in futures:
                other.cancel()
    return found, tally


def main() -> None:
    parser = argparse.ArgumentParser(description="Find the PIN behind a hash.")
    parser.add_argument("--engine", choices=["threads", "killable", "cluster"], default="threads")
    parser.add_argument("--pin", default="031415", help="what is to be found")
    parser.add_argument("--workers", type=int, default=2, help="chunks at a time")
    options = parser.parse_args()

    with opened(options.engine, options.workers) as executor:
        pin, tally = find(executor, digest_of(options.pin))
    print(f"PIN {pin}")
    print(
        "{} chunks: {} searched, {} stopped, {} cancelled".format(
            sum(tally.values()), tally["searched"], tally["stopped"], tally["cancelled"]
        )
    )


if __name__ == "__main__":
    main()

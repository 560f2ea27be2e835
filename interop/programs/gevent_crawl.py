"""A program of somebody who has gevent, and has never heard of poolcompat."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import threading  # noqa: E402
from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: E402


def main():
    everybody = threading.Barrier(9)
    # One native thread for all of them: each waits where the others go on.
    with ThreadPoolExecutor(9) as executor:
        together = [executor.submit(everybody.wait, 20) for _ in range(9)]
        assert len({future.result() for future in as_completed(together)}) == 9

    started, gate = threading.Event(), threading.Event()
    executor = ThreadPoolExecutor(1)
    futures = [executor.submit(lambda: (started.set(), gate.wait(20)))]
    futures += [executor.submit(int) for _ in range(3)]
    started.wait(20)
    executor.shutdown(wait=False, cancel_futures=True)
    gate.set()
    cancelled = [future.cancelled() for future in as_completed(futures, timeout=20)]
    print(f"{everybody.parties} greenlets at once, {sum(cancelled)} cancelled")


if __name__ == "__main__":
    main()

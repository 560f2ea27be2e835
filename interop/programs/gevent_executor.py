"""gevent's own executor of native threads.

Usage: gevent_executor.py first|last
"""

from __future__ import annotations

import sys

if sys.argv[1] == "first":
    from gevent import monkey

    monkey.patch_all()

import poolcompat

poolcompat.patch_all()

if sys.argv[1] == "last":
    from gevent import monkey

    monkey.patch_all()

from concurrent.futures import FIRST_EXCEPTION, as_completed, wait  # noqa: E402

import gevent.event  # noqa: E402
import gevent.threadpool  # noqa: E402

ALARM_S = 20


def fail():
    raise LookupError


def main():
    gevent.get_hub().NOT_ERROR += (LookupError,)  # which it would print
    gate = gevent.monkey.get_original("threading", "Event")()
    with gevent.threadpool.ThreadPoolExecutor(3) as executor:
        futures = [executor.submit(pow, n, 2) for n in range(9)]
        assert sorted(f.result() for f in as_completed(futures, ALARM_S)) == [
            n**2 for n in range(9)
        ]
        held, good, bad = (executor.submit(f) for f in (gate.wait, int, fail))
        assert wait([held, good], 0.1, FIRST_EXCEPTION).done <= {good}
        assert bad in wait([held, bad], ALARM_S, FIRST_EXCEPTION).done
        assert held._waiters == []
        gate.set()
        assert wait([held, good, bad], ALARM_S).not_done == set()
    print("held")


if __name__ == "__main__":
    main()

"""What ``bench.py`` runs: print the values measured for one side.

A process that is spawned from here imports this module again, as it does with any program, so
everything is imported further down.
"""

from __future__ import annotations

import sys

DEADLOCK_S = 180  # a child that takes longer shows its stacks and ends


def main(side, name, count):
    """Print what was measured: a value, or for a latency that of the first call and of others."""
    import faulthandler

    from processes import WORK_OF
    from works import IMPORT, LATENCY_OF, module_of

    faulthandler.dump_traceback_later(DEADLOCK_S, exit=True)
    if name in LATENCY_OF:
        latency, futures = LATENCY_OF[name], module_of(IMPORT, "futures")
        first = latency.measure(futures, 1)
        others = median(latency.measure(futures, 1) for _ in range(latency.repeats))
        print(repr(first), repr(others))
        return
    work = WORK_OF[name]
    module = module_of(side, work.module)
    work.measure(module, count // 10 or 1)  # warm up
    print(repr(median(work.measure(module, count) for _ in range(work.repeats))))


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

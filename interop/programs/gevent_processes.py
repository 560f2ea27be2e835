"""Pools of processes in a program that gevent patches at its import: in the processes as well.

Usage: gevent_processes.py first|last spawn|fork
"""

from __future__ import annotations

import sys

if sys.argv[1] == "first":
    from gevent import monkey

    monkey.patch_all()

from poolcompat.futures import KillableThreadPoolExecutor, ProcessPoolExecutor

if sys.argv[1] == "last":
    from gevent import monkey

    monkey.patch_all()

import multiprocessing


def main():
    context = multiprocessing.get_context(sys.argv[2])
    for kind in (ProcessPoolExecutor, KillableThreadPoolExecutor):
        with kind(2, mp_context=context) as executor:
            print(list(executor.map(pow, range(3), [2] * 3)))


if __name__ == "__main__":
    main()

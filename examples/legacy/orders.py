"""Take the orders of one shift, keep count of them, and go home.

Two jobs run for as long as the program does: a clerk, who waits for the next order, and a board,
which is brought up to date all the time.  Neither of them has an end of its own.  At the end of the
shift the pool is terminated, and the program waits until its threads have gone.

Usage: orders.py [ORDER ...]
"""

from __future__ import annotations

import sys
import threading
from multiprocessing.pool import ThreadPool
from queue import Queue

ORDERS = ["tea", "toast", "tea"]


class Board(object):
    """What has been ordered, and how many times each."""

    def __init__(self):
        self.orders = []
        self.totals = {}
        self.is_open = threading.Event()


def clerk(incoming, board):
    while True:
        order = incoming.get()
        board.orders.append(order)
        incoming.task_done()


def keep_up_to_date(board):
    board.is_open.set()
    while True:
        totals = {}
        for order in board.orders[:]:
            totals[order] = totals.get(order, 0) + 1
        board.totals = totals


def tell(name, job):
    """Print what became of a job that was never meant to end."""
    try:
        job.get(timeout=10)
    except Exception as error:
        print("%s: %s" % (name, error))


def run(orders):
    """Return the board at the end of the shift."""
    incoming = Queue()
    board = Board()
    with ThreadPool(2) as pool:
        jobs = [
            ("clerk", pool.apply_async(clerk, (incoming, board))),
            ("board", pool.apply_async(keep_up_to_date, (board,))),
        ]
        for order in orders:
            incoming.put(order)
        incoming.join()
        board.is_open.wait()
        print("the shift is over, terminating the pool", flush=True)
    pool.join()
    for name, job in jobs:
        tell(name, job)
    return board


def main():
    board = run(sys.argv[1:] or ORDERS)
    print("%d orders taken" % len(board.orders))


if __name__ == "__main__":
    main()

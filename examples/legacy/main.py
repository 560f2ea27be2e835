"""Write the monthly reports of a night and publish them.

All jobs go through one worker, in the order in which they were submitted: the reports, then the
publication, which waits for the catalogue of everything that was ordered, and after it the
corrections. Tonight the corrections are withdrawn before their turn has come.

Usage: main.py [MONTH ...]
"""

from __future__ import annotations

import sys

from catalogue import Catalogue
from reporting import EXECUTOR
from waiting import as_they_finish, collect, first_done

MONTHS = ["January", "February", "March"]


def write_report(month):
    return "report for " + month


def write_correction(month):
    return "correction for " + month


def withdraw(futures):
    for future in futures:
        future.cancel()
    print("%d corrections withdrawn, waiting for the reports" % len(futures), flush=True)


def follow(futures):
    """Print each job as it ends, until all have."""
    pending = set(futures)
    while pending:
        done, pending = first_done(pending)
        for future in done:
            print("withdrawn" if future.cancelled() else future.result(), flush=True)


def run(months):
    """Return how many reports were published."""
    catalogue = Catalogue()
    try:
        reports = [EXECUTOR.submit(write_report, month) for month in months]
        publication = EXECUTOR.submit(catalogue.publish)
        corrections = [EXECUTOR.submit(write_correction, month) for month in months]
        withdraw(corrections)
        follow(reports + corrections)
        ended = sum(1 for _ in as_they_finish(reports + corrections))
        catalogue.entries = collect(reports + corrections)
        print("%d jobs ended, %d reports in the catalogue" % (ended, len(catalogue.entries)))
    finally:
        catalogue.close()
    return publication.result()


def main():
    with EXECUTOR:
        published = run(sys.argv[1:] or MONTHS)
    print("%d reports published" % published)


if __name__ == "__main__":
    main()

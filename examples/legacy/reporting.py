"""The one executor of the program, which keeps the books on what it was given to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


class ReportingExecutor(ThreadPoolExecutor):
    """A thread pool that remembers what was submitted, and says so when it is shut down."""

    def __init__(self, max_workers):
        super(ReportingExecutor, self).__init__(max_workers=max_workers)
        self.submitted = []

    def submit(self, fn, *args, **kwargs):
        future = super(ReportingExecutor, self).submit(fn, *args, **kwargs)
        self.submitted.append(future)
        return future

    def shutdown(self, wait=True):
        super(ReportingExecutor, self).shutdown(wait)
        withdrawn = sum(future.cancelled() for future in self.submitted)
        print("%d jobs submitted, %d of them withdrawn" % (len(self.submitted), withdrawn))


# One worker, because the reports share one connection to the database.
EXECUTOR = ReportingExecutor(max_workers=1)

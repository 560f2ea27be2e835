"""The thread parts of CPython's tests of multiprocessing: ``multiprocessing.dummy`` and its pool.

Since 3.12 ``test.test_multiprocessing_spawn.test_threads`` has them alone, before that they come
with those of processes.  Some builds leave out both, and ship only what they are made from.
"""

from __future__ import annotations

from unittest import mock

from test import _test_multiprocessing, support

# How processes are started is of no account to threads.  "spawn" is known everywhere.
_test_multiprocessing.install_tests_in_module_dict(globals(), "spawn")
for _name, _value in list(globals().items()):
    # Classes without a type are of processes as well.
    if isinstance(_value, type) and getattr(_value, "TYPE", None) != "threads":
        del globals()[_name]

# In 3.11 and 3.12 the tasks sleep for five minutes, and so does the test if terminate() comes too
# late for one of them.  CPython lets threads sleep for a second since:
# https://github.com/python/cpython/issues/113205
_pool_tests = globals()["WithThreadsTestPool"]
_pool_tests.test_terminate = mock.patch.object(support, "LONG_TIMEOUT", 1, create=True)(
    _pool_tests.test_terminate
)
del _pool_tests  # unittest would find the class twice

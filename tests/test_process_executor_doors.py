"""``ProcessPoolExecutor``: the class itself, subclasses, and executors that outlive a patch."""

from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import os
import pickle
import weakref

import pytest

import poolcompat
import poolcompat.futures
from conftest import DEADLOCK_S
from fresh import run
from killable_tasks import add, echo, hold, leave
from outcomes import error_of
from process_tasks import CHEAPEST
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

Theirs = concurrent.futures.ProcessPoolExecutor
CONTEXT = multiprocessing.get_context(CHEAPEST)


def test_instances_of_the_standard_library_pass_for_ours():
    """isinstance() takes an executor that a third party made; issubclass() its class."""
    ours = poolcompat.futures.ProcessPoolExecutor
    assert isinstance(Theirs(1), ours)
    assert issubclass(Theirs, ours)
    assert isinstance(ours(1), Theirs)
    assert not isinstance(concurrent.futures.ThreadPoolExecutor(1), ours)


def test_the_class_can_be_pickled(lib):
    """By its name."""
    executor_class = lib.futures.ProcessPoolExecutor
    assert pickle.loads(pickle.dumps(executor_class)) is executor_class


def test_it_is_where_one_looks_for_it(lib):
    """In the submodule as well."""
    assert lib.futures.process.ProcessPoolExecutor is lib.futures.ProcessPoolExecutor
    assert lib.futures.process.BrokenProcessPool is concurrent.futures.process.BrokenProcessPool
    assert issubclass(lib.futures.process.BrokenProcessPool, lib.futures.BrokenExecutor)


class Counting(Theirs):
    """Made before any patch, in the style of Python 2."""

    def __init__(self, *args, **kwargs):
        super(Counting, self).__init__(*args, **kwargs)  # noqa: UP008
        self.count = 0

    def submit(self, fn, *args, **kwargs):
        self.count += 1
        return super(Counting, self).submit(fn, *args, **kwargs)  # noqa: UP008

    def shutdown(self, wait=True, **options):
        self.count += 100
        super(Counting, self).shutdown(wait, **options)  # noqa: UP008


def test_a_subclass_that_was_made_before_the_patch(stage):
    """It gets the repairs, and what it overrides is called."""
    with poolcompat.patched(), Counting(1, CONTEXT) as executor:
        assert outcome(executor.submit(leave, 3)) is not None
        assert executor.count == 1
    assert executor.count == 101
    with poolcompat.patched(), Counting(1, CONTEXT) as executor:
        assert executor.submit(add, 1, two=2).result(DEADLOCK_S) == 3
        assert list(executor.map(abs, [1, -2], chunksize=1)) == [1, 2]
        assert list(executor.map(abs, [1, -2, 3], chunksize=2)) == [1, 2, 3]
        assert executor.count == 1 + 2 + 2
    executor.shutdown(wait=False)  # the standard library's, which may take no more than that
    assert executor.count == 5 + 2 * 100


def test_a_subclass_behind_the_import_door():
    """With whatever it adds."""

    class Executor(poolcompat.futures.ProcessPoolExecutor):
        def __init__(self):
            super().__init__(1, CONTEXT)
            self.futures = []

        def submit(self, fn, *args, **kwargs):
            self.futures.append(super().submit(fn, *args, **kwargs))
            return self.futures[-1]

    with Executor() as executor:
        assert list(executor.map(abs, range(4), chunksize=2)) == [0, 1, 2, 3]
        assert len(executor.futures) == 2
    assert isinstance(executor, poolcompat.futures.ProcessPoolExecutor)
    assert not isinstance(poolcompat.futures.ProcessPoolExecutor(1), Executor)


def use(executor):
    """Do a little of everything."""
    assert executor.submit(add, 1, two=2).result(DEADLOCK_S) == 3
    assert list(executor.map(abs, range(4), chunksize=3)) == [0, 1, 2, 3]
    assert type(error_of(executor.submit(int, "x").result)) is ValueError
    assert type(outcome(executor.submit(echo, lambda: 0))) is not None
    (pid,) = executor._processes
    assert executor.submit(os.getpid).result(DEADLOCK_S) == pid
    return pid


@pytest.mark.parametrize("is_used", [True, False])
def test_an_executor_that_was_made_before_the_patch(is_used):
    """It keeps the standard library's engine, under the patch and after it."""
    executor = Theirs(1, CONTEXT)
    if is_used:
        use(executor)
    with poolcompat.patched():
        pid = use(executor)
    use(executor)
    with poolcompat.patched():
        executor.shutdown(wait=True, cancel_futures=True)
        with pytest.raises(RuntimeError, match="after shutdown"):
            executor.submit(int)
    assert not exists(pid)


@pytest.mark.parametrize("method", ["terminate_workers", "kill_workers"])
def test_an_executor_that_was_made_before_is_killed_under_the_patch(stage, method):
    """The methods are there for it too."""
    executor = Theirs(1, CONTEXT)
    running = executor.submit(hold, stage.address)
    actor = stage.next()
    pending = [executor.submit(int) for _ in range(5)]
    with poolcompat.patched():
        getattr(executor, method)()
        assert isinstance(outcome(running), concurrent.futures.process.BrokenProcessPool)
        assert concurrent.futures.wait(pending, DEADLOCK_S).done == set(pending)
        with pytest.raises(RuntimeError):
            executor.submit(int)
        executor.shutdown()
    actor.wait_until_gone()


@pytest.mark.parametrize("is_used", [True, False])
def test_an_executor_that_was_made_under_the_patch(is_used):
    """It goes on when that is over, and under another one."""
    with poolcompat.patched():
        executor = Theirs(1, CONTEXT)
        if is_used:
            use(executor)
    pid = use(executor)
    with poolcompat.patched():
        assert use(executor) == pid
    assert use(executor) == pid
    executor.shutdown(wait=False)
    executor.shutdown(wait=True)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)


def test_pending_work_outlives_the_patch(stage):
    """What was submitted under it is done, what is submitted later as well, and then it ends."""
    with poolcompat.patched():
        executor = Theirs(1, CONTEXT)
        futures = [executor.submit(hold, stage.address, number) for number in range(2)]
        first = stage.next()
    futures.append(executor.submit(hold, stage.address, 2))
    first.let_go()
    for _ in range(2):
        stage.next().let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == [0, 1, 2]
    with executor:
        pass
    assert not exists(first.pid)


def test_an_executor_that_was_made_under_the_patch_breaks_after_it():
    """Whoever submits then is told."""
    with poolcompat.patched():
        executor = Theirs(1, CONTEXT)
    assert "exit code 3" in str(outcome(executor.submit(leave, 3)))
    with pytest.raises(concurrent.futures.process.BrokenProcessPool):
        executor.submit(int)
    executor.shutdown()


def test_an_executor_is_collected(lib):
    """Nothing keeps it once it is dropped, used or unused, shut down or not."""
    references = []
    for is_used in (True, False):
        for is_shut_down in (True, False):
            executor = lib.futures.ProcessPoolExecutor(1, CONTEXT)
            if is_used:
                executor.submit(int).result(DEADLOCK_S)
            if is_shut_down:
                executor.shutdown()
            references.append(weakref.ref(executor))
            del executor
    gc.collect()
    alive = [reference() for reference in references]
    assert alive == [None] * 4


def test_an_executor_that_refers_to_itself(lib):
    """The collector finds it."""
    executor = lib.futures.ProcessPoolExecutor(1, CONTEXT)
    executor.myself = executor
    executor.submit(int).result(DEADLOCK_S)
    (pid,) = executor._processes
    reference = weakref.ref(executor)
    del executor
    gc.collect()
    assert reference() is None
    wait_until(lambda: not exists(pid))


def test_importing_the_futures_does_not_load_it():
    """Those who use threads do not pay for processes; patching does not start any."""
    run(
        """
        import sys
        import poolcompat.futures
        assert "multiprocessing" not in sys.modules
        poolcompat.futures.ProcessPoolExecutor(1)
        import multiprocessing, threading, poolcompat
        poolcompat.patch_all()
        poolcompat.unpatch_all()
        assert multiprocessing.active_children() == []
        assert threading.active_count() == 1
        """
    )

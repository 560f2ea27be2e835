"""What ``patch_all()`` changes, and for whom.  Each property is proved in a fresh interpreter."""

from __future__ import annotations

import textwrap

from fresh import run

# What the programs below use: a repaired executor is told by is_repaired().
PRELUDE = """
import concurrent.futures, threading
from conftest import DEADLOCK_S

def is_repaired(executor, as_completed):
    "Tell whether a future that was cancelled in the queue is yielded at once."
    release, started = threading.Event(), threading.Event()
    running = executor.submit(lambda: (started.set(), release.wait(DEADLOCK_S)))
    started.wait(DEADLOCK_S)
    future = executor.submit(int)
    future.cancel()
    try:
        return next(iter(as_completed([future], timeout=0.0)), None) is future
    except concurrent.futures.TimeoutError:
        return False
    finally:
        release.set()
        running.result()
"""


def run_with_prelude(code, **environ):
    return run(PRELUDE + textwrap.dedent(code), **environ)


def test_the_defect_is_there_without_the_patch():
    """The probe of the tests below tells the difference."""
    run_with_prelude(
        """
        from concurrent.futures import ThreadPoolExecutor, as_completed
        import poolcompat
        with ThreadPoolExecutor(1) as executor:
            assert not is_repaired(executor, as_completed)
            poolcompat.patch_all()
            assert is_repaired(executor, as_completed)
            poolcompat.unpatch_all()
            assert not is_repaired(executor, as_completed)
        """
    )


def test_references_that_were_taken_early_are_patched():
    """from-imports, partial objects, default arguments and bound methods made before."""
    run_with_prelude(
        """
        import functools
        from concurrent.futures import ThreadPoolExecutor, as_completed, wait
        from multiprocessing.pool import ThreadPool
        partial = functools.partial(as_completed, timeout=0.0)
        wait_first = functools.partial(wait, return_when="FIRST_COMPLETED")
        def default(fs, timeout, function=as_completed):
            return function(fs, timeout)
        executor = ThreadPoolExecutor(1)
        shutdown = executor.shutdown
        make = functools.partial(ThreadPoolExecutor, 1)
        result = concurrent.futures.Future().result

        import poolcompat
        poolcompat.patch_all()

        assert is_repaired(executor, as_completed)
        assert is_repaired(executor, lambda fs, timeout: partial(fs))
        assert is_repaired(executor, lambda fs, timeout: wait_first(fs, timeout=timeout).done)
        assert is_repaired(executor, default)
        assert is_repaired(executor, concurrent.futures.as_completed)
        assert is_repaired(executor, concurrent.futures._base.as_completed)
        with make() as another:
            assert is_repaired(another, as_completed)
            another.shutdown(wait=False, cancel_futures=True)
        assert "cancel_futures" in executor.shutdown.__kwdefaults__
        try:
            result(timeout=0)
        except concurrent.futures.TimeoutError:
            pass
        shutdown()
        assert not any(thread.is_alive() for thread in executor._threads)
        """
    )


def test_the_objects_stay_the_same_objects():
    """isinstance, is, and pickling go on working, because only what is inside them changes."""
    run(
        """
        import pickle, concurrent.futures, multiprocessing.pool
        from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
        from multiprocessing.pool import ThreadPool
        names = [Future, ThreadPoolExecutor, as_completed, wait, ThreadPool]
        pickled = [pickle.dumps(name) for name in names]
        executor = ThreadPoolExecutor(1)

        import poolcompat
        poolcompat.patch_all()

        from concurrent.futures import Future as F, ThreadPoolExecutor as T, as_completed as a
        from concurrent.futures import wait as w
        from multiprocessing.pool import ThreadPool as P
        assert all(new is old for new, old in zip([F, T, a, w, P], names))
        assert [pickle.dumps(name) for name in names] == pickled
        assert [pickle.loads(data) for data in pickled] == names
        assert isinstance(executor, T) and type(T(1)) is type(executor)
        with executor:
            assert isinstance(executor.submit(int), Future)
        """
    )


def test_subclasses_made_before_are_patched():
    """Python-2-style super() calls, in methods of every kind, reach the repaired methods."""
    run_with_prelude(
        """
        from concurrent.futures import ThreadPoolExecutor, as_completed
        from multiprocessing.pool import ThreadPool
        import warnings

        class Executor(ThreadPoolExecutor):
            def __init__(self, *args, **kwargs):
                super(Executor, self).__init__(*args, **kwargs)
                self.calls = []

            def submit(self, *args, **kwargs):
                self.calls.append("submit")
                return super(Executor, self).submit(*args, **kwargs)

            def shutdown(self, *args, **kwargs):
                self.calls.append("shutdown")
                super(ThreadPoolExecutor, self).shutdown()
                return ThreadPoolExecutor.shutdown(self, *args, **kwargs)

        class Pool(ThreadPool):
            def terminate(self):
                self.ended = True
                return super(Pool, self).terminate()

        before = Executor(1)
        pool_before = Pool(1)

        import poolcompat
        poolcompat.patch_all(on_terminate="silent")

        for executor in (before, Executor(1)):
            assert is_repaired(executor, as_completed)
            executor.shutdown(wait=True, cancel_futures=True)
            assert executor.calls == ["submit", "submit", "shutdown"]
        for pool in (pool_before, Pool(1)):
            release, started = threading.Event(), threading.Event()
            pool.apply_async(lambda: (started.set(), release.wait(DEADLOCK_S)))
            started.wait(DEADLOCK_S)
            result = pool.apply_async(int)
            with pool:
                pass
            assert pool.ended
            try:
                result.get(DEADLOCK_S)
            except concurrent.futures.CancelledError:
                release.set()
        """
    )


def test_instances_go_on_working_across_the_patch_and_its_end():
    """Pools made before serve under it, and those made under it serve after it."""
    run(
        """
        from concurrent.futures import ThreadPoolExecutor, wait
        from multiprocessing.pool import ThreadPool
        import poolcompat

        def use(executor, pool):
            assert list(executor.map(str, range(20))) == list(map(str, range(20)))
            assert wait([executor.submit(int) for _ in range(20)]).not_done == set()
            assert pool.map(str, range(20)) == list(map(str, range(20)))

        before = ThreadPoolExecutor(3), ThreadPool(3)
        use(*before)
        poolcompat.patch_all()
        use(*before)
        under = ThreadPoolExecutor(3), ThreadPool(3)
        use(*under)
        poolcompat.unpatch_all()
        use(*before)
        use(*under)
        for executor, pool in (before, under):
            executor.shutdown()
            pool.terminate()
            pool.join()
            assert not any(thread.is_alive() for thread in executor._threads)
        """
    )


def test_asyncio_takes_executors_made_before_and_after():
    """set_default_executor checks the class, which has not changed."""
    run(
        """
        import asyncio, poolcompat
        from concurrent.futures import ThreadPoolExecutor
        before = ThreadPoolExecutor(1)
        poolcompat.patch_all()

        async def main(executor):
            loop = asyncio.get_running_loop()
            loop.set_default_executor(executor)
            return await loop.run_in_executor(None, int, "7")

        for executor in (before, ThreadPoolExecutor(1)):
            assert asyncio.run(main(executor)) == 7
        """
    )


def test_no_name_of_ours_appears_on_the_classes_of_the_standard_library():
    """patch_all() gives the newest API, and no public name that no CPython has."""
    run(
        """
        import concurrent.futures, multiprocessing.pool, poolcompat
        classes = [
            concurrent.futures.Executor,
            concurrent.futures.Future,
            concurrent.futures.ThreadPoolExecutor,
            multiprocessing.pool.ThreadPool,
        ]
        public = lambda: {name for c in classes for name in dir(c) if not name.startswith("_")}
        before = public()
        poolcompat.patch_all()
        assert public() == before
        """
    )


def test_many_threads_may_patch_and_unpatch_while_others_work():
    """Nobody who uses the pools meets anything but the old or the new behaviour."""
    run(
        """
        import threading, poolcompat
        from concurrent.futures import ThreadPoolExecutor, as_completed, wait
        done = threading.Event()
        errors = []

        def work():
            try:
                while not done.is_set():
                    with ThreadPoolExecutor(2) as executor:
                        futures = [executor.submit(int) for _ in range(5)]
                        assert len(list(as_completed(futures))) == 5
                        assert len(wait(futures).done) == 5
            except BaseException as error:
                errors.append(error)
                raise

        def patch():
            for _ in range(50):
                with poolcompat.patched():
                    pass

        workers = [threading.Thread(target=work) for _ in range(2)]
        patchers = [threading.Thread(target=patch) for _ in range(2)]
        for thread in workers + patchers:
            thread.start()
        for thread in patchers:
            thread.join()
        done.set()
        for thread in workers:
            thread.join()
        assert not errors and not poolcompat.is_patched()
        """
    )

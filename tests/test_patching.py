"""``patch_all()`` and its friends.  Each property is proved in a fresh interpreter."""

from __future__ import annotations

import textwrap

import pytest

import poolcompat
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


def test_undoing_restores_every_slot():
    """After unpatch_all(), all namespaces hold the same objects in the same order."""
    run(
        """
        from namespaces import snapshot
        import poolcompat
        before = snapshot()
        rows = poolcompat.patch_all()
        assert snapshot() != before
        assert rows and poolcompat.is_patched()
        assert poolcompat.unpatch_all() == ()
        after = snapshot()
        assert after == before, [key for key in after if after[key] != before.get(key)]
        assert not poolcompat.is_patched()
        """
    )


def test_undoing_restores_the_repairs_in_child_processes_too():
    """What poolcompat run adds for child processes is undone as well."""
    run(
        """
        from namespaces import snapshot
        import poolcompat
        from poolcompat.monkey import patch_process_tree
        before = snapshot()
        patch_process_tree()
        assert snapshot() != before
        assert poolcompat.unpatch_all() == ()
        assert snapshot() == before
        """
    )


@pytest.mark.parametrize("row", poolcompat.repairs(), ids=lambda row: row.name)
def test_each_repair_can_be_applied_and_skipped_alone(row):
    """only= applies what is asked for, skip= leaves it out, and both are undone without a trace."""
    run(
        f"""
        from namespaces import snapshot
        import poolcompat
        name = {row.name!r}
        (row,) = [row for row in poolcompat.repairs() if row.name == name]
        before = snapshot()
        rows = poolcompat.patch_all(only=[name])
        assert (row in rows) is row.is_needed() is poolcompat.is_patched(name)
        assert {{other.change for other in rows}} <= {{row.change, *row.change.requires}}
        poolcompat.unpatch_all()
        assert snapshot() == before
        rows = poolcompat.patch_all(skip=[name])
        assert not poolcompat.is_patched(name)
        assert row.change not in {{other.change for other in rows}}
        assert rows
        poolcompat.unpatch_all()
        assert snapshot() == before
        """
    )


def test_opt_in_repairs_are_applied_only_when_named():
    """patch_all() leaves alone what programs may rely on; only= adds it, with what it requires."""
    run(
        """
        import poolcompat
        opt_in = [row.name for row in poolcompat.repairs() if row.is_opt_in]
        assert opt_in == ["lost-exception", "ctrl-c-in-with"], opt_in
        poolcompat.patch_all()
        assert not any(poolcompat.is_patched(name) for name in opt_in)
        poolcompat.unpatch_all()
        poolcompat.patch_all(only=["ctrl-c-in-with"])
        assert poolcompat.is_patched("ctrl-c-in-with")
        assert not poolcompat.is_patched("lost-exception")
        for row in poolcompat.patch_all(only=["lost-exception"]):
            assert poolcompat.is_patched("wait-cancelled")
        """
    )


def test_twice_is_once():
    """Patching again changes nothing, and one undo undoes it all."""
    run(
        """
        from namespaces import snapshot
        import poolcompat
        before = snapshot()
        first = poolcompat.patch_all()
        patched = snapshot()
        assert poolcompat.patch_all() == first
        assert snapshot() == patched
        poolcompat.unpatch_all()
        assert snapshot() == before
        assert poolcompat.unpatch_all() == ()
        """
    )


def test_patching_again_adds():
    """A second call with other names keeps what the first one applied."""
    run(
        """
        import poolcompat
        poolcompat.patch_all(only=["wait-cancelled"])
        poolcompat.patch_all(only=["map-input-error"])
        assert poolcompat.is_patched("wait-cancelled")
        assert poolcompat.is_patched("map-input-error")
        assert not poolcompat.is_patched("thread-pool-silent-terminate")
        """
    )


def test_blocks_nest():
    """A repair is in place until the last block that wants it ends, in whatever order they end."""
    run(
        """
        from namespaces import snapshot
        import poolcompat
        before = snapshot()
        outer = poolcompat.patched()
        inner = poolcompat.patched(only=["wait-cancelled"])
        outer.__enter__()
        assert "wait-cancelled" in [row.name for row in inner.__enter__()]
        outer.__exit__(None, None, None)
        assert poolcompat.is_patched("wait-cancelled")
        assert not poolcompat.is_patched("map-input-error")
        inner.__exit__(None, None, None)
        assert snapshot() == before

        poolcompat.patch_all(only=["wait-cancelled"])
        patched = snapshot()
        with poolcompat.patched():
            assert poolcompat.is_patched("map-input-error")
        assert snapshot() == patched

        with poolcompat.patched():
            poolcompat.unpatch_all()
            assert snapshot() == before
        assert snapshot() == before
        """
    )


def test_the_policy_is_that_of_the_block_entered_last():
    """on_terminate follows the blocks in and out."""
    run(
        """
        import poolcompat, poolcompat.pool
        from poolcompat.pool import _thread_pool
        policy = lambda: _thread_pool._patched_policy.on_terminate
        poolcompat.patch_all(on_terminate="silent")
        assert policy() == "silent"
        with poolcompat.patched(on_terminate="warn"):
            assert policy() == "warn"
        assert policy() == "silent"
        poolcompat.patch_all(on_terminate="warn")
        assert policy() == "warn"
        """
    )


def test_a_strangers_later_patch_is_left_alone_and_reported():
    """unpatch_all() does not take out what somebody else put in later; the rest is restored."""
    run(
        """
        from namespaces import snapshot
        from concurrent.futures import ThreadPoolExecutor, _base
        import poolcompat
        before = snapshot()
        poolcompat.patch_all()
        ours = ThreadPoolExecutor.shutdown
        calls = []

        def stranger(self, *args, **kwargs):
            calls.append(args)
            return ours(self, *args, **kwargs)

        ThreadPoolExecutor.shutdown = stranger
        (left,) = poolcompat.unpatch_all()
        assert left.slot == "concurrent.futures.thread.ThreadPoolExecutor.shutdown"
        assert left.holder is stranger
        assert "was left alone" in str(left)
        assert ThreadPoolExecutor.shutdown is stranger
        changed = {key for key, value in snapshot().items() if before[key] != value}
        path = "concurrent.futures.thread.ThreadPoolExecutor.shutdown"
        assert changed == {path, path + "()"}, changed

        # Patched again, the stranger stays on top; undone by itself, ours can be undone.
        poolcompat.patch_all()
        assert ThreadPoolExecutor.shutdown is stranger
        with ThreadPoolExecutor(1):
            pass
        assert calls
        ThreadPoolExecutor.shutdown = ours
        assert poolcompat.unpatch_all() == ()
        assert snapshot() == before
        """
    )


def test_a_slot_that_a_stranger_has_restored_is_patched_again():
    """Somebody who put the original back does not keep a later patch from working."""
    run(
        """
        from namespaces import snapshot
        from concurrent.futures import ThreadPoolExecutor
        import poolcompat
        before = snapshot()
        original = ThreadPoolExecutor.shutdown
        poolcompat.patch_all()
        ours = ThreadPoolExecutor.shutdown
        ThreadPoolExecutor.shutdown = original
        assert poolcompat.unpatch_all() == ()
        assert snapshot() == before
        poolcompat.patch_all()
        assert ThreadPoolExecutor.shutdown is ours
        """
    )


def test_a_block_warns_of_what_it_had_to_leave():
    """At the end of the block a RuntimeWarning names the slot, at the caller's line."""
    run(
        """
        import warnings
        from concurrent.futures import ThreadPoolExecutor
        import poolcompat
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with poolcompat.patched():
                ThreadPoolExecutor.shutdown = lambda self: None
        (warning,) = caught
        assert warning.category is RuntimeWarning
        assert "ThreadPoolExecutor.shutdown was left alone" in str(warning.message)
        assert warning.filename in ("<string>", "-c")  # 3.7 says -c
        """
    )


def test_all_or_nothing():
    """If one slot cannot be set, those set before are restored, and the error is raised."""
    run(
        """
        from namespaces import snapshot
        import poolcompat
        from poolcompat.monkey import _rows_pool
        before = snapshot()
        slots = _rows_pool.THREAD_POOL.slots

        def fail(value):
            raise MemoryError

        write, slots[-2].write = slots[-2].write, fail
        try:
            poolcompat.patch_all()
        except MemoryError:
            pass
        else:
            raise AssertionError("no MemoryError")
        assert snapshot() == before
        assert not poolcompat.is_patched()
        slots[-2].write = write
        assert poolcompat.patch_all()
        poolcompat.unpatch_all()
        assert snapshot() == before
        """
    )


@pytest.mark.parametrize("argument", ["only", "skip"])
def test_an_unknown_name_is_refused_at_the_call(argument):
    """The ValueError names it and lists the known ones, and nothing is patched."""
    for function in (poolcompat.patch_all, poolcompat.patched):
        with pytest.raises(
            ValueError, match=f"{argument}: no repair is called 'no-such'"
        ) as caught:
            function(**{argument: ["wait-cancelled", "no-such"]})
        assert all(row.name in str(caught.value) for row in poolcompat.repairs())
        with pytest.raises(TypeError, match="not the string 'wait-cancelled'"):
            function(**{argument: "wait-cancelled"})
    with pytest.raises(ValueError, match="no-such"):
        poolcompat.is_patched("no-such")
    assert not poolcompat.is_patched()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("all", "()"),
        ("wait-cancelled", "'wait-cancelled' not in names and 'map-input-error' in names"),
        (" wait-cancelled , map-input-error,", "'map-input-error' not in names and names"),
        ("", "'wait-cancelled' in names"),
    ],
)
def test_the_operator_can_skip_repairs(names, expected):
    """POOLCOMPAT_SKIP overrides the code, as a list of names or all."""
    expected = expected.replace("()", "names == ()")
    run(
        f"""
        import poolcompat
        names = tuple(row.name for row in poolcompat.patch_all())
        assert {expected}, names
        assert poolcompat.is_patched() is bool(names)
        with poolcompat.patched() as rows:
            assert tuple(row.name for row in rows) == names
        """,
        POOLCOMPAT_SKIP=names,
    )


def test_a_wrong_name_of_the_operators_is_refused(monkeypatch):
    """A mistyped name in POOLCOMPAT_SKIP is an error that names the variable."""
    monkeypatch.setenv("POOLCOMPAT_SKIP", "wait-canceled")

    with pytest.raises(ValueError, match="POOLCOMPAT_SKIP: no repair is called 'wait-canceled'"):
        poolcompat.patch_all()


def test_the_table_is_consistent():
    """Names are unique, no slot belongs to two changes, and each row says what it needs to."""
    rows = poolcompat.repairs()
    slots = {row.change: row.touches for row in rows}
    touched = [slot for places in slots.values() for slot in places]

    assert len({row.name for row in rows}) == len(rows)
    assert len(set(touched)) == len(touched)
    for row in rows:
        assert row.wrong
        assert isinstance(row.is_needed(), bool)


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

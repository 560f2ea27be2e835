"""What ``unpatch_all()`` and the end of a block of ``patched()`` restore, and what they leave."""

from __future__ import annotations

from fresh import run


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

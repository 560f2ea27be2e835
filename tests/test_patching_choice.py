"""Which repairs ``patch_all()`` applies, and who chooses them."""

from __future__ import annotations

import pytest

import poolcompat
from fresh import run


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

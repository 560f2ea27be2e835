"""``ThreadPool``, behind both doors."""

from __future__ import annotations

import multiprocessing.pool

import pytest

import poolcompat
import poolcompat.pool
from conftest import DEADLOCK_S, Held
from outcomes import reason_of

pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


def test_work_is_done_as_before(lib):
    """All ways to submit give what the standard library gives."""
    with lib.pool.ThreadPool(2) as pool:
        assert pool.apply(divmod, (7, 2)) == (3, 1)
        assert pool.apply_async(int, ("11",), {"base": 2}).get(DEADLOCK_S) == 3
        assert pool.map(str, range(5), chunksize=2) == list("01234")
        assert pool.starmap(pow, [(2, 2), (3, 2)]) == [4, 9]
        assert pool.starmap_async(pow, [(2, 2)]).get(DEADLOCK_S) == [4]
        assert list(pool.imap(str, range(5), 2)) == list("01234")
        assert sorted(pool.imap_unordered(str, range(5), chunksize=2)) == list("01234")
        assert list(pool.imap(str, iter("ab"))) == ["a", "b"]


def test_a_pool_that_is_closed_finishes_its_work(lib):
    """close() and join() let everything run that was submitted."""
    pool = lib.pool.ThreadPool(2)
    results = pool.map_async(str, range(10))
    pool.close()
    pool.join()

    assert results.get(0) == list("0123456789")
    with pytest.raises(ValueError, match="not running"):
        pool.apply_async(int)


def test_a_wrong_number_of_threads_is_refused(lib):
    """The error is the standard library's."""
    with pytest.raises(ValueError, match="Number of processes must be at least 1"):
        lib.pool.ThreadPool(0)


def test_a_pool_made_before_the_patch(held):
    """Its results become ready, and the warning names what runs, without its start."""
    pool = multiprocessing.pool.ThreadPool(1)
    running = pool.map_async(held.task, [1])
    held.wait_until_running()
    queued = pool.apply_async(int)
    with poolcompat.patched():
        report = pool.terminate()

    assert reason_of(queued.get) == "not started"
    frames_tell = report.survivors != ()
    if frames_tell:
        (survivor,) = report.survivors
        assert (survivor.task, survivor.seconds) == (f"{Held.__module__}.Held.task", None)
    assert reason_of(running.get) == ("abandoned" if frames_tell else "not started")


def test_a_pool_made_under_the_patch_goes_on_after_it(held):
    """When the patch is gone, the pool still works and ends as the standard library's does."""
    with poolcompat.patched():
        pool = multiprocessing.pool.ThreadPool(1)
    assert pool.map(int, range(3)) == [0, 1, 2]
    assert pool.terminate() is None


def test_instances_of_the_standard_library_pass_for_ours():
    """isinstance() takes a pool that a third party made."""
    with multiprocessing.pool.ThreadPool(1) as pool:
        assert isinstance(pool, poolcompat.pool.ThreadPool)

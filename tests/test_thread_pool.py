"""``ThreadPool``, behind both doors."""

from __future__ import annotations

import concurrent.futures
import multiprocessing.dummy
import multiprocessing.pool
import sys
import threading
import warnings

import pytest

import poolcompat
import poolcompat.pool
from conftest import DEADLOCK_S, Held
from outcomes import reason_of
from poolcompat import TaskStopped, TerminateReport, TerminateWarning

pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


@pytest.fixture
def pool(lib):
    """A pool with one thread, ended without a word."""
    with lib.pool.ThreadPool(1) as pool:
        yield pool


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


@pytest.mark.parametrize("end", ["terminate", "with"])
def test_every_outstanding_result_becomes_ready(lib, held, end):
    """After terminate(), and after a with block, nobody waits for a result."""
    pool = lib.pool.ThreadPool(1)
    running = pool.apply_async(held.task)
    held.wait_until_running()
    queued = pool.apply_async(int)
    mapped = pool.map_async(int, range(3))
    iterated = pool.imap(int, range(3))
    unordered = pool.imap_unordered(int, range(3))
    chunked = pool.imap(int, range(4), chunksize=2)
    if end == "terminate":
        pool.terminate()
    else:
        with pool:
            pass

    assert reason_of(running.get) == "abandoned"
    assert reason_of(queued.get) == "not started"
    assert reason_of(mapped.get) == "not started"
    queued.wait()
    assert queued.ready()
    assert not queued.successful()
    for iterator in (iterated, unordered, chunked):
        assert reason_of(lambda iterator=iterator: next(iterator)) == "not started"
        assert list(iterator) == []


def test_task_stopped_is_a_cancelled_error():
    """One except clause around get() and result() handles both; the message tells what was."""
    error = TaskStopped("not started")

    assert isinstance(error, concurrent.futures.CancelledError)
    assert str(error) == "the task was dropped before it was started"
    with pytest.raises(ValueError, match="reason must be one of"):
        TaskStopped("tired")


def test_results_that_were_there_before_stay(pool):
    """terminate() changes no result that is ready."""
    good = pool.apply_async(int)
    bad = pool.apply_async(int, ("x",))
    good.wait(DEADLOCK_S)
    bad.wait(DEADLOCK_S)

    pool.terminate()

    assert good.get() == 0
    with pytest.raises(ValueError, match="invalid literal"):
        bad.get()


def test_items_that_were_there_before_are_still_iterated(lib, held):
    """An iterator yields what was finished, then raises once, then ends."""
    with lib.pool.ThreadPool(1) as pool:
        results = pool.imap(lambda number: held.task() if number else number, range(3))
        held.wait_until_running()
        with results._cond:
            assert results._cond.wait_for(lambda: results._items, DEADLOCK_S)
        pool.terminate()

    assert next(results) == 0
    assert reason_of(lambda: next(results)) == "abandoned"
    with pytest.raises(StopIteration):
        next(results)


def test_threads_that_wait_are_woken(pool, held):
    """Who already waits for a result or an item when the pool is terminated is woken."""
    pool.apply_async(held.task)
    held.wait_until_running()
    queued, iterator = pool.apply_async(int), pool.imap(int, range(3))
    waiting = threading.Barrier(3)
    outcomes = []

    def ask(get):
        waiting.wait(DEADLOCK_S)
        outcomes.append(reason_of(get))

    threads = [threading.Thread(target=ask, args=(get,)) for get in (queued.get, iterator.next)]
    for thread in threads:
        thread.start()
    waiting.wait(DEADLOCK_S)
    pool.terminate()
    for thread in threads:
        thread.join(DEADLOCK_S)

    assert outcomes == ["not started"] * 2


def test_error_callbacks_are_called(pool, held, caplog):
    """Each outstanding result calls its error callback once, even if another one raises."""
    pool.apply_async(held.task)
    held.wait_until_running()
    errors, values = [], []

    def bad(_):
        raise KeyError("callback")

    pool.apply_async(int, callback=values.append, error_callback=errors.append)
    pool.apply_async(int, error_callback=bad)
    pool.map_async(int, range(3), callback=values.append, error_callback=errors.append)

    pool.terminate()
    pool.terminate()

    assert [error.reason for error in errors] == ["not started"] * 2
    assert values == []
    assert "exception calling the error callback" in caplog.text
    assert "KeyError: 'callback'" in caplog.text


def test_a_callback_that_leaves_keeps_no_result_waiting(pool, held):
    """SystemExit from a callback is raised by terminate() when all results are ready."""
    pool.apply_async(held.task)
    held.wait_until_running()

    def leave(_):
        raise SystemExit("from a callback")

    results = [pool.apply_async(int, error_callback=leave) for _ in range(3)]

    with pytest.raises(SystemExit, match="from a callback"):
        pool.terminate()

    assert [result.ready() for result in results] == [True] * 3


def test_the_first_exception_of_a_map_is_kept(lib, held):
    """A map of which a part has failed when the pool is terminated raises that exception."""
    failed = threading.Event()

    def work(number):
        if number:
            return held.task()
        raise KeyError(number)

    with lib.pool.ThreadPool(2) as pool:
        result = pool.map_async(work, range(2), chunksize=1)
        held.wait_until_running()
        original = result._set
        result._set = lambda *args: (original(*args), failed.set())
        pool.apply(int)
        pool.terminate()

    with pytest.raises(KeyError):
        result.get()


def test_a_map_that_has_begun_is_abandoned(pool, held):
    """The reason tells a map of which something has run from one that never began."""
    result = pool.map_async(lambda number: held.task() if number == 1 else None, range(3), 1)
    held.wait_until_running()
    pool.terminate()

    assert reason_of(result.get) == "abandoned"


def test_a_callback_may_terminate_the_pool(pool, held):
    """The result whose callback does it keeps its value, as does one that came meanwhile."""
    reports = []
    submitted = threading.Event()

    def callback(_):
        assert submitted.wait(DEADLOCK_S)
        later.wait(DEADLOCK_S)
        held.wait_until_running()
        reports.append(pool.terminate())

    result = pool.apply_async(int, ("7",), callback=callback)
    later = pool.apply_async(int, ("8",))
    running = pool.apply_async(held.task)
    submitted.set()

    assert result.get(DEADLOCK_S) == 7
    assert later.get(0) == 8
    assert reason_of(running.get) == "abandoned"
    held.let_go()
    pool.join()
    assert [len(report.survivors) for report in reports] == [1]


def test_a_task_may_terminate_its_pool(pool):
    """It does not deadlock, does not warn of itself, and its own result is lost."""
    reports = []
    result = pool.apply_async(lambda: reports.append(pool.terminate()))

    assert reason_of(lambda: result.get(DEADLOCK_S)) == "abandoned"
    pool.join()
    assert [report.survivors for report in reports] == [()]


def test_two_threads_may_terminate_at_once(pool, held):
    """Both return, and each result becomes ready."""
    pool.apply_async(held.task)
    held.wait_until_running()
    results = [pool.apply_async(int) for _ in range(50)]
    together = threading.Barrier(2)

    def terminate():
        together.wait(DEADLOCK_S)
        pool.terminate()

    threads = [threading.Thread(target=terminate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)

    assert {reason_of(result.get) for result in results} == {"not started"}


@pytest.mark.parametrize(
    "submit",
    [
        lambda pool: pool.apply_async(int).get,
        lambda pool: pool.map_async(int, range(3)).get,
        lambda pool: pool.imap(int, range(3)).next,
        lambda pool: pool.imap_unordered(int, range(3)).next,
    ],
)
def test_a_submission_that_crosses_the_end_becomes_ready(pool, submit):
    """A submission that passed its check before the pool was terminated hangs nobody."""

    class Crossing:
        """The queue to which a submission goes after its result has been registered."""

        def put(self, task):
            pool._taskqueue = original
            pool.terminate()
            original.put(task)

    original, pool._taskqueue = pool._taskqueue, Crossing()

    get = submit(pool)

    assert reason_of(get) == "not started"


def test_the_warning_names_task_and_place_and_points_at_the_caller(lib, held):
    """A TerminateWarning says what runs where, at the line that called terminate()."""
    pool = lib.pool.ThreadPool(1)
    pool.apply_async(held.task)
    held.wait_until_running()

    with pytest.warns(TerminateWarning) as caught:
        line, report = sys._getframe().f_lineno, pool.terminate()

    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, line)
    text = str(warning.message)
    assert text == str(report)
    assert text.startswith("terminate() cannot stop a running thread; 1 task goes on:\n")
    assert f"{Held.__module__}.Held.task in thread {pool._pool[0].name!r}, for 0." in text
    assert "in task\n    self.event.wait(DEADLOCK_S)" in text
    assert "in task" in report.survivors[0].stack[0]


def test_the_warning_points_at_the_with_statement(lib, held):
    """When a with block ends the pool, the warning points there."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with lib.pool.ThreadPool(1) as pool:
            first_line = sys._getframe().f_lineno - 1
            pool.apply_async(held.task)
            held.wait_until_running()
            last_line = sys._getframe().f_lineno

    (warning,) = caught
    assert warning.filename == __file__
    assert first_line <= warning.lineno <= last_line


@pytest.mark.parametrize(
    ("submit", "name"),
    [
        (lambda pool, held: pool.map_async(held.task, [1]), "Held.task"),
        (lambda pool, held: pool.starmap_async(held.task, [(1,)]), "Held.task"),
        (lambda pool, held: pool.imap(held.task, [1]), "Held.task"),
        (lambda pool, held: pool.imap_unordered(held.task, [1, 2], 2), "Held.task"),
    ],
)
def test_the_report_names_what_was_submitted(pool, held, submit, name):
    """However a task was submitted, the report names the function of the user."""
    submit(pool, held)
    held.wait_until_running()

    report = pool.terminate()

    assert isinstance(report, TerminateReport)
    assert [survivor.task for survivor in report.survivors] == [f"{Held.__module__}.{name}"]
    assert report.survivors[0].seconds >= 0
    assert report.survivors[0].stack[-1]


def test_a_task_inside_a_c_function_is_reported(pool):
    """Where there is no Python code of the task to show, the report says so."""
    lock = threading.Lock()
    acquired = threading.Event()
    lock.acquire()

    class Announcing:
        def __iter__(self):
            acquired.set()
            return iter(())

    pool.apply_async(lock.acquire, Announcing())
    assert acquired.wait(DEADLOCK_S)
    report = pool.terminate()
    lock.release()

    assert "in a C function" in str(report)
    assert "acquire" in report.survivors[0].task


def test_an_idle_pool_is_terminated_without_a_word(pool):
    """Nothing runs: no warning, and a report that says so."""
    pool.map(int, range(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = pool.terminate()

    assert report.survivors == ()
    assert str(report) == "no task was left running"


def test_a_policy_for_one_call(pool, held):
    """terminate(on_terminate="silent") does not warn, but reports."""
    pool.apply_async(held.task)
    held.wait_until_running()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = pool.terminate(on_terminate="silent")

    assert len(report.survivors) == 1


@pytest.mark.parametrize(("policy", "count"), [("silent", 0), ("warn", 1)])
def test_the_policy_of_a_pool(held, policy, count):
    """Behind the import door each pool has its own policy, patched or not."""
    with poolcompat.patched(on_terminate="warn" if policy == "silent" else "silent"):
        pool = poolcompat.pool.ThreadPool(1, on_terminate=policy)
        pool.apply_async(held.task)
        held.wait_until_running()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pool.terminate()

    assert len(caught) == count


@pytest.mark.parametrize(("policy", "count"), [("silent", 0), ("warn", 1)])
def test_the_policy_of_the_patch(held, policy, count):
    """Behind the patch door patch_all() chooses the policy, for dummy.Pool() as well."""
    with poolcompat.patched(on_terminate=policy):
        pool = multiprocessing.dummy.Pool(1)
        pool.apply_async(held.task)
        held.wait_until_running()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pool.terminate()

    assert len(caught) == count


@pytest.mark.parametrize("policy", ["escalates", "", None, 3])
def test_an_unknown_policy_is_refused_at_the_call(pool, policy):
    """It is a ValueError that says what is accepted, and nothing has been done."""
    with pytest.raises(ValueError, match="on_terminate must be 'warn', 'escalate' or 'silent'"):
        poolcompat.pool.ThreadPool(1, on_terminate=policy)
    with pytest.raises(ValueError, match="on_terminate must be 'warn', 'escalate' or 'silent'"):
        poolcompat.patch_all(on_terminate=policy)
    if policy is not None:
        with pytest.raises(ValueError, match="on_terminate must be 'warn', 'escalate' or 'silent'"):
            pool.terminate(policy)
    assert pool.apply(int) == 0


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

"""How a terminated ``ThreadPool`` tells what goes on: its warning, its report, its policy."""

from __future__ import annotations

import multiprocessing.dummy
import sys
import threading
import warnings

import pytest

import poolcompat
import poolcompat.pool
from conftest import DEADLOCK_S, Held
from poolcompat import TerminateReport, TerminateWarning

pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


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


def caught_in_terminate(pool, held):
    """Terminate a pool while a task runs, and return the warnings."""
    pool.apply_async(held.task)
    held.wait_until_running()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pool.terminate()
    return caught


@pytest.mark.parametrize(("policy", "count"), [("silent", 0), ("warn", 1)])
def test_the_policy_of_a_pool(held, policy, count):
    """Behind the import door each pool has its own policy, patched or not."""
    with poolcompat.patched(on_terminate="warn" if policy == "silent" else "silent"):
        pool = poolcompat.pool.ThreadPool(1, on_terminate=policy)
        caught = caught_in_terminate(pool, held)

    assert len(caught) == count


@pytest.mark.parametrize(("policy", "count"), [("silent", 0), ("warn", 1)])
def test_the_policy_of_the_patch(held, policy, count):
    """Behind the patch door patch_all() chooses the policy, for dummy.Pool() as well."""
    with poolcompat.patched(on_terminate=policy):
        pool = multiprocessing.dummy.Pool(1)
        caught = caught_in_terminate(pool, held)

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

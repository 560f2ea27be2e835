"""``ProcessPoolExecutor``, behind both doors: what it takes and gives."""

from __future__ import annotations

import concurrent.futures.process
import inspect
import multiprocessing
import os
import sys

import pytest

import poolcompat.futures
from conftest import DEADLOCK_S
from killable_tasks import hold
from process_tasks import (
    START_METHODS,
    where,
)

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

NOT_FORK = [method for method in START_METHODS if method != "fork"]


def test_the_class_is_ours_and_the_standard_librarys():
    """Behind the import door it is a subclass."""
    ours, theirs = poolcompat.futures.ProcessPoolExecutor, concurrent.futures.ProcessPoolExecutor
    assert ours is not theirs
    assert issubclass(ours, theirs)


def test_the_signatures_are_those_of_the_newest_version():
    """By name, kind and default; submit() cannot be spelled on 3.7."""
    ours = poolcompat.futures.ProcessPoolExecutor

    def parameters(function):
        return [
            (one.name, one.kind.name, one.default)
            for one in inspect.signature(function).parameters.values()
        ]

    either, keyword = "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"
    assert parameters(ours) == [
        ("max_workers", either, None),
        ("mp_context", either, None),
        ("initializer", either, None),
        ("initargs", either, ()),
        ("max_tasks_per_child", keyword, None),
    ]
    empty = inspect.Parameter.empty
    self = ("self", either, empty)
    assert parameters(ours.map) == [
        self,
        ("fn", either, empty),
        ("iterables", "VAR_POSITIONAL", empty),
        ("timeout", keyword, None),
        ("chunksize", keyword, 1),
        ("buffersize", keyword, None),
    ]
    assert parameters(ours.shutdown) == [
        self,
        ("wait", either, True),
        ("cancel_futures", keyword, False),
    ]
    assert parameters(ours.terminate_workers) == parameters(ours.kill_workers) == [self]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_workers": 0}, ValueError, "max_workers must be greater than 0"),
        ({"max_workers": -1}, ValueError, "max_workers must be greater than 0"),
        ({"max_workers": "1"}, TypeError, "'<='"),
        ({"initializer": 1}, TypeError, "initializer must be a callable"),
        ({"max_tasks_per_child": "1"}, TypeError, "max_tasks_per_child must be an integer"),
        ({"max_tasks_per_child": 1.5}, TypeError, "max_tasks_per_child must be an integer"),
        ({"max_tasks_per_child": 0}, ValueError, "max_tasks_per_child must be >= 1"),
        ({"max_tasks_per_child": -1}, ValueError, "max_tasks_per_child must be >= 1"),
        ({"no_such_argument": 1}, TypeError, "no_such_argument"),
    ],
)
def test_wrong_arguments_are_refused(lib, options, error, message):
    """In the words of the newest version."""
    with pytest.raises(error, match=message):
        lib.futures.ProcessPoolExecutor(**options)


def test_max_tasks_per_child_is_by_name_only(lib):
    """As in 3.11."""
    with pytest.raises(TypeError):
        lib.futures.ProcessPoolExecutor(1, None, None, (), 1)


@pytest.mark.skipif("fork" not in START_METHODS, reason="needs the start method fork")
def test_max_tasks_per_child_does_not_go_with_fork(lib):
    """The words are those of the newest version."""
    context = multiprocessing.get_context("fork")
    with pytest.raises(ValueError, match="incompatible with the 'fork' multiprocessing start"):
        lib.futures.ProcessPoolExecutor(mp_context=context, max_tasks_per_child=1)


def test_the_default_context(lib):
    """That of the interpreter, but spawn for processes that are replaced."""
    executor = lib.futures.ProcessPoolExecutor(1)
    assert executor._mp_context is multiprocessing.get_context()
    executor = lib.futures.ProcessPoolExecutor(1, max_tasks_per_child=1)
    assert executor._mp_context.get_start_method() == "spawn"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs CPU affinity")
def test_the_default_number_of_processes(lib):
    """The CPUs that this process may use, as 3.13 counts them."""
    workers = len(os.sched_getaffinity(0))
    assert lib.futures.ProcessPoolExecutor()._max_workers == workers


@pytest.mark.skipif(sys.platform != "win32", reason="needs the limit of Windows")
def test_too_many_processes(lib):
    """Windows cannot wait for more."""
    with pytest.raises(ValueError, match="max_workers must be <= 61"):
        lib.futures.ProcessPoolExecutor(62)


def test_nothing_is_started_before_the_first_call(make_pool):
    """The attribute that people poke at is there all the same."""
    executor = make_pool(2)
    assert executor._processes == {}
    assert len(executor._pending_work_items) == 0
    assert executor._broken is False
    assert executor._shutdown_thread is False
    assert executor._max_workers == 2


@pytest.mark.parametrize("method", START_METHODS)
def test_calls_run_in_the_main_thread_of_other_processes(make_pool, method):
    """Whatever the start method is."""
    executor = make_pool(2, method)
    pid, is_main = executor.submit(where).result(DEADLOCK_S)
    assert is_main
    assert pid != os.getpid()
    assert executor._processes[pid].pid == pid
    assert executor._processes[pid].is_alive()


@pytest.mark.parametrize("method", START_METHODS)
def test_the_initializer_is_called_in_each_process(make_pool, stage, method):
    """With its arguments, before the first call."""
    with make_pool(2, method, initializer=hold, initargs=(stage.address, "begun")) as executor:
        futures = [executor.submit(hold, stage.address, "called") for _ in range(2)]
        actors = stage.take(2)
        assert [actor.value for actor in actors] == ["begun"] * 2
        assert {actor.pid for actor in actors} == set(executor._processes)
        for actor in actors:
            actor.let_go()
        actors = stage.take(2)
        assert [actor.value for actor in actors] == ["called"] * 2
        for actor in actors:
            actor.let_go()
        assert [future.result(DEADLOCK_S) for future in futures] == ["called"] * 2


@pytest.mark.parametrize("method", NOT_FORK)
def test_an_idle_process_is_reused(make_pool, method):
    """No other is started while one has nothing to do."""
    executor = make_pool(4, method)
    pids = {executor.submit(os.getpid).result(DEADLOCK_S) for _ in range(20)}
    assert len(pids) == len(executor._processes) == 1


@pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")
def test_processes_are_started_on_demand(make_pool, stage):
    """As many as there are calls at once, up to the limit; they are there when submit() returns."""
    executor = make_pool(2, NOT_FORK[0])
    futures = []
    for count in (1, 2, 2, 2):
        futures.append(executor.submit(hold, stage.address))
        assert len(executor._processes) == count
    for _ in futures:
        stage.next().let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == [None] * 4


@pytest.mark.skipif("fork" not in START_METHODS, reason="needs the start method fork")
def test_all_processes_are_forked_with_the_first_call(make_pool):
    """Later there are threads, whose locks a fork would copy as they are (gh-90622)."""
    executor = make_pool(3, "fork")
    executor.submit(int)
    assert len(executor._processes) == 3

"""Importing changes nothing, and gives what it promises."""

from __future__ import annotations

import concurrent.futures
import importlib
import multiprocessing.pool
import pathlib
import pickle
import pkgutil
import re

import pytest

import poolcompat
import poolcompat.futures
import poolcompat.pool
from fresh import run


def test_importing_starts_nothing_and_loads_nothing_heavy():
    """No thread, no exit hook, no patch, and neither multiprocessing, ctypes nor asyncio."""
    run(
        """
        import atexit, sys, threading
        hooks = []
        atexit.register = lambda *args, **kwargs: hooks.append(args)
        threading._register_atexit = lambda *args, **kwargs: hooks.append(args)
        import poolcompat
        assert threading.enumerate() == [threading.main_thread()]
        assert hooks == []
        heavy = {"multiprocessing", "ctypes", "asyncio", "concurrent.futures.thread"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """
    )


def test_importing_the_futures_loads_no_multiprocessing():
    """The import door to threads does not pay for processes."""
    run(
        """
        import sys
        import poolcompat.futures
        from poolcompat.futures import ThreadPoolExecutor, as_completed, wait
        assert not {"multiprocessing", "ctypes", "asyncio"} & set(sys.modules)
        """
    )


def test_importing_everything_patches_nothing():
    """All modules imported, the standard library is what it was."""
    run(
        """
        from namespaces import snapshot
        import poolcompat.monkey._table
        before = snapshot()
        import importlib, pkgutil, poolcompat
        for module in pkgutil.walk_packages(poolcompat.__path__, "poolcompat."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        assert snapshot() == before
        assert not poolcompat.is_patched()
        """
    )


@pytest.mark.parametrize("module", ["poolcompat", "poolcompat.futures", "poolcompat.pool"])
def test_the_star_import_gives_all_names(module):
    """from ... import * gives what __all__ lists, and dir() lists it too."""
    run(f"from {module} import *; import {module} as m; assert set(m.__all__) <= set(globals())")
    assert set(importlib.import_module(module).__all__) <= {
        *dir(importlib.import_module(module)),
    }


def test_an_unknown_name_is_an_attribute_error():
    """A wrong name gets the usual error."""
    for module in (poolcompat, poolcompat.futures, poolcompat.pool):
        with pytest.raises(AttributeError):
            module.__getattr__("_no_such_name")
        with pytest.raises(AttributeError):
            module.__getattr__("no_such_name")
    with pytest.raises(ImportError):
        from poolcompat.futures import no_such_name  # noqa: F401


def test_the_submodules_can_be_reached_from_the_package():
    """import poolcompat is enough to say poolcompat.pool.ThreadPool."""
    run(
        """
        import poolcompat
        poolcompat.futures.wait([]); poolcompat.pool.ThreadPool; poolcompat.stopping.TaskStopped
        Executor = poolcompat.futures.ThreadPoolExecutor
        assert poolcompat.futures.thread.ThreadPoolExecutor is Executor
        from poolcompat.futures.process import BrokenProcessPool
        """
    )


def test_the_doors_are_one_for_one():
    """Every public name of concurrent.futures and multiprocessing.pool is here, on any version."""
    for name in concurrent.futures.__all__:
        assert hasattr(poolcompat.futures, name)
    for name in dir(multiprocessing.pool):
        assert name.startswith("_") or hasattr(poolcompat.pool, name)
    newest = ["InvalidStateError", "BrokenExecutor", "ProcessPoolExecutor", "Executor"]
    for name in newest:
        assert hasattr(poolcompat.futures, name)
    from poolcompat.futures.process import BrokenProcessPool
    from poolcompat.futures.thread import BrokenThreadPool

    assert issubclass(BrokenProcessPool, concurrent.futures.process.BrokenProcessPool)
    assert issubclass(BrokenThreadPool, concurrent.futures.thread.BrokenThreadPool)


def test_what_only_passes_through_is_the_standard_librarys_own_object():
    """Exceptions and constants are the same objects, so old except clauses go on working."""
    ours = {"Future", "as_completed", "wait", "InvalidStateError"}
    executors = {"KillableThreadPoolExecutor", "ProcessPoolExecutor", "ThreadPoolExecutor"}
    for name in set(poolcompat.futures.__all__) - ours - executors:
        assert getattr(poolcompat.futures, name) is getattr(concurrent.futures, name)


@pytest.mark.parametrize(
    "value",
    [
        poolcompat.futures.ThreadPoolExecutor,
        poolcompat.futures.Future,
        poolcompat.futures.as_completed,
        poolcompat.pool.ThreadPool,
        poolcompat.TaskStopped,
    ],
)
def test_our_classes_and_functions_can_be_pickled(value):
    """They are found again by their module and name."""
    assert pickle.loads(pickle.dumps(value)) is value


def test_task_stopped_can_be_pickled():
    """The reason survives."""
    copy = pickle.loads(pickle.dumps(poolcompat.TaskStopped("abandoned")))

    assert type(copy) is poolcompat.TaskStopped
    assert copy.reason == "abandoned"


def sources():
    root = pathlib.Path(poolcompat.__file__).parent
    return sorted(root.rglob("*.py"))


def test_every_module_postpones_annotations():
    """Without it, newer annotations fail on 3.7."""
    for path in sources():
        assert "from __future__ import annotations" in path.read_text(encoding="utf-8"), path


# From the top of the house down: a module imports only from rooms below its own.
ROOMS = [
    ["__main__"],
    ["_cli"],
    ["_printing", "_program"],
    ["_doctor"],
    ["_others", "_private_names", "_verifying"],
    ["monkey"],
    ["futures", "pool"],
    ["hosting"],
    ["stopping"],
    ["_signals", "_threads"],
    ["_places"],
    ["_calling", "_forks", "_standing_in"],
    ["_stdlib"],
]


def test_every_module_is_in_a_room():
    """No module is outside the layout."""
    found = {module.name for module in pkgutil.iter_modules(poolcompat.__path__)}

    assert found == {name for room in ROOMS for name in room}


def test_modules_import_only_from_rooms_below():
    """Executors never import the patches, and nothing imports the command line."""
    level = {name: number for number, room in enumerate(ROOMS) for name in room}
    root = pathlib.Path(poolcompat.__file__).parent
    for path in sources():
        package = path.relative_to(root).with_suffix("").parts
        if package == ("__init__",):
            continue  # loads lazily
        dots = "." * len(package)
        own = re.escape(dots)
        text = path.read_text(encoding="utf-8")
        imported = re.findall(rf"from {own}(?!\.)(\w+)[\w.]* import", text)
        for names in re.findall(rf"from {own} import ([\w, ]+)", text):
            imported += [n.strip() for n in names.split(",") if n.strip() in level]
        for name in imported:
            assert level[name] > level[package[0]], (path, name)

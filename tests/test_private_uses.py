"""Which private names a program uses is read out of its files."""

from __future__ import annotations

import importlib.machinery
import sys
import textwrap

import pytest

from poolcompat._private_names import private_uses
from poolcompat._private_names._table import DIFFERS, GONE, KEPT


@pytest.fixture
def write(tmp_path):
    """Write a file of the program, and return its path."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        path.write_bytes(content)
        return str(path)

    return write


@pytest.fixture
def uses(write):
    """Return the lines and names of the uses in a script."""

    def uses(content):
        reading = private_uses(write("script.py", content))
        assert reading.unread == ()
        return [(use.line, use.name) for use in reading.uses]

    return uses


FUTURES = "from concurrent.futures import ThreadPoolExecutor, Future\n"
POOL = "from multiprocessing.pool import ThreadPool\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("print(executor._work_queue.qsize())", "ThreadPoolExecutor._work_queue"),
        ("print(anything()._pending_work_items)", "ProcessPoolExecutor._pending_work_items"),
        ("import concurrent.futures; executor._threads", "ThreadPoolExecutor._threads"),
        ("from concurrent import futures; x._threads", "ThreadPoolExecutor._threads"),
        ("import poolcompat.futures; x._threads", "ThreadPoolExecutor._threads"),
        (FUTURES + "executor.submit(f)._state", "Future._state"),
        (FUTURES + "def f(future): future._state = 1", "Future._state"),
        (FUTURES + "getattr(x, '_threads', None)", "ThreadPoolExecutor._threads"),
        (FUTURES + "if hasattr(x, '_threads'): pass", "ThreadPoolExecutor._threads"),
        (FUTURES + "setattr(x, '_max_workers', 3)", "Executor._max_workers"),
        (POOL + "pool._pool[0].is_alive()", "ThreadPool._pool"),
        (POOL + "self.pools[0]._pool", "ThreadPool._pool"),
        (POOL + "pool.apply_async(f)._value", "AsyncResult._value"),
        ("import multiprocessing as mp; mp.dummy.Pool(); x._taskqueue", "ThreadPool._taskqueue"),
        ("import multiprocessing as mp; p = mp.Pool(); p._pool", "ThreadPool._pool"),
        (
            "import concurrent.futures.thread\nconcurrent.futures.thread._threads_queues.clear()",
            "concurrent.futures.thread._threads_queues",
        ),
        ("import concurrent.futures.thread as t; t._worker", "concurrent.futures.thread._worker"),
        (
            "from concurrent.futures import thread\nthread._WorkItem(future, f, (), {})",
            "concurrent.futures.thread._WorkItem",
        ),
        ("from concurrent.futures.thread import _worker", "concurrent.futures.thread._worker"),
        ("import threading\nthreading._register_atexit(f)", "threading._register_atexit"),
        ("threads = load('threading')\nthreads._threading_atexits", "threading._threading_atexits"),
    ],
)
def test_a_use_is_found(uses, content, name):
    """With its line, once."""
    assert uses(content) == [(1 + content.count("\n"), name)]


def test_uses_in_classes_that_derive_from_ours(uses):
    """What they use of themselves, and what they override."""
    content = FUTURES + textwrap.dedent("""
        class Daemons(ThreadPoolExecutor):
            def _adjust_thread_count(self):
                self._threads.add(super()._max_workers)
                self._unrelated = self._pool
    """)
    assert uses(content) == [
        (4, "ThreadPoolExecutor._adjust_thread_count"),
        (5, "Executor._max_workers"),
        (5, "ThreadPoolExecutor._threads"),
    ]


def test_a_class_that_derives_from_its_namesake(uses):
    """As those do that extend what they import."""
    content = FUTURES + "class Future(Future):\n    def f(self): self._state"
    assert uses(content) == [(3, "Future._state")]


@pytest.mark.parametrize(
    "content",
    [
        # common words where nobody imports pools
        "future._state, executor._threads, pool._pool",
        "import multiprocessing\nmultiprocessing.Process()\nx._pool, x._value",
        # objects of other kinds
        FUTURES + "x._value, x._pool",
        POOL + "future._state",
        FUTURES + "pool._state",
        # a class of the program's own
        "class Jobs:\n    def __init__(self): self._work_queue = self._threads = []",
        FUTURES + "class Jobs:\n    def f(self): self._threads = []\ndef g(jobs): jobs._threads",
        FUTURES + "class Own:\n    def _result(self): pass\nx._result()",
        "from concurrent.futures import Executor\n"
        "class Own(Executor):\n    def f(self): self._work_queue = self._max_workers = 1",
        "class Result:\n    def f(self): self._job = 1\n"
        "class MapResult(Result):\n    def f(self): self._number_left = 1",
        "class Pool:\n    def f(self): self._taskqueue = 1\ndef g(pool): pool._taskqueue",
        # futures and pools of others
        FUTURES + "import asyncio\nclass Own(asyncio.Future):\n    def f(self): self._state",
        "from multiprocessing.pool import Pool\nclass Own(Pool):\n    def f(self): self._inqueue",
        # names of modules, on what is no module of theirs
        "worker = 1\nworker._worker, worker._shutdown",
        "from queue import Queue\nprint('executor._work_queue')  # executor._work_queue",
    ],
)
def test_what_is_no_use(uses, content):
    """Names that only look so are left out."""
    assert uses(content) == []


def test_a_use_tells_what_the_name_is_with_us(write):
    """By the table; what only differs for those who set it is kept for those who read it."""
    content = FUTURES + "x._thread_name_prefix\nx._idle_semaphore\nx._max_workers\nx._max_workers=1"
    reading = private_uses(write("script.py", content))
    assert [use.status for use in reading.uses] == [KEPT, GONE, KEPT, DIFFERS]
    assert [bool(use.note) for use in reading.uses] == [False, True, False, True]
    assert {use.file for use in reading.uses} == {write("script.py", content)}


USE = "executor._work_queue\n"


def files_with_uses(script):
    reading = private_uses(script)
    assert reading.unread == ()
    return sorted(use.file.replace("\\", "/").rpartition("/program/")[2] for use in reading.uses)


def test_modules_are_followed(write, monkeypatch, tmp_path):
    """Those in packages, those that are imported late or relatively, and those of others."""
    script = write(
        "program/script.py",
        """
        import package.module as m
        from package import nested, constant
        from portions.part import name

        def f():
            import late
            with m:
                import theirs
        """,
    )
    write("program/package/__init__.py", "constant = 1\n" + USE)
    write("program/package/module.py", "from .sibling import *\nfrom . import cousin\n")
    write("program/package/sibling.py", USE)
    write("program/package/cousin.py", "from .nested.deep import x\n" + USE)
    write("program/package/unused.py", USE)
    write("program/package/nested/__init__.py", "import package")
    write("program/package/nested/deep.py", USE)
    write("program/portions/part/name.py", USE)
    write("program/late.py", USE)
    write("program/site/theirs.py", USE)
    site = str(tmp_path / "program" / "site")
    monkeypatch.setattr(sys, "path", [sys.path[0], site, *sys.path[1:]])
    assert files_with_uses(script) == [
        "late.py",
        "package/__init__.py",
        "package/cousin.py",
        "package/nested/deep.py",
        "package/sibling.py",
        "portions/part/name.py",
        "site/theirs.py",
    ]


def test_what_is_not_imported_is_not_read(write):
    """What only type checkers see, the standard library, and ourselves."""
    script = write(
        "program/script.py",
        """
        import typing
        import concurrent.futures.thread
        import multiprocessing.pool
        import json, _thread, sys, os.path
        import poolcompat
        if typing.TYPE_CHECKING:
            import checked
        else:
            import run
        """,
    )
    write("program/checked.py", USE)
    write("program/run.py", USE)
    assert files_with_uses(script) == ["run.py"]


def test_nothing_is_run_or_imported(write):
    """Neither the script nor a module, nor the packages that these are in."""
    script = write("program/script.py", "import unknown_package.module\nraise SystemExit\n" + USE)
    write("program/unknown_package/__init__.py", "raise SystemExit\n" + USE)
    write("program/unknown_package/module.py", "raise SystemExit\n" + USE)
    before = set(sys.modules)
    assert len(files_with_uses(script)) == 3
    assert set(sys.modules) == before


def test_a_directory_that_is_a_program(write, tmp_path):
    """Its main module is read, and what is beside it is found."""
    write("program/__main__.py", "import beside\n" + USE)
    write("program/beside.py", USE)
    assert files_with_uses(str(tmp_path / "program")) == ["__main__.py", "beside.py"]


def test_an_encoding_of_their_own(write):
    """Python 2 left some."""
    content = "# -*- coding: latin-1 -*-\nname = 'é'\n" + USE
    assert files_with_uses(write("program/script.py", content.encode("latin-1"))) == ["script.py"]


def test_what_could_not_be_read(write):
    """It is told with the reason, and the rest is read."""
    script = write(
        "script.py",
        "import compiled\nimport python2, nulls, badly_encoded\nimport missing\n" + USE,
    )
    files = [
        write("badly_encoded.py", b"name = '\xe9'\n"),
        write("nulls.py", b"name = '\0'\n"),
        write("python2.py", "name = 1\nprint name\n"),
    ]
    write("compiled" + importlib.machinery.EXTENSION_SUFFIXES[0], b"")
    reading = private_uses(script)
    assert [use.line for use in reading.uses] == [4]
    unread = dict(reading.unread)
    assert unread.pop("missing") == "not found"
    assert unread.pop("compiled") == "no Python source"
    assert sorted(unread) == files
    assert unread[files[2]].startswith("line 2: ")
    assert all(unread.values())


def test_what_the_program_may_do_without(write):
    """It is read if it is there; if not, it is not missing, nor is what it needs itself."""
    script = write(
        "program/script.py",
        """
        import sys
        try:
            import missing_one, optional
        except ImportError:
            pass
        if sys.platform == "other":
            import missing_two
        def f():
            from missing_three import name
        import package.missing_name
        """,
    )
    write("program/optional.py", "import missing_four\n" + USE)
    write("program/package/__init__.py", "from .made_at_run_time import name\n")
    assert files_with_uses(script) == ["optional.py"]


def test_what_is_needed_by_one_and_not_by_another(write):
    """It is missing, whoever comes first."""
    script = write("script.py", "def f():\n    import missing, module\nimport module\n")
    write("module.py", "import missing")
    assert private_uses(script).unread == (("missing", "not found"),)


def test_a_script_that_is_not_python(write):
    """Then there is no answer."""
    script = write("script.py", "print 'hello'\n")
    with pytest.raises(ValueError, match=r"script\.py is no Python program: line 1: "):
        private_uses(script)


def test_a_script_that_is_not_there(tmp_path):
    """Whoever asks is told by the exception."""
    with pytest.raises(FileNotFoundError):
        private_uses(str(tmp_path / "script.py"))

from __future__ import annotations

import multiprocessing
import os
import py_compile
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from typing import NamedTuple

import pytest

import poolcompat
from poolcompat._cli import main

# A child that takes this long is deadlocked.
DEADLOCK_S = 60

PYTHON = (sys.executable,)
RUN = (sys.executable, "-m", "poolcompat", "run")

# All that a program can see of how it was started
DUMP = '''"""The docstring."""
import pickle
import sys

annotated: int = 42

class Thing:
    pass

def function(argument: int):
    pass

for name, value in sorted(globals().items()):
    if name == "__loader__" and not isinstance(value, type):
        value = type(value)
    print(name, value)
print(sys.argv, sys.path)
print(sys.modules["__main__"].__dict__ is globals(), sys.exc_info())
print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, Thing.__module__)
print(function.__annotations__, function.__code__.co_filename)
'''

FAILING = """
def fail():
    try:
        {}["cause"]
    except KeyError as error:
        raise ValueError("failed") from error
fail()
"""

# Sources of programs, by what they show
ENDS = {
    "plainly": "print('done')",
    "sys.exit()": (
        "import atexit, sys\n"
        "atexit.register(lambda: print(sys.excepthook is sys.__excepthook__))\n"
        "sys.exit()"
    ),
    "a status": "import sys; sys.exit(3)",
    "a status that is no number": "raise SystemExit(3.5)",
    "a message": "import sys; sys.exit('message')",
    "os._exit": "import os; print('lost?', flush=True); os._exit(4)",
    "uncaught": FAILING,
    "an error while handling another": "try:\n  1 / 0\nfinally:\n  {}['x']",
    "an error that cannot be shown": (
        "class E(Exception):\n  def __str__(self): raise ValueError\nraise E"
    ),
    "not an Exception": "class E(BaseException): pass\nraise E",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "an error in another directory": "import os\nos.chdir('/')\n1 / 0",
    "an error in a thread": (
        "import threading\n"
        "thread = threading.Thread(target=lambda: 1 / 0, name='t')\nthread.start()\nthread.join()"
    ),
    "SyntaxError": "x = 1\ndef f(:\n  pass\n",
    "IndentationError": "if True:\npass\n",
    "SyntaxWarning": "print(1 is 1, '\\d')",
    "a byte order mark": b"\xef\xbb\xbfprint('\xc3\xa9' == chr(233))\n1 / 0",
    "another encoding": b"# coding: latin-1\nprint('\xe9' == chr(233))\n1 / 0  # \xe9\n",
    "lines that end with CR LF": b"x = '''\r\n'''\r\nprint(ascii(x))\r\n1 / 0\r\n",
    "sys.excepthook": (
        "import sys, traceback\n"
        "def hook(kind, error, tb):\n"
        "  print(sys.excepthook is hook, tb is error.__traceback__, tb is sys.last_traceback)\n"
        "  print(''.join(traceback.format_exception(kind, error, tb)))\n"
        "sys.excepthook = hook\n" + FAILING
    ),
    "exit hooks, threads and destructors": (
        "import atexit, threading\n"
        "class Object:\n"
        "  def __del__(self): print('deleted')\n"
        "o = Object()\n"
        "def late():\n"
        "  threading.main_thread().join()\n"
        "  print('thread')\n"
        "atexit.register(print, 'exit hook')\n"
        "threading.Thread(target=late).start()\n"
    ),
}

COMMANDS = {
    "uncaught": FAILING,
    "indented": "  x = 0\n  1 / x",
    "SyntaxError": "x = = 1",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "a warning": "import warnings; warnings.warn('careful')",
    "nothing": "",
    "no names of its own": "print(sorted(globals()))",
}

INTERRUPTED = """
import signal
import sys

def wait():
    sys.stdin.read()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("ready", flush=True)
wait()
"""

# What is in force in this process, and whether terminate() warns of a running task
REPORT = """
import threading, warnings
from multiprocessing.pool import ThreadPool

import poolcompat

def hold(held, release):
    held.set()
    release.wait()

def report():
    held, release = threading.Event(), threading.Event()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pool = ThreadPool(1)
        pool.apply_async(hold, (held, release))
        held.wait()
        pool.terminate()
    release.set()
    warned = "TerminateWarning" in [warning.category.__name__ for warning in caught]
    return poolcompat.is_patched(), poolcompat.is_patched("timeout-inf"), warned
"""

FAMILY = (
    REPORT
    + """
import multiprocessing, sys

def tell(name):
    print(name, *report(), flush=True)

def start(target, *args):
    process = multiprocessing.Process(target=target, args=args)
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode

def parent():
    start(tell, "grandchild")
    tell("child")

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    start(parent)
    with multiprocessing.Pool(1) as pool:
        print("worker", *pool.apply(report))
    tell("main")
"""
)


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _directory(tmp_path, monkeypatch):
    """Programs and their files are in a directory of their own, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("POOLCOMPAT_SKIP", "PYTHONSAFEPATH"):
        monkeypatch.delenv(name, raising=False)


def write(path, source):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(source if isinstance(source, bytes) else source.encode("utf-8"))


def run(*command):
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLOCK_S,
    )
    return Ended(ended.returncode, readable(ended.stdout), readable(ended.stderr))


def readable(output):
    text = output.decode("utf-8", "backslashreplace").replace(os.linesep, "\n")
    return re.sub("0x[0-9a-fA-F]{6,}", "0x...", text)


def assert_same(*program, flags=(), run_it=RUN):
    """Run a program with and without us, and return how it ended both times."""
    python, *rest = run_it
    expected = run(*PYTHON, *flags, *program)
    assert run(python, *flags, *rest, *program) == expected
    return expected


def make_files():
    for path in ("dump.py", "other/dump.py", "package/__main__.py", "directory/__main__.py"):
        write(path, DUMP)
    write("package/__init__.py", "")
    py_compile.compile("dump.py", cfile="compiled.pyc", doraise=True)
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.write("dump.py", "__main__.py")


@pytest.mark.parametrize(
    "program",
    [
        ["dump.py", "an argument"],
        [os.path.join("other", "dump.py")],
        ["compiled.pyc"],
        ["directory"],
        ["archive.zip"],
        ["-m", "dump", "-m"],
        ["-m", "package"],
        ["-mpackage", "-c"],
        ["-m", "missing"],
        ["-m", "dump.missing"],
        ["other"],
        ["-c", DUMP, "-c", "--skip"],
        ["-c" + DUMP, "x"],
        ["dump.py", "--skip", "x", "--", "-m", "--help"],
    ],
    ids=lambda program: " ".join(program).replace(DUMP, "..."),
)
def test_program_sees_what_it_sees_under_python(program):
    """Whatever names the program, it finds the same arguments, path and ``__main__``."""
    make_files()
    assert_same(*program)


def test_absolute_path_and_symbolic_link(tmp_path):
    """A script is found by its absolute path and behind a link, whose target's directory counts."""
    make_files()
    assert "directory" not in assert_same(str(tmp_path / "dump.py")).out
    assert str(tmp_path / "directory") in assert_same(str(tmp_path / "directory")).out
    link = os.path.join("other", "link.py")
    try:
        os.symlink(os.path.join(os.pardir, "dump.py"), link)
    except OSError:
        pytest.skip("needs the right to make symbolic links")
    assert_same(link)


@pytest.mark.parametrize("flag", ["-I", "-P"])
def test_modes_without_a_directory_in_sys_path(flag):
    """In isolated and in safe-path mode nothing is put in front of ``sys.path``."""
    if flag == "-P" and not hasattr(sys.flags, "safe_path"):
        pytest.skip("needs an interpreter with -P")
    if run(*PYTHON, flag, "-c", "import poolcompat").status:
        pytest.skip("needs poolcompat to be installed, which a path in PYTHONPATH is not")
    make_files()
    for program in (["dump.py"], ["directory"], ["-m", "dump"], ["-c", DUMP]):
        assert_same(*program, flags=[flag])


@pytest.mark.parametrize("name", ENDS)
def test_script_ends_as_under_python(name):
    """A script prints the same and ends with the same status, however it ends."""
    write("script.py", ENDS[name])
    assert_same("script.py")


@pytest.mark.parametrize("name", COMMANDS)
def test_command_ends_as_under_python(name):
    """The code of ``-c`` prints the same and ends with the same status, however it ends."""
    assert_same("-c", COMMANDS[name])


def test_module_ends_as_under_python():
    """A module prints the same, the frames of runpy included, and ends with the same status."""
    for name in ("uncaught", "SyntaxError", "KeyboardInterrupt", "a message"):
        write("module.py", ENDS[name])
        assert_same("-m", "module")


def test_warning_filters():
    """Filters for warnings apply to the program as under python, and do not meet us."""
    write("script.py", FAILING)
    assert_same("script.py", flags=["-W", "error", "-bb"])
    write("script.py", ENDS["SyntaxWarning"])
    # Since 3.15 the warnings of the compiler belong to a module.
    assert_same("script.py", flags=["-W", "ignore", "-W", "always::SyntaxWarning:__main__"])


@pytest.mark.skipif(
    not hasattr(signal, "pthread_sigmask"), reason="needs signals that can be blocked"
)
def test_ctrl_c():
    """A Ctrl-C ends the program as it does under python: on 3.8 and later by the signal."""
    write("script.py", INTERRUPTED)
    ends = []
    for command in (PYTHON, RUN):
        with subprocess.Popen(
            [*command, "script.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            assert child.stdout.readline() == b"ready\n"
            child.send_signal(signal.SIGINT)
            # The end of its input tells the child that the signal is on its way.
            out, err = child.communicate(timeout=DEADLOCK_S)
            ends.append(Ended(child.returncode, readable(out), readable(err)))
    assert ends[1] == ends[0]
    assert "in wait\n" in ends[1].err
    assert ends[1].err.endswith("KeyboardInterrupt\n")
    assert ends[1].status != 0


def test_console_script():
    """The command ``poolcompat`` runs programs as ``python -m poolcompat`` does."""
    command = shutil.which("poolcompat", path=os.path.dirname(sys.executable))
    if command is None:
        pytest.skip("needs the console script beside the interpreter")
    make_files()
    write("failing.py", FAILING)
    for program in (
        ["dump.py", "x"],
        ["-m", "package"],
        ["-c", DUMP],
        ["failing.py"],
        ["-c", "raise KeyboardInterrupt"],
        ["-c", "import sys; sys.exit('message')"],
    ):
        expected = run(*PYTHON, *program)
        assert run(command, "run", *program) == expected


def test_modules_of_the_program_do_not_shadow_what_we_import():
    """Modules in the current directory named like the standard library's get in nobody's way."""
    for name in ("argparse", "queue"):
        write(name + ".py", "raise ImportError('shadowed')")
    write(
        "bin/script.py",
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "  multiprocessing.set_start_method('spawn')\n"
        "  process = multiprocessing.Process(target=print, args=('child',))\n"
        "  process.start()\n"
        "  process.join()\n"
        "  print(process.exitcode)\n",
    )
    ended = assert_same(os.path.join("bin", "script.py"))
    assert ended == (0, "child\n0\n", "")


def test_options_choose_the_repairs():
    """``--only``, ``--skip`` and ``--on-terminate`` decide, up to ``--`` or the program."""
    write("script.py", REPORT + "print(*report(), poolcompat.is_patched('map-input-error'))")
    for options, expected in [
        ([], "True True True True"),
        (["--"], "True True True True"),
        (["--skip", "timeout-inf"], "True False True True"),
        (["--skip=timeout-inf", "--skip", "map-input-error"], "True False True False"),
        (["--only", "timeout-inf", "--"], "True True False False"),
        (["--only=timeout-inf", "--only", "map-input-error"], "True True False True"),
        (["--on-terminate", "silent"], "True True False True"),
    ]:
        assert run(*RUN, *options, "script.py", "--skip", "x") == (0, expected + "\n", "")


def test_skip_variable(monkeypatch):
    """``POOLCOMPAT_SKIP=all`` runs the program with no repair at all."""
    monkeypatch.setenv("POOLCOMPAT_SKIP", "all")
    ended = run(*RUN, "-c", "import poolcompat; print(poolcompat.is_patched())")
    assert ended == (0, "False\n", "")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_of_multiprocessing(method):
    """Children, grandchildren and pool workers have the repairs and options of the command."""
    write("script.py", FAMILY)
    chosen = ["--skip", "timeout-inf", "--on-terminate", "silent"]
    for options, seen in [([], "True True True"), (chosen, "True False False")]:
        ended = run(*RUN, *options, "script.py", method)
        assert ended.out.splitlines() == [
            f"{name} {seen}" for name in ("grandchild", "child", "worker", "main")
        ]
        # PyPy may warn of semaphores that its garbage collector has not freed yet.
        assert "Traceback" not in ended.err
        assert ended.status == 0


def test_processes_after_a_change_of_directory(tmp_path, monkeypatch):
    """A child finds poolcompat even if only a relative ``PYTHONPATH`` led the parent to it."""
    package = os.path.dirname(poolcompat.__file__)
    shutil.copytree(
        package, "lib/poolcompat", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    monkeypatch.setenv("PYTHONPATH", "lib")
    write(
        "script.py",
        "import multiprocessing, os\n"
        "def child():\n"
        "  import poolcompat\n"
        "  print(poolcompat.is_patched(), os.path.abspath(poolcompat.__file__))\n"
        "if __name__ == '__main__':\n"
        "  os.mkdir('elsewhere')\n"
        "  os.chdir('elsewhere')\n"
        "  process = multiprocessing.get_context('spawn').Process(target=child)\n"
        "  process.start()\n"
        "  process.join()\n",
    )
    # -S: without the poolcompat that may be installed
    ended = run(sys.executable, "-S", "-m", "poolcompat", "run", "script.py")
    found = tmp_path / "lib" / "poolcompat" / "__init__.py"
    assert (ended.out, ended.err) == (f"True {found}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a script, -m module or -c code is required"),
        (["--"], "a script, -m module or -c code is required"),
        (["-m"], "a script, -m module or -c code is required"),
        (["-c"], "a script, -m module or -c code is required"),
        (["--nonsense", "script.py"], "unrecognized arguments: --nonsense"),
        (["--skip"], "expected one argument"),
        (["--onl", "timeout-inf", "script.py"], "unrecognized arguments: --onl"),
        (["--only", "nonsense", "script.py"], "'nonsense'; known are as-completed"),
        (["--skip", "nonsense", "script.py"], "'nonsense'; known are as-completed"),
        (["--on-terminate", "nonsense", "script.py"], "'escalate' or 'silent', not 'nonsense'"),
    ],
)
def test_wrong_usage(arguments, message, capsys):
    """Wrong usage is told on stderr, with exit status 2, and nothing is run or changed."""
    write("script.py", "raise AssertionError")
    with pytest.raises(SystemExit) as caught:
        main(["run", *arguments])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: poolcompat run ")
    assert message in err
    assert not poolcompat.is_patched()


def test_unknown_name_in_the_skip_variable(monkeypatch, capsys):
    """A name in ``POOLCOMPAT_SKIP`` that no repair has is wrong usage."""
    monkeypatch.setenv("POOLCOMPAT_SKIP", "timeout-inf, nonsense")
    with pytest.raises(SystemExit) as caught:
        main(["run", "-c", ""])
    assert caught.value.code == 2
    assert "POOLCOMPAT_SKIP: no repair is called 'nonsense'" in capsys.readouterr().err


def test_missing_file():
    """A file that is not there is one line on stderr and exit status 2."""
    message = "poolcompat: can't open file 'missing.py': [Errno 2] No such file or directory\n"
    assert run(*RUN, "missing.py", "x") == (2, "", message)


def test_unreadable_file(capsys):
    """A file that cannot be read is one line on stderr and exit status 2."""
    write("script.py", "")
    os.chmod("script.py", 0)
    if os.access("script.py", os.R_OK):
        os.remove("script.py")
        try:
            os.symlink("script.py", "script.py")
        except OSError:
            pytest.skip("needs a file that this user may not read, or a link to itself")
    assert main(["run", "script.py"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"poolcompat: can't open file 'script\.py': \[Errno \d+\] .+\n", err)


def test_help_and_version(capsys):
    """``--help`` and ``--version`` print on stdout; no command at all is wrong usage."""
    for arguments, expected in [
        (["--version"], f"poolcompat {poolcompat.__version__}\n"),
        (["--help"], "doctor"),
        (["run", "--help"], "--on-terminate"),
        (["doctor", "--help"], "usage: poolcompat doctor"),
    ]:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert expected in capsys.readouterr().out
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "doctor" in err

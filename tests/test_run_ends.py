"""How a program ends that ``poolcompat run`` starts."""

from __future__ import annotations

import signal
import subprocess

import pytest

from run_things import DEADLOCK_S, FAILING, PYTHON, RUN, Ended, assert_same, readable, write

pytest_plugins = "run_fixtures"
pytestmark = pytest.mark.usefixtures("_directory")

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

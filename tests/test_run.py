"""What a program sees that ``poolcompat run`` starts."""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
import zipfile

import pytest

from run_things import FAILING, PYTHON, assert_same, run, write

pytest_plugins = "run_fixtures"
pytestmark = pytest.mark.usefixtures("_directory")

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

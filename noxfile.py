from __future__ import annotations

import configparser
import os
import shutil

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"  # virtualenv cannot make an environment for 3.7
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = "CI" in os.environ  # there, skipped must not look green
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
SETUP_CFG = configparser.ConfigParser()
SETUP_CFG.read("setup.cfg", encoding="utf-8")
CLASSIFIERS = SETUP_CFG["metadata"]["classifiers"].splitlines()
PYTHONS = [c.rpartition(" ")[2] for c in CLASSIFIERS if " :: Python :: 3." in c]
if "Programming Language :: Python :: Implementation :: PyPy" in CLASSIFIERS:
    PYTHONS.append("pypy3.11")  # no classifier can say which version of PyPy

# A search for 3.11 may end at PyPy 3.11, and a kept environment may be of another interpreter.
CHECK_INTERPRETER = """
import platform, sys
got = (platform.python_implementation() + "%d.%d" % sys.version_info[:2]).lower()
if got != sys.argv[1]:
    sys.exit("asked for %s, got %s" % (sys.argv[1], got))
"""


def install_group(session: nox.Session, group: str, *more: str) -> None:
    session.install(*more, *nox.project.dependency_groups(PYPROJECT, group))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff."""
    install_group(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of src/ with mypy, strictly."""
    install_group(session, "types")
    session.run("mypy")


def install_package(session: nox.Session, group: str | None = None) -> None:
    """Install the package, and a dependency group, on the very interpreter that was asked for."""
    python = str(session.python)
    asked = python if python.startswith("pypy") else "cpython" + python
    session.run("python", "-c", CHECK_INTERPRETER, asked, log=False)
    # setuptools keeps what it built there, and a module deleted since would be installed again.
    shutil.rmtree("build", ignore_errors=True)
    if group is None:
        session.install(".")
    else:
        install_group(session, group, ".")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Install the package and run its tests; arguments after -- go to pytest."""
    install_package(session, "test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS)
def bench(session: nox.Session) -> None:
    """Compare the speed with the standard library's; arguments after -- go to bench/bench.py."""
    install_package(session, "bench")
    session.run("python", "bench/bench.py", *session.posargs)


@nox.session(python=PYTHONS)
def upstream(session: nox.Session) -> None:
    """Compare CPython's own tests without us and with us; upstream/differences.py says how."""
    install_package(session)
    session.run("python", "upstream/run.py")

from __future__ import annotations

import configparser
import gzip
import io
import os
import pathlib
import re
import shutil
import tarfile

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"  # virtualenv cannot make an environment for 3.7
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = "CI" in os.environ  # there, skipped must not look green
nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = True  # what failed is what was printed last
nox.options.sessions = ["lint", "types", "tests", "processes", "upstream_short"]

TESTS = pathlib.Path("tests")
PYPROJECT = nox.project.load_toml("pyproject.toml")
SETUP_CFG = configparser.ConfigParser()
SETUP_CFG.read("setup.cfg", encoding="utf-8")
CLASSIFIERS = SETUP_CFG["metadata"]["classifiers"].splitlines()
PYTHONS = [c.rpartition(" ")[2] for c in CLASSIFIERS if " :: Python :: 3." in c]
if "Programming Language :: Python :: Implementation :: PyPy" in CLASSIFIERS:
    PYTHONS.append("pypy3.11")  # no classifier can say which version of PyPy

# What kills many processes, or runs whole programs, takes as long as all the rest: by default on
# some interpreters only.
PROCESS_TESTS = [
    "test_killable_*.py",
    "test_process_executor*.py",
    "test_examples.py",
    "test_docs_programs.py",
]
NO_PROCESS_TESTS = [f"--ignore-glob=tests/{pattern}" for pattern in PROCESS_TESTS]
NEWEST = "3.15"
OLDEST_MIDDLE_NEWEST = [PYTHONS[0], "3.11", NEWEST]

# As above; some builds of 3.11 and 3.12 leave out the tests of their pools.
UPSTREAM_SHORT = [PYTHONS[0], "3.10", NEWEST]
THREAD_SUITES = ["concurrent.futures.thread", "multiprocessing.dummy"]

MYPY_TARGETS = ["3.10", NEWEST]

# Without the GIL nothing is in the classifiers yet, but interrupting must hold there as well.
STRESSED = ["3.7", "3.13", "3.13t", "3.15"]

# On 3.7 some libraries cannot be had.
BESIDE_OTHERS = ["3.8", "3.11", NEWEST]

# Between them these have every defect that is repaired.
MUTATED = [PYTHONS[0], "3.9", NEWEST]

# A search for 3.11 may end at PyPy 3.11, and a kept environment may be of another interpreter.
CHECK_INTERPRETER = """
import platform, sys
got = (platform.python_implementation() + "%d.%d" % sys.version_info[:2]).lower()
got += "" if getattr(sys, "_is_gil_enabled", lambda: True)() else "t"
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
    """Check the types of src/ with mypy, strictly, for the oldest and the newest that it knows."""
    install_group(session, "types")
    for version in MYPY_TARGETS:
        session.run("mypy", f"--python-version={version}")


@nox.session(python=NEWEST)
def types_complete(session: nox.Session) -> None:
    """Have pyright check that every public name has a type, and what tests/types makes of them."""
    install_package(session, "types")
    for version in (PYTHONS[0], NEWEST):
        target = f"--pythonversion={version}"
        session.run("pyright", target, "--verifytypes", "poolcompat", "--ignoreexternal")
        session.run("pyright", target, "tests/types")


def install_package(session: nox.Session, group: str | None = None, *options: str) -> None:
    """Install the package, and a dependency group, on the very interpreter that was asked for."""
    python = str(session.python)
    asked = python if python.startswith("pypy") else "cpython" + python
    session.run("python", "-c", CHECK_INTERPRETER, asked, log=False)
    # setuptools keeps what it built there, and a module deleted since would be installed again.
    shutil.rmtree("build", ignore_errors=True)
    if group is None:
        session.install(".")
    else:
        install_group(session, group, ".", *options)


def run_pytest(session: nox.Session, *arguments: str) -> None:
    """Run tests on all processors, and those that fail once more by themselves.

    As in CPython's own test runner, what passes then does not fail the session, but is told.
    """
    pytest = ["python", "-m", "pytest", f"--override-ini=cache_dir={session.create_tmp()}/cache"]
    try:
        session.run(*pytest, "--cache-clear", "-n", "auto", *arguments, *session.posargs)
    except nox.command.CommandFailed:
        session.run(*pytest, "--last-failed", "--last-failed-no-failures=none", *arguments)
        session.warn("Tests above have failed once: they depend on chance, which is a defect")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Install the package and run its tests; arguments after -- go to pytest."""
    install_package(session, "test")
    run_pytest(session, *NO_PROCESS_TESTS)


def run_process_tests(session: nox.Session) -> None:
    install_package(session, "test")
    run_pytest(session, *[str(p) for glob in PROCESS_TESTS for p in sorted(TESTS.glob(glob))])


@nox.session(python=OLDEST_MIDDLE_NEWEST)
def processes(session: nox.Session) -> None:
    """Run the tests that kill processes, and the examples, on some interpreters."""
    run_process_tests(session)


@nox.session(python=PYTHONS)
def processes_everywhere(session: nox.Session) -> None:
    """Run the same on every interpreter; arguments after -- go to pytest."""
    run_process_tests(session)


@nox.session(python=NEWEST)
def docs(session: nox.Session) -> None:
    """Build the documentation in docs/_build; a warning is an error."""
    install_package(session, "docs")
    session.run("python", "-m", "sphinx", "-nqW", "--keep-going", "docs", "docs/_build")


def make_reproducible(sdist: pathlib.Path, epoch: int) -> None:
    """Leave out when and by whom an sdist was made, which setuptools notes whatever one asks."""
    content = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=content, mode="w") as new:
        for member in sorted(old, key=lambda member: member.name):
            data = old.extractfile(member)
            member.mtime, member.pax_headers = epoch, {}
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(member, data)
    sdist.write_bytes(gzip.compress(content.getvalue(), mtime=epoch))


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist, and from it the wheel, into dist/; check them, and that they come again."""
    install_group(session, "build")
    epoch = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True).strip()
    os.umask(0o022)  # the wheel keeps who may read its files
    built = []
    for folder in (pathlib.Path("dist"), pathlib.Path(session.create_tmp())):
        for old in folder.glob("poolcompat-*"):
            old.unlink()
        env = {"SOURCE_DATE_EPOCH": epoch}
        session.run("python", "-m", "build", "--outdir", str(folder), env=env, silent=True)
        (sdist,) = folder.glob("*.tar.gz")
        make_reproducible(sdist, int(epoch))
        built.append({path.name: path.read_bytes() for path in folder.glob("poolcompat-*")})
    if built[0] != built[1]:
        session.error("Built again, the archives are others")
    session.run("twine", "check", "--strict", *map(str, pathlib.Path("dist").iterdir()))
    session.run("check-wheel-contents", "--package", "src/poolcompat", "dist")


def contents_of(session: nox.Session) -> set[str]:
    root = pathlib.Path(session.virtualenv.location)
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@nox.session(python=OLDEST_MIDDLE_NEWEST, venv_backend="venv", requires=["build"])
def package(session: nox.Session) -> None:
    """Install the archives with pip and take them out; run the tests of the sdist on the wheel."""
    folder = pathlib.Path(session.create_tmp()).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (wheel,) = pathlib.Path("dist").resolve().glob("*.whl")
    (sdist,) = pathlib.Path("dist").resolve().glob("*.tar.gz")
    pip = ["python", "-m", "pip"]
    session.run(*pip, "install", "-q", "--upgrade", "pip")
    session.run(*pip, "uninstall", "-qy", "poolcompat")
    before = contents_of(session)
    for archive in (sdist, wheel, wheel):
        session.run(*pip, "install", "-q", "--force-reinstall", str(archive))
        session.run("python", "-m", "poolcompat", "doctor", silent=True)
    # What lies in folders of its own, but for the command, cannot be in the way of anything.
    own = re.compile(r".*/site-packages/poolcompat(-[^/]+\.dist-info)?(/.*)?|bin/poolcompat")
    foreign = sorted(path for path in contents_of(session) - before if not own.fullmatch(path))
    if foreign:
        session.error(f"It installs {foreign}")
    session.run(*pip, "uninstall", "-qy", "poolcompat")
    if contents_of(session) != before:
        session.error(f"It leaves {sorted(contents_of(session) ^ before)}")
    session.run(*pip, "install", "-q", str(wheel))
    install_group(session, "test")
    shutil.unpack_archive(sdist, folder)
    session.chdir(folder / sdist.name[: -len(".tar.gz")])
    shutil.rmtree("src")
    session.run("python", "-m", "pytest", "-n", "auto", *NO_PROCESS_TESTS, *session.posargs)


@nox.session(python=PYTHONS)
def bench(session: nox.Session) -> None:
    """Compare the speed with the standard library's; arguments after -- go to bench/bench.py."""
    install_package(session, "bench")
    session.run("python", "bench/bench.py", *session.posargs)
    if not session.posargs:  # only a whole run leaves results
        session.notify("charts")


@nox.session
def charts(session: nox.Session) -> None:
    """Write docs/benchmarks.md and its charts from what was measured."""
    install_group(session, "charts")
    session.run("python", "bench/report.py")


@nox.session(python="3.8")
def recording(session: nox.Session) -> None:
    """Write docs/doctor.svg: what poolcompat doctor --verify prints in a terminal."""
    install_package(session, "recording")
    session.run("python", "docs/recording.py")


@nox.session(python=PYTHONS)
def upstream(session: nox.Session) -> None:
    """Compare CPython's own tests without us and with us; arguments after -- are suites."""
    install_package(session)
    session.run("python", "upstream/run.py", *session.posargs)


@nox.session(python=UPSTREAM_SHORT)
def upstream_short(session: nox.Session) -> None:
    """Compare those of threads, futures and waits, on some interpreters."""
    install_package(session)
    session.run("python", "upstream/run.py", *THREAD_SUITES)


@nox.session(python=BESIDE_OTHERS)
def interop(session: nox.Session) -> None:
    """Try us beside other libraries, and run their own tests with us; arguments go to pytest."""
    install_package(session, "interop")
    session.run("python", "-m", "pytest", "-n", "auto", *(session.posargs or ["interop"]))
    if not session.posargs:
        session.run("python", "interop/suites.py")


def run_stress(session: nox.Session, *arguments: str) -> None:
    # Where its newest has no wheel, it would be built, which takes a compiler for Rust.
    install_package(session, "stress", "--only-binary=hypothesis")
    session.run("python", "stress/run.py", *arguments)


@nox.session(python=STRESSED)
def stress(session: nox.Session) -> None:
    """Let state machines do anything to the pools; arguments after -- go to stress/run.py."""
    run_stress(session, *(session.posargs or ["--seconds=120"]))


@nox.session(python=[PYTHONS[0], NEWEST])
def stress_short(session: nox.Session) -> None:
    """Do so for about a minute."""
    run_stress(session, "--seconds=60")


@nox.session(python=MUTATED)
def mutation(session: nox.Session) -> None:
    """Leave out one repair at a time, and see a test fail; arguments after -- are repairs."""
    install_package(session, "test")
    session.run("python", "mutation/run.py", *session.posargs)

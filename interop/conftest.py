"""Other people's libraries beside us; ``nox -s interop`` installs them."""

from __future__ import annotations

import functools
import os
import pathlib
import socket
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests"))

from doors import IMPORT, PATCH, opened  # noqa: E402

ALARM_S = 90  # seconds until a program that should have ended is taken for deadlocked
DEADLOCK_S = 30  # the same for a wait


def pytest_collection_modifyitems(items):
    # What the libraries warn of is not our matter.
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("default"))


def run(program, *arguments, launcher=(), **environ):
    """Run a program in an interpreter of its own, which must exit well; return what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POOLCOMPAT_")}
    environment.update(environ)
    command = [sys.executable, "-W", "ignore", *launcher, str(program), *arguments]
    child = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ALARM_S,
        env=environment,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    assert "Traceback" not in child.stderr, child.stderr
    return child.stdout


def beside(library, order, door, scenario):
    """Run one of programs/scenarios.py; return what it prints."""
    return run(HERE / "programs" / "beside.py", library, order, door, scenario)


@pytest.fixture(params=[IMPORT, PATCH])
def lib(request):
    """The pools behind either door: a test that takes it runs once with each."""
    with opened(request.param) as lib:
        yield lib


def hold(address):
    """Stay until the other end of a connection is closed, in whichever process."""
    with socket.create_connection(address) as connection:
        connection.recv(1)


class HeldAnywhere:
    """A task that stays where it is until it is let go, in this process or another."""

    def __init__(self):
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(1)
        self.server.settimeout(DEADLOCK_S)
        self.task = functools.partial(hold, self.server.getsockname())
        self.connections = []

    def wait_until_running(self):
        connection, _ = self.server.accept()
        self.connections.append(connection)

    def let_go(self):
        while self.connections:
            self.connections.pop().close()
        self.server.close()


@pytest.fixture
def held():
    """A task that is let go when the test ends."""
    held = HeldAnywhere()
    yield held
    held.let_go()

"""``gevent.monkey.patch_all()`` before us and after us, behind both doors."""

from __future__ import annotations

import sys

import pytest

from conftest import HERE, ROOT, beside, run

sys.path.insert(0, str(HERE / "programs"))

from scenarios import SCENARIOS

PRINTED = {
    "exit_runs_the_queue": {"held", *(f"exit {n}" for n in range(5))},
    # Greenlets are no threads that an exception could be sent to.
    "terminated_thread_pool": {"abandoned", "held"},
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("door", ["patch", "import"])
@pytest.mark.parametrize("order", ["first", "last"])
def test_pools(order, door, scenario):
    """Everything but interrupting a greenlet."""
    printed = beside("gevent", order, door, scenario).splitlines()
    assert set(printed) == PRINTED.get(scenario, {"held"})
    assert len(printed) == len(set(printed))


@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_that_are_patched_as_well(order, method):
    """Their main module patches when it is imported, as most do; tasks run all the same."""
    printed = run(HERE / "programs" / "gevent_processes.py", order, method)
    assert printed == "[0, 1, 4]\n[0, 1, 4]\n"


def test_a_program_that_patches_itself_under_run():
    """`poolcompat run` comes first, and the program's own patch after it."""
    program = HERE / "programs" / "gevent_crawl.py"
    assert (
        run(program, launcher=["-m", "poolcompat", "run"]) == "9 greenlets at once, 3 cancelled\n"
    )


def test_a_legacy_program_under_gevents_own_launcher():
    """`python -m gevent.monkey` comes first, and we in its program."""
    program = str(ROOT / "examples" / "legacy" / "main.py")
    printed = run("run", program, launcher=["-m", "gevent.monkey", "--module", "poolcompat"])
    assert printed.splitlines()[-1] == "3 reports published"


@pytest.mark.parametrize("order", ["first", "last"])
def test_gevents_own_executor(order):
    """Its futures are none of the standard library's, and work in our waiting functions."""
    assert run(HERE / "programs" / "gevent_executor.py", order) == "held\n"

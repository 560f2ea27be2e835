"""The interpreter exits while there are ``KillableThreadPoolExecutor`` objects, in every state."""

from __future__ import annotations

import os
import textwrap

import pytest

from fresh import run
from killable_programs import BEGIN, end_of, start
from stage import START_METHODS

pytest_plugins = "killable_fixtures"

needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def said_by(code, **values):
    """Run a program that must exit well, and return the lines of its output."""
    for name, value in values.items():
        code = code.replace(name, repr(value))
    return run(BEGIN + textwrap.dedent(code)).split("\n")[:-1]


@pytest.mark.parametrize(
    "state",
    [
        "pass",
        "executor.submit(int).result()",
        "executor.submit(int)",
        "executor.submit(int).result(); executor.shutdown()",
        "executor.submit(int); executor.shutdown(wait=False)",
        "executor.submit(leave, 3).exception()",
        "executor.submit(leave, 3)",
        "executor.submit(int).result(); executor.kill_workers()",
        "executor.submit(int); executor.kill_workers()",
        "executor.submit(int); executor.request_stop(); executor.submit(int)",
        "executor.submit(int); executor.myself = executor; del executor",
    ],
)
def test_each_state(state):
    """It exits well, and says nothing, also with two that are in this state."""
    assert said_by(
        f"""
        def bring_there(executor):
            {state}

        executors = [KillableThreadPoolExecutor(restart=restart) for restart in (False, True)]
        for executor in executors:
            bring_there(executor)
        print("end")
        """
    ) == ["end"]


def test_killed_and_used_again():
    """The new process may be starting just then."""
    said = said_by(
        """
        executor = KillableThreadPoolExecutor(1, restart=True)
        executor.submit(int).result()
        executor.kill_workers()
        executor.submit(say, "done")
        """
    )
    assert said == ["done"]


def test_it_is_dropped():
    """Just before the end."""
    said = said_by(
        """
        executor = KillableThreadPoolExecutor(1)
        executor.submit(int).result()
        executor.submit(say, "done")
        del executor
        """
    )
    assert said == ["done"]


def test_what_was_submitted_is_done():
    """With its callbacks, and in the order in which it was submitted."""
    said = said_by(
        """
        executor = KillableThreadPoolExecutor(1)
        for number in range(20):
            future = executor.submit(say, str(number))
        future.add_done_callback(lambda _: say("called back"))
        say("end")
        """
    )
    assert "end" in said
    said.remove("end")
    assert said == [*map(str, range(20)), "called back"]


def test_what_runs_at_that_moment_ends_well(stage):
    """Within the time it is given."""
    code = """
    executor = KillableThreadPoolExecutor(1)
    executor.submit(hold, ADDRESS, "running").add_done_callback(lambda one: say(one.result()))
    executor.submit(add, 1).add_done_callback(lambda one: say(one.result()))
    atexit.register(hold, ADDRESS, "hook")
    """
    process = start(code.replace("ADDRESS", repr(stage.address)))
    actors = {actor.value: actor for actor in stage.take(2)}
    actors["hook"].let_go()
    actors["running"].let_go()
    assert end_of(process) == (0, "running\n1\n", "")


@pytest.mark.parametrize(
    "hook",
    [
        "executor.shutdown()",
        "executor.shutdown(wait=False, cancel_futures=True)",
        "executor.kill_workers()",
        "executor.terminate_workers()",
        "executor.request_stop()",
        "executor.submit(int).result()",
        "KillableThreadPoolExecutor().submit(int).result()",
    ],
)
def test_exit_hooks_use_it(hook):
    """Registered before and after poolcompat is imported; work may be refused then."""
    code = f"""
import atexit

def hook():
    try:
        {hook}
    except RuntimeError as error:
        assert "after" in str(error), error
    print("hook")

atexit.register(hook)
from poolcompat.futures import KillableThreadPoolExecutor
atexit.register(hook)
executor = KillableThreadPoolExecutor(1)
assert executor.submit(int).result() == 0
for _ in range(3):
    executor.submit(int)
print("end")
"""
    assert run(code) == "end\nhook\nhook\n"


def test_a_thread_still_submits():
    """While it runs the interpreter waits for it; what it submits is done, or refused."""
    said = said_by(
        """
        executor = KillableThreadPoolExecutor(1)
        executor.submit(int).result()

        def use():
            threading.main_thread().join()
            try:
                results = [executor.submit(add, number).result() for number in range(5)]
            except RuntimeError as error:
                print("refused" if "after" in str(error) else error)
            else:
                print(results)

        threading.Thread(target=use).start()
        """
    )
    assert said in (["[0, 1, 2, 3, 4]"], ["refused"])


def test_a_thread_waits_for_it():
    """It gets what it waits for."""
    said = said_by(
        """
        executor = KillableThreadPoolExecutor(1)
        futures = [executor.submit(add, number) for number in range(5)]
        threading.Thread(target=lambda: say([future.result() for future in futures])).start()
        """
    )
    assert said == ["[0, 1, 2, 3, 4]"]


def test_a_program_that_fails():
    """Its own exit status and traceback, and what was submitted is done."""
    process = start(
        """
        executor = KillableThreadPoolExecutor(1)
        executor.submit(say, "done")
        sys.exit("failed")
        """
    )
    assert end_of(process) == (1, "done\n", "failed\n")


@pytest.mark.parametrize("method", START_METHODS)
def test_a_process_of_multiprocessing_exits(method):
    """One that has used an executor, and left it as it was."""
    said = said_by(
        """
        import multiprocessing, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        context = multiprocessing.get_context(METHOD)
        process = context.Process(target=killable_things.use_an_executor, args=(5,))
        process.start()
        process.join()
        print(process.exitcode)
        """,
        METHOD=method,
    )
    assert said == ["5", "last", "0"]


@pytest.mark.parametrize("method", START_METHODS)
def test_a_task_uses_one_itself(method):
    """Its process is no daemon of multiprocessing, which may have no children."""
    said = said_by(
        """
        import multiprocessing, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        context = multiprocessing.get_context(METHOD)
        with KillableThreadPoolExecutor(1, mp_context=context) as executor:
            executor.submit(killable_things.use_an_executor, 5).result()
        print("end")
        """,
        METHOD=method,
    )
    assert said == ["5", "last", "end"]

"""The interpreter exits, or is ended, while there is a ``ProcessPoolExecutor``, in every state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from conftest import DEADLOCK_S
from doors import IMPORT, PATCH
from fresh import TESTS
from process_tasks import START_METHODS
from stage import exists, wait_until

pytest_plugins = "killable_fixtures"

needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

BEGIN = """
import atexit, gc, multiprocessing, os, sys, threading
from killable_tasks import add, hold, hold_the_gil, kill_self, leave, say, spin, wait_for_ever
from process_tasks import ignore_sigterm, tell
import poolcompat
if DOOR == "patch":
    poolcompat.patch_all()
    from concurrent.futures import ProcessPoolExecutor
else:
    from poolcompat.futures import ProcessPoolExecutor

def make(max_workers=1, method=METHOD, **options):
    return ProcessPoolExecutor(max_workers, multiprocessing.get_context(method), **options)

executor = make()
"""


@pytest.fixture(params=[IMPORT, PATCH])
def door(request):
    """The way in."""
    return request.param


def start(door, code, method=START_METHODS[0], **values):
    """Start a program, which has an executor."""
    code = BEGIN + textwrap.dedent(code)
    for name, value in {"DOOR": door, "METHOD": method, **values}.items():
        code = code.replace(name, repr(value))
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        cwd=str(TESTS),
        start_new_session=True,
    )


def end_of(process):
    """Return the exit status, the output and what was said on stderr, when no process is left."""
    with process:
        try:
            said, errors = process.communicate(timeout=DEADLOCK_S)
        finally:
            process.kill()
    return process.returncode, said, errors


@pytest.mark.parametrize("method", START_METHODS)
def test_what_was_submitted_is_done(door, method):
    """With its callbacks, in order, whatever has become of the executor."""
    code = """
    executors = [executor, make(), make()]
    for number, executor in enumerate(executors):
        futures = [executor.submit(tell, f"{number} {call}") for call in range(10)]
        told = f"{number} called back"
        futures[-1].add_done_callback(lambda _, told=told: tell(told))
    executors[1].shutdown(wait=False)
    del executors[2], executor
    gc.collect()
    """
    status, said, errors = end_of(start(door, code, method))
    assert (status, errors) == (0, "")
    said = said.splitlines()
    for number in range(3):
        expected = [f"{number} {word}" for word in [*range(10), "called back"]]
        assert [line for line in said if line[0] == str(number)] == expected


STATES = """
executor.submit(int).result()
executor.submit(int).result(); executor.shutdown()
executor.submit(leave, 3).exception()
executor.submit(leave, 3)
executor.submit(kill_self)
executor.submit(int).result(); executor.kill_workers()
executor.submit(wait_for_ever); executor.kill_workers()
executor.submit(wait_for_ever); executor.terminate_workers()
executor.submit(int); executor.submit(int); executor.terminate_workers()
executor.submit(lambda: 0)
executor.submit(int).cancel()
executor.myself = executor; executor.submit(int); del executor
executor = make(2, 'spawn', max_tasks_per_child=1); executor.map(abs, range(6))
results = executor.map(abs, range(100), buffersize=3); next(results)
executor = make(2); [executor.submit(int) for _ in range(5)]; executor.__enter__()
""".strip().splitlines()


def test_each_state(door):
    """It exits well, and says nothing."""
    code = """
    for state in STATES:
        names = {**globals(), "executor": make()}
        exec(state, names)
        globals().setdefault("kept", []).append(names)
    print("end")
    """
    assert end_of(start(door, code, STATES=STATES)) == (0, "end\n", "")


def test_a_failing_initializer(door):
    """It is logged once in each process, as ever, and that is all."""
    status, said, errors = end_of(
        start(door, "make(initializer=add).submit(int).exception(); print('end')")
    )
    assert (status, said) == (0, "end\n")
    assert errors.count("Exception in initializer") == 1
    assert errors.count("Traceback") == 1


def test_what_runs_at_that_moment_has_all_the_time_it_needs(door, stage):
    """The interpreter waits for it."""
    code = """
    executor.submit(hold, ADDRESS, "running").add_done_callback(lambda one: say(one.result()))
    executor.submit(add, 1).add_done_callback(lambda one: say(one.result()))
    atexit.register(hold, ADDRESS, "hook")
    """
    process = start(door, code, ADDRESS=stage.address)
    actors = {actor.value: actor for actor in stage.take(2)}
    actors["hook"].let_go()
    actors["running"].let_go()
    assert end_of(process) == (0, "running\n1\n", "")


HOOKS = """
executor.shutdown()
executor.shutdown(wait=False, cancel_futures=True)
executor.kill_workers()
executor.terminate_workers()
executor.submit(int).result()
make().submit(int).result()
""".strip().splitlines()


def test_exit_hooks_use_it(door):
    """New work may be refused then, and nothing hangs."""
    code = """
    def hook(code, names):
        try:
            exec(code, names)
        except RuntimeError as error:
            assert "shutdown" in str(error), error
        print("hook")

    for code in HOOKS:
        names = {**globals(), "executor": make()}
        names["executor"].submit(int).result()
        for _ in range(3):
            names["executor"].submit(int)
        atexit.register(hook, code, names)
    print("end")
    """
    assert end_of(start(door, code, HOOKS=HOOKS)) == (0, "end\n" + len(HOOKS) * "hook\n", "")


def test_a_callback_submits_at_exit(door, stage):
    """It is refused, or done."""
    code = """
    outcomes = []

    def submit(_):
        try:
            executor.submit(say, "submitted")
        except RuntimeError as error:
            assert "cannot schedule new futures after" in str(error), error
            say("refused")

    executor.submit(hold, ADDRESS).add_done_callback(submit)
    """
    process = start(door, code, ADDRESS=stage.address)
    stage.next().let_go()
    status, said, errors = end_of(process)
    assert (status, errors) == (0, "")
    assert said in ("refused\n", "submitted\n")


def test_a_thread_waits_for_it(door):
    """It gets what it waits for."""
    code = """
    futures = [executor.submit(add, number) for number in range(5)]
    threading.Thread(target=lambda: say([future.result() for future in futures])).start()
    """
    assert end_of(start(door, code)) == (0, "[0, 1, 2, 3, 4]\n", "")


def test_a_program_that_fails(door):
    """Its own exit status and words, and what was submitted is done."""
    code = "executor.submit(say, 'done'); sys.exit('failed')"
    assert end_of(start(door, code)) == (1, "done\n", "failed\n")


def test_a_thread_that_never_ends(door):
    """A daemon thread that submits does not keep the interpreter."""
    code = """
    begun = threading.Event()

    def use():
        while True:
            try:
                executor.submit(int).result()
            except RuntimeError:
                return
            begun.set()

    threading.Thread(target=use, daemon=True).start()
    begun.wait()
    """
    assert end_of(start(door, code)) == (0, "", "")


@needs_signals
@pytest.mark.parametrize("method", START_METHODS)
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "exit"])
def test_processes_end_with_their_parent(door, stage, method, number):
    """However it is ended; whether they work, or wait."""
    code = """
    executor = make(2)
    executor.submit(os.getpid).result()
    executor.submit(hold, ADDRESS)
    hold(ADDRESS, "main")
    os._exit(0)
    """
    process = start(door, code, method, ADDRESS=stage.address)
    actors = {actor.value: actor for actor in stage.take(2)}
    if number == "exit":
        actors["main"].let_go()
    else:
        process.send_signal(getattr(signal, number))
    actors[None].wait_until_gone()
    # Whose output would not end as long as there is another process
    assert end_of(process)[1:] == ("", "")


@needs_signals
@pytest.mark.parametrize("task", ["spin", "hold_the_gil", "ignore_sigterm"])
def test_whatever_they_do(door, stage, task):
    """Also in C."""
    code = "executor.submit(TASK, ADDRESS); wait_for_ever()".replace("TASK", task)
    process = start(door, code, ADDRESS=stage.address)
    actor = stage.next()
    process.kill()
    actor.wait_until_gone()
    end_of(process)


@needs_signals
def test_ctrl_c_while_they_are_idle(door, stage):
    """The program's own traceback, and no other."""
    code = """
    executor = make(2)
    futures = [executor.submit(hold, ADDRESS) for _ in range(2)]
    [future.result() for future in futures]
    hold(ADDRESS, "main")
    """
    process = start(door, code, ADDRESS=stage.address)
    for actor in stage.take(2):
        actor.let_go()
    stage.next()
    os.killpg(process.pid, signal.SIGINT)
    status, said, errors = end_of(process)
    assert said == ""
    assert errors.count("Traceback") == 1
    assert errors.endswith("KeyboardInterrupt\n")
    assert status in (1, -signal.SIGINT)


@needs_signals
def test_nothing_is_left_of_a_forkserver(door):
    """Neither when the program ends by itself, nor its processes."""
    if "forkserver" not in START_METHODS:
        pytest.skip("needs the start method forkserver")
    code = "print(executor.submit(os.getpid).result())"
    status, said, errors = end_of(start(door, code, "forkserver"))
    assert (status, errors) == (0, "")
    wait_until(lambda: not exists(int(said)))

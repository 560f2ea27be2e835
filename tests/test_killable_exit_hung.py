"""The interpreter exits while a task of a ``KillableThreadPoolExecutor`` hangs, or by Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import textwrap

import pytest

from killable_programs import end_of, start

pytest_plugins = "killable_fixtures"

needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

HUNG = {
    "sleeping": """
        executor = KillableThreadPoolExecutor(2)
        executor.submit(killable_tasks.sleep_in_c, ADDRESS)
        """,
    "spinning, with a queue": """
        executor = KillableThreadPoolExecutor(1, restart=True)
        executor.submit(killable_tasks.spin, ADDRESS)
        for _ in range(10):
            executor.submit(wait_for_ever)
        """,
    "shut down": """
        executor = KillableThreadPoolExecutor(1)
        executor.submit(hold, ADDRESS)
        executor.shutdown(wait=False)
        """,
    "initializer": """
        executor = KillableThreadPoolExecutor(1, "", hold, (ADDRESS,))
        executor.submit(int)
        """,
    "two": """
        executor = KillableThreadPoolExecutor(1)
        executor.submit(hold, ADDRESS)
        another = KillableThreadPoolExecutor(1)
        another.submit(wait_for_ever)
        """,
    "callback": """
        executor = KillableThreadPoolExecutor(1)
        executor.submit(int).add_done_callback(lambda _: hold(ADDRESS))
        """,
    "somebody waits": """
        executor = KillableThreadPoolExecutor(1)
        future = executor.submit(hold, ADDRESS)
        thread = threading.Thread(target=lambda: say(type(future.exception()).__name__))
        thread.daemon = True
        thread.start()
        """,
}
STOPPED = """
        executor = KillableThreadPoolExecutor(1)
        os.kill(executor.submit(os.getpid).result(), signal.SIGSTOP)
        executor.submit(len, bytes(10_000_000))
        """
if os.name != "nt":
    HUNG["stopped"] = "import signal\n" + textwrap.dedent(STOPPED) + "killable_tasks.call(ADDRESS)"
    if not hasattr(sys, "pypy_version_info"):
        HUNG["with the GIL"] = HUNG["sleeping"].replace("sleep_in_c", "hold_the_gil")


def test_what_hangs_is_killed(stage):
    """After five seconds, with a warning; all these programs run at once."""
    with contextlib.ExitStack() as stack:
        processes = {}
        for name, code in HUNG.items():
            processes[name] = start(textwrap.dedent(code).replace("ADDRESS", repr(stage.address)))
            stack.enter_context(processes[name])
            stack.callback(processes[name].kill)
        stage.take(len(HUNG))
        ends = {name: end_of(process) for name, process in processes.items()}
    assert {name: status for name, (status, _, _) in ends.items()} == dict.fromkeys(ends, 0)
    for name, (_, said, errors) in ends.items():
        # One that hangs in a callback has no task that runs.
        assert errors.count("TerminateWarning:") in (1, name != "callback"), (name, errors)
        assert "Traceback" not in errors
        assert said in ("", "TaskStopped\n")


@needs_signals
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_the_whole_group_is_signalled(stage, number):
    """As by Ctrl-C in a terminal: the task goes on until the parent has decided."""
    process = start(
        """
        import signal
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        executor = KillableThreadPoolExecutor(1)
        future = executor.submit(hold, ADDRESS, 1)
        while True:
            try:
                print(future.result())
                break
            except KeyboardInterrupt:
                hold(ADDRESS, "interrupted")
            except Exception as error:
                print(type(error).__name__)
                break
        """.replace("ADDRESS", repr(stage.address)),
        start_new_session=True,
    )
    child = stage.next()
    os.killpg(process.pid, getattr(signal, number))
    stage.next().let_go()
    if number == "SIGINT":
        child.let_go()
        assert end_of(process) == (0, "1\n", "")
    else:
        child.wait_until_gone()
        assert end_of(process) == (0, "BrokenProcessPool\n", "")

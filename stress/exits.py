"""Programs that exit with a pool in some state; each must end well, and say what it should."""

from __future__ import annotations

import itertools
import os
import pathlib
import random
import signal
import subprocess
import sys
import textwrap
import time

HERE = pathlib.Path(__file__).parent
# A program that takes this long will never end.
ALARM_S = 60

BEGIN = """
import atexit, os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")
import exit_tasks
from exit_tasks import hold, started, say, quick
import poolcompat

def main():
"""

# How a pool is made, behind which door, and what the states call its methods
POOLS = {
    "executor import": """
        from poolcompat.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        submit, ends = pool.submit, lambda: pool.shutdown(wait=False)
    """,
    "executor patch": """
        import concurrent.futures
        poolcompat.patch_all()
        pool = concurrent.futures.ThreadPoolExecutor(2)
        submit, ends = pool.submit, lambda: pool.shutdown(wait=False)
    """,
    "pool import": """
        from poolcompat.pool import ThreadPool
        pool = ThreadPool(2)
        submit, ends = lambda fn, *args: pool.apply_async(fn, args), pool.close
    """,
    "pool patch": """
        import multiprocessing.pool
        poolcompat.patch_all()
        pool = multiprocessing.pool.ThreadPool(2)
        submit, ends = lambda fn, *args: pool.apply_async(fn, args), pool.close
    """,
    "killable import": """
        from poolcompat.futures import KillableThreadPoolExecutor
        pool = KillableThreadPoolExecutor(2)
        submit, ends = pool.submit, lambda: pool.shutdown(wait=False)
    """,
}


# bpo-1054041
INTERRUPTED = -signal.SIGINT if sys.version_info >= (3, 8) else 1
KINDS = ("executor", "pool", "killable")
# Whether somebody still has it when the interpreter exits
KEPT = {"kept": "exit_tasks.kept = pool\n", "let go": ""}


class State:
    """What a program does before it exits, and what becomes of it.

    An executor does first what was submitted; a pool is dropped with what it has.

    Args:
        code: What it does.
        says: What it prints.
        status: Its exit status, or minus the signal.
        kinds: Which pools are told of.
        doors: Which doors are told of.
        errors: What stands on stderr, where otherwise there is nothing.
    """

    def __init__(self, code, says="", status=0, kinds=KINDS, doors=("import", "patch"), errors=""):
        self.code, self.status, self.kinds, self.doors = code, status, kinds, doors
        self.says, self.errors = says, errors


FUTURES = ("executor", "killable")

STATES = {
    "idle": State("submit(quick)"),
    "unused": State("pass"),
    "a task runs": State("submit(say, 'done'); started(1)", "done\n", kinds=FUTURES),
    "the queue is full": State(
        "[submit(say, n) for n in range(6)]", "0\n1\n2\n3\n4\n5\n", kinds=FUTURES
    ),
    "what is queued was cancelled": State(
        """
        submit(hold, 0.2); submit(hold, 0.2)
        [submit(say, n).cancel() for n in range(6)]
        """,
        kinds=FUTURES,
    ),
    "after the end": State(
        "[submit(say, n) for n in range(3)]; ends()",
        "0\n1\n2\n",
        kinds=FUTURES,
    ),
    "a pool with work": State(
        "submit(hold, 60); submit(say, 'never'); started(1)", kinds=("pool",)
    ),
    "a pool that was closed": State("submit(hold, 60); started(1); ends()", kinds=("pool",)),
    "after a terminate with survivors": State(
        """
        submit(hold, 60); submit(hold, 60); started(2)
        pool.terminate_workers(grace=0, timeout=0)
        """,
        kinds=("executor",),
        doors=("import",),
    ),
    "after a terminate of a pool": State(
        "submit(hold, 60); submit(hold, 60); started(2); pool.terminate()", kinds=("pool",)
    ),
    "after a kill": State("submit(hold, 60); pool.kill_workers()", kinds=("killable",)),
    "in a callback": State(
        "submit(quick).add_done_callback(lambda _: (time.sleep(0.2), say('called')))",
        "called\n",
        kinds=FUTURES,
    ),
    "a callback submits": State(
        """
        def callback(_):
            try:
                submit(say, 'more')
            except RuntimeError:
                say('more')
        submit(quick).add_done_callback(callback)
        """,
        "more\n",
        kinds=FUTURES,
    ),
    "Ctrl-C": State(
        "submit(say, 'done'); started(1); os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
        "done\n",
        status=INTERRUPTED,
        kinds=("executor",),
        errors="KeyboardInterrupt",
    ),
    "Ctrl-C beside a pool": State(
        "submit(hold, 60); started(1); os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
        status=INTERRUPTED,
        kinds=("pool",),
        errors="KeyboardInterrupt",
    ),
    "sys.exit() while tasks run": State(
        "submit(say, 'done'); started(1); sys.exit(3)", "done\n", status=3, kinds=("executor",)
    ),
    "sys.exit() beside a pool": State(
        "submit(hold, 60); started(1); sys.exit(3)", status=3, kinds=("pool",)
    ),
    "sys.exit() with a process": State("submit(hold, 0.2); sys.exit(3)", status=3),
    "an exception while tasks run": State(
        "submit(hold, 0.1); raise LookupError", status=1, errors="LookupError"
    ),
    "an exit hook submits": State(
        "submit(quick); atexit.register(lambda: submit(say, 'late').result())",
        "late\n",
        kinds=("executor",),
    ),
    "an exit hook ends it": State("submit(hold, 0.1); atexit.register(ends)"),
    "a daemon thread submits": State(
        """
        def go_on():
            try:
                while True:
                    submit(quick)
                    time.sleep(0)
            except (RuntimeError, ValueError):
                pass
        threading.Thread(target=go_on, daemon=True).start()
        submit(quick)
        """,
    ),
    "after a fork": State(
        """
        first = submit(quick)
        pid = os.fork()
        if pid == 0:
            submit(say, 'child')
            ends()
            return
        os.waitpid(pid, 0)
        submit(say, 'parent')
        ends()
        """,
        "child\nparent\n",
        kinds=FUTURES,
    ),
    "a pool after a fork": State(
        """
        submit(hold, 0.1); started(1)
        pid = os.fork()
        if pid == 0:
            submit(say, 'child').get()
            submit(hold, 60)
            return
        os.waitpid(pid, 0)
        submit(say, 'parent').get()
        """,
        "child\nparent\n",
        kinds=("pool",),
    ),
    "after unpatch_all": State(
        "submit(say, 'done'); started(1); poolcompat.unpatch_all(); submit(say, 'more')",
        "done\nmore\n",
        kinds=("executor",),
        doors=("patch",),
    ),
    "a pool after unpatch_all": State(
        "submit(hold, 60); started(1); poolcompat.unpatch_all(); submit(quick)",
        kinds=("pool",),
        doors=("patch",),
    ),
}


def programs():
    """Yield the name of each program, with its code and its state."""
    every = itertools.product(POOLS.items(), STATES.items(), KEPT.items())
    for (pool, make), (name, state), (kept, keep) in every:
        kind, door = pool.split()
        if kind in state.kinds and door in state.doors:
            body = textwrap.dedent(make) + keep + textwrap.dedent(state.code)
            end = "\nif __name__ == '__main__':\n    main()\n"
            yield f"{pool}, {name}, {kept}", BEGIN + textwrap.indent(body, "    ") + end, state


def check(name, code, state):
    """Run a program; return what is wrong with its end, or ``None``."""
    child = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
    )
    with child:
        try:
            said, errors = child.communicate(timeout=ALARM_S)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGABRT)  # which shows all stacks
            return f"{name} does not end:\n{child.communicate()[1]}"
        finally:
            child.kill()
    got = child.returncode, "".join(sorted(said.splitlines(True)))
    wanted = state.status, "".join(sorted(state.says.splitlines(True)))
    complaint = errors if not state.errors else ""
    if got == wanted and not complaint and state.errors in errors:
        return None
    return f"{name}: {got}, not {wanted}\n{errors}"


def main(seconds=float("inf"), seed=0):
    """Run all of them in some order, or as many as there is time for; return how many failed."""
    every = list(programs())
    random.Random(seed).shuffle(every)
    begun = time.monotonic()
    total = failed = 0
    for name, code, state in every:
        if time.monotonic() - begun > seconds:
            break
        wrong = check(name, code, state)
        total += 1
        if wrong is not None:
            failed += 1
            print(wrong, flush=True)
    print(f"exits: {total} of {len(every)} programs, {failed} failed", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(bool(main()))

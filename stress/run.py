"""State machines, exits and interruptions: ``python stress/run.py --seconds 120``.

Each part runs in a process of its own, which is ended if it does not end.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

#: Where the machines stand
MACHINES = {
    "ExecutorMachine": "executor_machine",
    "PatchedExecutorMachine": "executor_machine",
    "ThreadPoolMachine": "pool_machine",
    "PatchedThreadPoolMachine": "pool_machine",
    "KillableMachine": "killable_machine",
}
PARTS = [*MACHINES, "exits", "race"]
# How many examples have one seed, and how many steps each has at most
EXAMPLES, STEPS = 20, 40
# How many tasks are interrupted before the clock is looked at
RACE = 5_000
# How much longer a part may take before it is ended: a stuck example is run again by Hypothesis
PATIENCE_S = 400


def run_machine(name, seed, seconds, examples, shrinks):
    """Run one machine, with one seed after the other until the time is over."""
    import hypothesis
    from hypothesis import stateful

    machine = getattr(__import__(MACHINES[name]), name)
    from calls import counts

    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, *[hypothesis.Phase.shrink] * shrinks],
        print_blob=False,
    )
    begun = time.monotonic()
    while True:
        try:
            stateful.run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
        except BaseException:
            print(
                f"again: python stress/run.py --part {name} --seed {seed} --seconds 0", flush=True
            )
            raise
        if time.monotonic() - begun > seconds:
            break
        seed += 1
    tell(name, counts)


def run_race(seconds):
    """Interrupt short tasks until the time is over; return whether something was lost."""
    from poolcompat import _threads
    from race import race

    if not _threads.can_interrupt():
        print("race: nothing can be interrupted on this interpreter")
        return False
    begun, counts = time.monotonic(), collections.Counter()
    while time.monotonic() - begun <= seconds:
        counts += race(RACE)
    tell("race", counts)
    return any(counts[what] for what in ("lost", "wrong", "dead workers"))


def tell(name, counts):
    print(f"{name}:", ", ".join(f"{value} {key}" for key, value in sorted(counts.items())))


def run_part(given):
    """Run one part here; return whether it has failed."""
    from poolcompat import _threads

    faulthandler.enable()
    _threads.can_interrupt()  # It opens a library, which is not closed again.
    if given.part == "exits":
        import exits

        return exits.main(given.seconds, given.seed)
    sys.setswitchinterval(1e-5)
    if given.part == "race":
        return run_race(given.seconds)
    run_machine(given.part, given.seed, given.seconds, given.examples, given.shrink)
    return False


def run_apart(arguments, seconds):
    """Run this program with other arguments; return whether all was well."""
    command = [sys.executable, "-W", "error", __file__, *map(str, arguments)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        return child.wait(seconds + PATIENCE_S) == 0
    except subprocess.TimeoutExpired:
        print(f"{' '.join(command)} does not end")
        return False
    finally:
        child.kill()
        child.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="about so long, in total")
    parser.add_argument("--seed", type=int, help="the first one; by default another each time")
    parser.add_argument("--part", choices=PARTS, help="only this one")
    parser.add_argument("--here", action="store_true", help="run it in this process")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="with each seed")
    parser.add_argument("--shrink", action="store_true", help="look for less that fails as well")
    given = parser.parse_args()
    if given.seed is None:
        given.seed = random.randrange(1 << 32)
    if given.here:
        return bool(run_part(given))
    print(f"Python {sys.version.split()[0]}, seed {given.seed}", flush=True)
    parts = [given.part] if given.part else PARTS
    seconds = given.seconds / len(parts)
    failed = []
    for part in parts:
        arguments = ["--here", "--part", part, "--seed", given.seed, "--seconds", seconds]
        arguments += ["--examples", given.examples, *["--shrink"] * given.shrink]
        if not run_apart(arguments, seconds):
            failed.append(part)
    if failed:
        print("failed:", ", ".join(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

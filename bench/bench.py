"""Time and memory of poolcompat against the standard library of the same interpreter.

Tasks that can be killed are compared with pebble and loky as well.

Every value is that of a fresh child process, and the sides take turns: standard library, import,
patch, standard library, import, patch, …  So whatever else the machine does slows them all alike,
and a ratio is taken within a round, between neighbours.

What the children do is in works.py and processes.py; this collects and prints, and only here is
pyperf imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pathlib
import platform
import statistics
import subprocess
import sys

from works import IMPORT, LATENCIES, LATENCY_OF, PATCH, STANDARD, WORKS

from processes import KILLABLE_WORKS, PROCESS_WORKS, WORK_OF

CHILD = pathlib.Path(__file__).with_name("child.py")


def run_child(side, name, count):
    """Return the values that a fresh process measures."""
    environ = {k: v for k, v in os.environ.items() if k != "POOLCOMPAT_SKIP"}
    command = [sys.executable, str(CHILD), side, name, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environ)
    if done.returncode:
        sys.exit(f"{name}: the child of {side} failed")
    return [float(value) for value in done.stdout.split()]


def measured(work, sides, fast):
    """Return the values of each side, one for each round."""
    rounds = min(work.rounds, 7) if fast else work.rounds
    values = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            values[side] += run_child(side, work.name, work.counts[fast])
    return values


def benchmark(values, unit):
    import pyperf

    metadata = {"name": "bench", "unit": unit}
    return pyperf.Benchmark([pyperf.Run([value], metadata=metadata) for value in values])


def cells(work, doors, fast):
    """Return a row of the table."""
    row = [work.title.format(work.counts[fast])]
    if work.is_possible:
        values = measured(work, [*work.rivals, *doors], fast)
        fastest = min(work.rivals, key=lambda rival: statistics.median(values[rival]))
        row.append(", ".join(absolute(work, rival, values[rival]) for rival in work.rivals))
        for door in doors:
            row.append(judged([a / b for a, b in zip(values[door], values[fastest])], work.goal))
    else:
        row.extend(["n/a"] * (1 + len(doors)))
    row.append(f"{work.goal} or less")
    return row


def absolute(work, rival, values):
    result = benchmark(values, work.unit)
    text = result.format_value(result.median())
    return text if work.rivals == (STANDARD,) else f"{rival} {text}"


def judged(ratios, goal):
    ratio = benchmark(ratios, "integer")  # pyperf has no unit for it
    digits = 2 if goal >= 0.1 else 4
    median = round(ratio.median(), digits)
    low, high = (f"{ratio.percentile(quarter):.{digits}f}" for quarter in (25, 75))
    return f"{median:.{digits}f} ({low} to {high}) {'✓' if median <= goal else '✗'}"


def latency_cells(latency, fast):
    """Return a row of the table of latencies: in milliseconds, of the first call and of others."""
    rounds = min(latency.rounds, 7) if fast else latency.rounds
    firsts, others = zip(*(run_child(IMPORT, latency.name, 1) for _ in range(rounds)))
    row = [latency.title]
    for values in (firsts, others):
        value = benchmark(values, "second")
        low, median, high = (1e3 * value.percentile(quarter) for quarter in (25, 50, 75))
        row.append(f"{median:.1f} ms ({low:.1f} to {high:.1f})")
    return row


def machine():
    about = benchmark([1.0], "second").get_metadata()
    return (
        f"{about.get('cpu_model_name', 'machine')} with {os.cpu_count()} CPUs, {about['platform']}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [*WORK_OF, *LATENCY_OF]
    parser.add_argument("work", nargs="?", choices=names, help="measure only this")
    parser.add_argument("--door", choices=[IMPORT, PATCH], help="measure only this one")
    parser.add_argument("--fast", action="store_true", help="fewer rounds, smaller numbers")
    parser.add_argument("--markdown", action="store_true", help="print a table for the docs")
    options = parser.parse_args()

    doors = [options.door] if options.door else [IMPORT, PATCH]
    works = [one for one in [*WORKS, *PROCESS_WORKS] if options.work in (None, one.name)]
    # Only our own classes can be killed or have terminate_workers().
    killable, latencies = (
        [one for one in ones if options.work in (None, one.name) and IMPORT in doors]
        for ones in (KILLABLE_WORKS, LATENCIES)
    )

    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    if options.markdown:
        print(f"### {interpreter}\n\n{machine()}\n")
    else:
        print(f"{interpreter}, {machine()}\n{importlib.util.find_spec('poolcompat').origin}")
    if works:
        show_head(["work", STANDARD, *doors, "goal"], options.markdown)
        show_works(works, doors, options)
    if killable:
        print()
        show_head(["to kill", "the others", "KillableThreadPoolExecutor", "goal"], options.markdown)
        show_works(killable, [IMPORT], options)
    if latencies:
        print()
        interval = f"switch interval {1e3 * sys.getswitchinterval():g} ms"
        show_head(["to stop", "first call", "later ones", interval], options.markdown)
    for latency in latencies:
        row = [*latency_cells(latency, options.fast), ""]
        show(row if options.markdown else [latency.name, *row[1:]], options.markdown)


def show_works(works, doors, options):
    for work in works:
        row = cells(work, doors, options.fast)
        show(row if options.markdown else [work.name, *row[1:]], options.markdown)


def show_head(head, markdown):
    show(head, markdown)
    if markdown:
        show(["---"] * len(head), True)


def show(row, markdown):
    if markdown:
        print("| " + " | ".join(row) + " |", flush=True)
    else:
        print(*(f"{cell:22}" for cell in row), flush=True)


if __name__ == "__main__":
    main()

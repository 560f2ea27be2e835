"""Time and memory of poolcompat against the standard library of the same interpreter.

Tasks that can be killed are compared with pebble and loky as well.

Every value is that of a fresh child process, and the sides take turns: standard library, import,
patch, standard library, import, patch, …  So whatever else the machine does slows them all alike,
and a ratio is taken within a round, between neighbours.

What the children do is in works.py and processes.py; this collects.  A whole run leaves what it
measured in results/, from which report.py makes docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import sysconfig

from processes import KILLABLE_WORKS, PROCESS_WORKS, WORK_OF
from summary import DOORS, HEADS, row
from works import IMPORT, LATENCIES, LATENCY_OF, PATCH, WORKS

import poolcompat

HERE = pathlib.Path(__file__).parent
SECTIONS = {
    "threads": WORKS,
    "processes": PROCESS_WORKS,
    "killable": KILLABLE_WORKS,
    "latencies": LATENCIES,
}
FAST_ROUNDS = 3
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def run_child(side, name, count):
    """Return the values that a fresh process measures."""
    environ = {k: v for k, v in os.environ.items() if k != "POOLCOMPAT_SKIP"}
    command = [sys.executable, str(HERE / "child.py"), side, name, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environ)
    if done.returncode:
        sys.exit(f"{name}: the child of {side} failed")
    return [float(f"{float(value):.4g}") for value in done.stdout.split()]


def measured(work, doors, fast):
    """Return the result of a work, with the values of each side, one for each round."""
    values = {side: [] for side in [*work.rivals, *doors]} if work.is_possible else {}
    for _ in range(min(work.rounds, FAST_ROUNDS) if fast else work.rounds):
        for side in values:
            values[side] += run_child(side, work.name, work.counts[fast])
    title = work.title.format(work.counts[fast])
    head = {"name": work.name, "title": title, "unit": work.unit, "goal": work.goal}
    return {**head, "values": values}


def latency_measured(latency, _, fast):
    """Return the result of a latency, in seconds: of the first call, and of others."""
    rounds = min(latency.rounds, FAST_ROUNDS) if fast else latency.rounds
    firsts, others = zip(*(run_child(IMPORT, latency.name, 1) for _ in range(rounds)))
    values = {"first call": firsts, "later ones": others}
    return {"name": latency.name, "title": latency.title, "values": values}


def machine():
    try:
        cpu = re.search("model name\\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        cpu = platform.machine()
    return f"{cpu}, {os.cpu_count()} CPUs, {platform.system()}"


def result_file():
    """Return where this interpreter's results belong, such as ``cpython-3.12.json``."""
    version = "{}.{}".format(*sys.version_info) + ("t" if FREE_THREADED else "")
    return HERE / "results" / f"{sys.implementation.name}-{version}.json"


def save(results):
    text = json.dumps(results, ensure_ascii=False, indent=1)
    # The values of a side stand on one line.
    text = re.sub(r"\[[^][{}]*\]", lambda found: " ".join(found.group().split()), text)
    result_file().parent.mkdir(exist_ok=True)
    result_file().write_text(text + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [*WORK_OF, *LATENCY_OF]
    parser.add_argument("work", nargs="?", choices=names, help="measure only this")
    parser.add_argument("--door", choices=[IMPORT, PATCH], help="measure only this one")
    parser.add_argument("--fast", action="store_true", help="fewer rounds, smaller numbers")
    options = parser.parse_args()

    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    results = {
        "interpreter": interpreter + (", free-threaded" if FREE_THREADED else ""),
        "poolcompat": poolcompat.__version__,
        "machine": machine(),
        "switch_interval_ms": 1e3 * sys.getswitchinterval(),
    }
    print(f"{results['interpreter']}, {results['machine']}\n{poolcompat.__file__}")
    for section, works in SECTIONS.items():
        doors = [door for door in DOORS[section] if options.door in (None, door)]
        works = [work for work in works if doors and options.work in (None, work.name)]
        results[section] = list(show_measured(section, works, doors, options.fast))
    if options == parser.parse_args([]):
        save(results)


def show_measured(section, works, doors, fast):
    """Yield the result of each work, and print its row of the table."""
    if works:
        show(HEADS[section])
    for work in works:
        measure = latency_measured if section == "latencies" else measured
        result = measure(work, doors, fast)
        show([work.name, *row(section, result)])
        yield result


def show(cells):
    print(*(f"{cell:22}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

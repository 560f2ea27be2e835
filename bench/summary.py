"""What the measured values tell, for the terminal and for the page.

A result is what ``bench.py`` writes for each work: its name, title, unit and goal, and for each
side one value of each round.
"""

from __future__ import annotations

from statistics import median

from works import IMPORT, PATCH, STANDARD

# The tables, and what stands above their columns
HEADS = {
    "threads": ["work", STANDARD, IMPORT, PATCH, "goal"],
    "processes": ["work", STANDARD, IMPORT, PATCH, "goal"],
    "killable": ["to kill", "the others", "KillableThreadPoolExecutor", "goal"],
    "latencies": ["to stop", "first call", "later ones"],
}
# Only our own classes can be killed or have terminate_workers().
DOORS = {
    "threads": [IMPORT, PATCH],
    "processes": [IMPORT, PATCH],
    "killable": [IMPORT],
    "latencies": [IMPORT],
}
SCALES = {
    "second": [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")],
    "byte": [(2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "bytes")],
}


def quartiles(values):
    """Return the lower quartile, the median and the upper one; ``statistics`` of 3.7 cannot."""
    ordered = sorted(values)
    last = len(ordered) - 1

    def at(quarter):
        index, rest = divmod(last * quarter, 4)
        return ordered[index] + (ordered[min(index + 1, last)] - ordered[index]) * rest / 4

    return at(1), at(2), at(3)


def rivals_of(result):
    return [side for side in result["values"] if side not in (IMPORT, PATCH)]


def ratios(result, door):
    """Return the ratio of each round, to the fastest of the others."""
    values = result["values"]
    fastest = min(rivals_of(result), key=lambda rival: median(values[rival]))
    return [ours / theirs for ours, theirs in zip(values[door], values[fastest])]


def digits(result):
    return 2 if result["goal"] >= 0.1 else 4


def ratio(result, door):
    """Return the median of the ratios, as it is printed."""
    return f"{median(ratios(result, door)):.{digits(result)}f}"


def is_met(result, door):
    return float(ratio(result, door)) <= result["goal"]


def judged(result, door):
    """Return the cell of a door: the ratio, and whether the goal is met."""
    if door not in result["values"]:
        return "n/a"
    low, _, high = (f"{part:.{digits(result)}f}" for part in quartiles(ratios(result, door)))
    return f"{ratio(result, door)} ({low} to {high}) {'✓' if is_met(result, door) else '✗'}"


def absolute(result):
    """Return the cell of what we are compared with."""
    amounts = [(side, median(result["values"][side])) for side in rivals_of(result)]
    texts = [(side, amount(value, result["unit"])) for side, value in amounts]
    if len(texts) == 1:
        return texts[0][1]
    return ", ".join(f"{side} {text}" for side, text in texts) or "n/a"


def amount(value, unit):
    """Return a value with its unit and three digits that count."""
    scale, name = next((scale for scale in SCALES[unit] if value >= scale[0]), SCALES[unit][-1])
    scaled = value / scale
    return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {name}"


def goal(result):
    return f"{result['goal']} or less"


def row(section, result):
    """Return the cells behind the first one, which is the title or the name."""
    if section != "latencies":
        doors = [judged(result, door) for door in DOORS[section]]
        return [absolute(result), *doors, goal(result)]
    cells = []
    for values in result["values"].values():
        low, middle, high = (1e3 * value for value in quartiles(values))
        cells.append(f"{middle:.1f} ms ({low:.1f} to {high:.1f})")
    return cells

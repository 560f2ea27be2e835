"""Write ``docs/benchmarks.md`` and its charts from what ``bench.py`` left in results/.

``python bench/report.py``
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
from statistics import median

from summary import DOORS, HEADS, goal, is_met, ratio, ratios, row

HERE = pathlib.Path(__file__).parent
DOCS = HERE.parent / "docs"
CHARTS = {
    "threads": "Pools of threads, and waiting",
    "processes": "Pools of processes",
    "killable": "Tasks that can be killed",
}


def load():
    """Return the results of each interpreter, by its name, CPython first and in order of age."""
    results = {}
    for file in (HERE / "results").glob("*.json"):
        implementation, _, version = file.stem.partition("-")
        prefix = "" if implementation == "cpython" else "PyPy "
        results[prefix + version] = json.loads(file.read_text(encoding="utf-8"))
    return {name: results[name] for name in sorted(results, key=by_age)}


def by_age(name):
    implementation, _, version = name.rpartition(" ")
    return implementation, int(version.partition(".")[2].rstrip("t")), version


def panels(section, results):
    """Return what was measured: for each title, the result of each interpreter that has one."""
    found = {}
    for name, result in results.items():
        for work in result[section]:
            works = found.setdefault(plain(work["title"]), {})
            if work["values"]:
                works[name] = work
    return {title: works for title, works in found.items() if works}


def plain(title):
    """Return a title without markup, and without what it is compared with."""
    return title.partition(";")[0].replace("`", "")


def chart(section, results):
    """Return the image of a section, whose text tells the ranges."""
    told = []
    for title, works in panels(section, results).items():
        found = [
            median(ratios(work, door))
            for work in works.values()
            for door in measured_doors(section, work)
        ]
        told.append(f"{title}: {min(found):.2g} to {max(found):.2g}")
    names = list(results)
    text = f"Ratios on {', '.join(names)}; less is better. {'; '.join(told)}."
    return f"![{text}](benchmarks/{section}.svg)"


def missed(results):
    """Return how many goals are missed, and for each work where and by how much."""
    found, count = {}, 0
    for section in CHARTS:
        for works in panels(section, results).values():
            for name, work in works.items():
                for door in measured_doors(section, work):
                    count += 1
                    if not is_met(work, door):
                        about = f"- {work['title']} ({goal(work)}):"
                        found.setdefault(about, []).append(f"{name} {door} {ratio(work, door)}")
    told = f"{sum(map(len, found.values()))} of {count} ratios miss their goal."
    return [told, "", *(f"{about} {', '.join(where)}" for about, where in found.items())]


def measured_doors(section, work):
    return [door for door in DOORS[section] if door in work["values"]]


def tables(result):
    """Return what one interpreter did."""
    lines = [f"### {result['interpreter']}", ""]
    lines += [f"poolcompat {result['poolcompat']} on {result['machine']}", ""]
    for section, head in HEADS.items():
        works = result[section]
        if works:
            lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
            lines += [f"| {' | '.join([w['title'], *row(section, w)])} |" for w in works]
            lines.append("")
    if result["latencies"]:
        lines += [f"The switch interval is {result['switch_interval_ms']:g} ms.", ""]
    return lines


def page(results):
    """Return the page, from the template and what was measured."""
    charts = []
    for section, title in CHARTS.items():
        charts += [f"### {title}", "", chart(section, results), ""]
    generated = {
        "charts": charts,
        "missed": missed(results),
        "tables": [line for result in results.values() for line in tables(result)],
    }
    template = (DOCS / "benchmarks.in.md").read_text(encoding="utf-8")
    return re.sub("<!-- (\\w+) -->", lambda mark: "\n".join(generated[mark[1]]).strip(), template)


def main():
    import charts

    results = load()
    if not results:
        sys.exit("bench/results has no results; nox -s bench measures some")
    (DOCS / "benchmarks.md").write_text(page(results), encoding="utf-8")
    for section in CHARTS:
        charts.draw(DOCS / "benchmarks" / f"{section}.svg", section, panels(section, results))


if __name__ == "__main__":
    main()

"""Write ``docs/repairs.md`` from the table of repairs, as every interpreter that is found sees it.

``PYTHONPATH=src python docs/repairs.py``
"""

from __future__ import annotations

import configparser
import json
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
ASK = """
import json
from poolcompat._doctor import examine
print(json.dumps([
    [f.repair.name, f.repair.wrong, f.repair.issue, f.status, list(f.repair.touches)]
    for f in examine().findings
]))
"""

# How the issues of CPython are called, and where they are
ISSUES = {
    "gh-": "https://github.com/python/cpython/issues/",
    "bpo-": "https://bugs.python.org/issue",
    "PR ": "https://github.com/python/cpython/pull/",
}


def linked(issues):
    def link(match):
        return f"[{match.group()}]({ISSUES[match.group(1)]}{match.group(2)})"

    return re.sub(rf"({'|'.join(ISSUES)})(\d+)", link, issues)


def interpreters():
    setup = configparser.ConfigParser()
    setup.read(HERE.parent / "setup.cfg", encoding="utf-8")
    lines = setup["metadata"]["classifiers"].splitlines()
    versions = [line.rpartition(" ")[2] for line in lines if " :: Python :: 3." in line]
    return [f"python{version}" for version in versions] + ["pypy3.11"]


def ask(interpreter):
    path = shutil.which(interpreter)
    if path is None:
        raise SystemExit(f"{interpreter} is not there; the page needs all of them")
    return json.loads(subprocess.run([path, "-c", ASK], check=True, capture_output=True).stdout)


def page():
    answers = {name.replace("python", ""): ask(name) for name in interpreters()}
    marks = {"needed": "✓", "opt-in": "opt-in", "native": ""}
    lines = [
        (HERE / "repairs.in.md").read_text(encoding="utf-8"),
        f"| repair | what goes wrong | CPython | {' | '.join(answers)} |",
        f"|---|---|---|{'---|' * len(answers)}",
    ]
    for index, (name, wrong, issue, _, _) in enumerate(next(iter(answers.values()))):
        cells = [marks[answer[index][3]] for answer in answers.values()]
        lines.append(f"| `{name}` | {wrong} | {linked(issue)} | {' | '.join(cells)} |")
    counts = [sum(row[3] != "native" for row in answer) for answer in answers.values()]
    lines.append(f"| | **repaired, behind either door** | | {' | '.join(map(str, counts))} |")
    lines += ["", "## What is changed", ""]
    groups = {}
    for name, _, _, _, touches in next(iter(answers.values())):
        groups.setdefault(tuple(touches), []).append(name)
    for touches, names in groups.items():
        lines.append(f"{', '.join(f'`{name}`' for name in names)}:")
        lines += ["", *(f"- `{touched}`" for touched in touches), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    (HERE / "repairs.md").write_text(page(), encoding="utf-8")

"""The page of the benchmarks and its charts tell what was measured, as results/ has it."""

from __future__ import annotations

import html
import importlib
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = {
    "title": "`kill_workers()`; `Process.kill()`",
    "unit": "second",
    "goal": 0.5,
    "values": {
        "standard library": [4.0, 8.0, 12.0],
        "loky": [2.0, 5.0, 4.0],
        "import": [1.0, 2.0, 4.0],
    },
}


@pytest.fixture(scope="module")
def report():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "bench"))
        yield importlib.import_module("report")


@pytest.fixture(scope="module")
def summary(report):
    return importlib.import_module("summary")


def test_the_page_is_what_the_report_makes_of_the_results(report):
    """Whoever changes one of them runs ``nox -s charts``."""
    results = report.load()
    assert results
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert page == report.page(results)


@pytest.mark.parametrize("section", ["threads", "processes", "killable"])
def test_a_chart_has_every_work_and_every_interpreter(report, section):
    """They are drawn as text."""
    results = report.load()
    chart = (ROOT / "docs" / "benchmarks" / f"{section}.svg").read_text(encoding="utf-8")
    chart = html.unescape(chart)
    panels = report.panels(section, results)
    words = {word for name in results for word in name.split()}
    assert [text for text in [*panels, *words] if f">{text}<" not in chart] == []


def test_a_ratio_is_to_the_fastest_in_each_round(summary):
    """It is taken before the median is."""
    assert summary.ratios(WORK, "import") == [0.5, 0.4, 1.0]
    assert summary.judged(WORK, "import") == "0.50 (0.45 to 0.75) ✓"
    assert summary.judged(WORK, "patch") == "n/a"
    assert not summary.is_met({**WORK, "goal": 0.4}, "import")
    assert summary.absolute(WORK) == "standard library 8.00 s, loky 4.00 s"


def test_quartiles_lie_between_neighbours(summary):
    """As with ``statistics.quantiles(values, n=4, method="inclusive")``."""
    assert summary.quartiles([7.0]) == (7.0, 7.0, 7.0)
    assert summary.quartiles([4.0, 1.0, 3.0, 2.0]) == (1.75, 2.5, 3.25)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123456, "second", "12.3 ms"),
        (0.5, "second", "500 ms"),
        (1.5, "second", "1.50 s"),
        (2e-6, "second", "2.00 µs"),
        (2e-9, "second", "0.00 µs"),
        (350.4 * 2**20, "byte", "350 MiB"),
        (1023.0, "byte", "1023 bytes"),
    ],
)
def test_an_amount_has_a_unit_that_fits(summary, value, unit, text):
    """Three digits count."""
    assert summary.amount(value, unit) == text


def test_interpreters_stand_in_the_order_of_age(report, tmp_path, monkeypatch):
    """PyPy is last, and ten comes after nine."""
    (tmp_path / "results").mkdir()
    for name in ("pypy-3.11", "cpython-3.13t", "cpython-3.13", "cpython-3.10", "cpython-3.9"):
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps({}), encoding="utf-8")
    monkeypatch.setattr(report, "HERE", tmp_path)
    assert list(report.load()) == ["3.9", "3.10", "3.13", "3.13t", "PyPy 3.11"]


def test_goals_that_are_missed_are_told(report):
    """Each stands there with its ratio; where all are met, none does."""
    results = {"3.7": {section: [] for section in report.CHARTS}}
    results["3.7"]["killable"] = [WORK]
    assert report.missed(results) == ["0 of 1 ratios miss their goal.", ""]
    results["3.7"]["killable"] = [{**WORK, "goal": 0.4}]
    told, *_, line = report.missed(results)
    assert told == "1 of 1 ratios miss their goal."
    assert line == f"- {WORK['title']} (0.4 or less): 3.7 import 0.50"

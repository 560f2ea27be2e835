"""What ``upstream/run.py`` makes of the outcomes of CPython's tests: its verdicts."""

from __future__ import annotations

import importlib
import pathlib
import random

import pytest

UPSTREAM = pathlib.Path(__file__).resolve().parent.parent / "upstream"
TEST, OTHER = "ThreadPoolWaitTests.test_it", "ThreadPoolWaitTests.test_other"


@pytest.fixture(scope="module")
def comparing():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(UPSTREAM))
        yield importlib.import_module("comparing")


class Runs:
    """Two tests: one that comes out as told, and one that is always the same."""

    def __init__(self, theirs, ours):
        self.sides = (theirs, ours)
        self.alone = self.together = 0

    def run_both(self, names):
        self.alone += bool(names)
        self.together += not names
        outcomes = ({TEST: side(names), OTHER: "ok"} for side in self.sides)
        return tuple({name: side[name] for name in names or side} for side in outcomes)


def always(outcome):
    return lambda names: outcome


def at_first(*outcomes, then="ok"):
    rest = iter(outcomes)
    return lambda names: next(rest, then)


def with_the_others(outcome):
    return lambda names: "ok" if names else outcome


def sometimes(rate, seed, outcome="failed", otherwise="ok"):
    chance = random.Random(seed)
    return lambda names: outcome if chance.random() < rate else otherwise


def verdict(comparing, tests, listed=None):
    verdicts = comparing.Comparison(tests.run_both, {TEST: listed} if listed else {}).verdicts()
    assert verdicts[OTHER].kind == "same"
    return verdicts[TEST].kind


def kinds_of_many(comparing, theirs, ours, rounds=300):
    """Compare a test again and again that fails at these rates, and return what is told."""
    return [
        verdict(comparing, Runs(sometimes(theirs, f"theirs {n}"), sometimes(ours, f"ours {n}")))
        for n in range(rounds)
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("ok", "failed"), ("failed", "ok"), ("failed", "error"), ("skipped", "ok"), ("ok", "absent")],
)
def test_a_difference_that_is_not_listed_is_wrong(comparing, theirs, ours):
    tests = Runs(always(theirs), always(ours))

    assert verdict(comparing, tests) == "not listed"
    assert tests.alone == 8  # the first run, which raised the suspicion, does not count


@pytest.mark.parametrize(("outcome", "kind"), [("failed", "same"), ("skipped", "skipped")])
def test_what_comes_out_the_same_is_run_once(comparing, outcome, kind):
    tests = Runs(always(outcome), always(outcome))

    assert verdict(comparing, tests) == kind
    assert (tests.together, tests.alone) == (1, 0)


def test_a_difference_that_is_listed_is_run_once(comparing):
    tests = Runs(always("ok"), always("failed"))

    assert verdict(comparing, tests, listed="failed") == "as listed"
    assert (tests.together, tests.alone) == (1, 0)


@pytest.mark.parametrize(("theirs", "ours"), [("ok", "ok"), ("failed", "failed"), ("ok", "error")])
def test_a_listed_difference_that_does_not_occur_is_wrong(comparing, theirs, ours):
    tests = Runs(always(theirs), always(ours))

    assert verdict(comparing, tests, listed="failed") == "not as listed"


def test_a_listed_difference_is_not_expected_of_a_test_that_is_skipped_without_us(comparing):
    tests = Runs(always("skipped"), always("skipped"))

    assert verdict(comparing, tests, listed="failed") == "skipped"


def test_what_is_listed_but_is_no_test_of_the_suite_is_nothing(comparing):
    tests = Runs(always("ok"), always("ok"))
    verdicts = comparing.Comparison(tests.run_both, {"T.test_of_another": "failed"}).verdicts()

    assert {name: verdicts[name].kind for name in verdicts} == {TEST: "same", OTHER: "same"}


@pytest.mark.parametrize("unlucky", ["theirs", "ours"])
def test_a_failure_that_does_not_come_again_is_chance(comparing, unlucky):
    sides = {"theirs": always("ok"), "ours": always("ok"), unlucky: at_first("failed")}

    assert verdict(comparing, Runs(**sides)) == "by chance"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (at_first("failed"), always("failed")),
        (always("ok"), at_first("error", "error", then="failed")),
    ],
)
def test_chance_does_not_hide_a_difference_that_is_listed(comparing, theirs, ours):
    assert verdict(comparing, Runs(theirs, ours), listed="failed") == "as listed"


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_test_that_fails_by_chance_on_both_sides_is_not_wrong(comparing, rate):
    kinds = kinds_of_many(comparing, rate, rate)

    assert set(kinds) == {"same", "by chance"}


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_a_test_that_fails_by_chance_without_us_alone_is_not_wrong(comparing, rate):
    """It may be a defect of the standard library that is repaired."""
    kinds = kinds_of_many(comparing, rate, 0)

    assert set(kinds) == {"same", "by chance"}


@pytest.mark.parametrize(
    ("theirs", "ours", "share"), [(0, 1, 1), (0.1, 1, 0.8), (0, 0.8, 0.7), (0.05, 0.9, 0.7)]
)
def test_a_test_that_fails_more_often_with_us_is_wrong(comparing, theirs, ours, share):
    """Where it does not in the first run, or fails on both sides, it is missed."""
    kinds = kinds_of_many(comparing, theirs, ours)

    assert kinds.count("not listed") >= share * len(kinds)


def test_a_difference_that_takes_the_tests_before_it_is_wrong(comparing):
    tests = Runs(always("ok"), with_the_others("failed"))

    assert verdict(comparing, tests) == "not listed"


@pytest.mark.parametrize(
    ("ours", "kind"), [(always("status 1"), "not listed"), (at_first("status 1"), "by chance")]
)
def test_how_the_interpreter_ends_is_compared_as_well(comparing, ours, kind):
    def run_both(names):
        assert not names, "the exit is one of all tests"
        return {comparing.EXIT: "ok"}, {comparing.EXIT: ours(names)}

    verdicts = comparing.Comparison(run_both, {}).verdicts()

    assert verdicts[comparing.EXIT].kind == kind

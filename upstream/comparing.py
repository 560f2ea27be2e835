"""Tell real differences between two sides that run the same tests from chance.

Both sides run at the same time, so both suffer alike from a machine that is busy.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from math import factorial
from typing import Callable, Dict, List, NamedTuple, Tuple

#: What stands for the end of a run; it is a result of all tests together.
EXIT = "(exit of the interpreter)"

#: Name of a test -> its outcome.
Outcomes = Dict[str, str]
#: The outcomes of a test without us and with us, in the same run.
Pair = Tuple[str, str]

# A difference is real if sides that are alike would come out so once in 10 000 times: eight runs
# that all differ will do.
LIKELIHOOD = 1e-4
FEWEST, MOST = 3, 32  # repetitions of a test that is suspected
LISTED = 8  # repetitions in which one that is listed has to occur
WHOLE = 4  # repetitions of everything


class Verdict(NamedTuple):
    """What became of a test."""

    kind: str  # "same", "skipped", "as listed", "by chance", "not listed" or "not as listed"
    runs: List[Pair]

    @property
    def is_wrong(self) -> bool:
        return self.kind.startswith("not")

    def __str__(self) -> str:
        theirs, ours = (dict(Counter(side)) for side in zip(*self.runs))
        return f"{theirs} without us, {ours} with us"


def likelihood(ours: int, theirs: int, runs: int) -> float:
    """Return how often sides that are alike have so many of an outcome, or more, on ours.

    This is Fisher's exact test, where each side has been run so often.
    """

    def choose(n: int, k: int) -> int:  # math.comb, which 3.7 does not have
        return factorial(n) // factorial(k) // factorial(n - k)

    both = ours + theirs
    ways = (choose(runs, k) * choose(runs, both - k) for k in range(ours, min(runs, both) + 1))
    return sum(ways) / choose(2 * runs, both)


def is_different(runs: list[Pair]) -> bool | None:
    """Tell whether the sides differ in a test; ``None`` means that it takes another repetition."""
    theirs, ours = (Counter(side) for side in zip(*runs))
    # That a test fails less often with us is no difference: it may be what we are for.
    more = [o for o in ours if ours[o] - theirs[o] > 1 and not (o == "ok" and theirs[o])]
    if any(likelihood(ours[o], theirs[o], len(runs)) < LIKELIHOOD for o in more):
        return True
    is_enough = len(runs) >= (MOST if more else FEWEST)
    return False if is_enough else None


def is_never_as_listed(runs: list[Pair], listed: str) -> bool | None:
    """Tell whether a listed difference does not occur; ``None`` as above."""
    if any(theirs != ours == listed for theirs, ours in runs):
        return False
    return True if len(runs) >= LISTED else None


class Comparison:
    """Run everything on both sides, and repeat what does not come out as expected.

    Args:
        run_both: Runs the tests of these names, or all and their ``EXIT`` if there are none, and
            returns what came of them without us and with us.
        listed: Tests that are known to differ, and their outcome with us.
    """

    def __init__(
        self, run_both: Callable[[list[str]], tuple[Outcomes, Outcomes]], listed: Outcomes
    ) -> None:
        self.run_both = run_both
        self.runs: dict[str, list[Pair]] = defaultdict(list)
        self._run(set())
        self.first = {name: runs[0] for name, runs in self.runs.items()}
        # Where the machine cannot run a test, there is nothing to compare.
        self.listed = {
            name: outcome
            for name, outcome in listed.items()
            if name in self.first and self.first[name][0] != "skipped"
        }
        self.suspects = {name for name in self.first if not self._is_expected(name)}

    def _run(self, names: set[str]) -> None:
        theirs, ours = self.run_both(sorted(names))
        for name in {*theirs, *ours}:
            self.runs[name].append((theirs.get(name, "absent"), ours.get(name, "absent")))

    def _is_expected(self, name: str) -> bool:
        theirs, ours = self.first[name]
        if name in self.listed:
            return theirs != ours == self.listed[name]
        return theirs == ours

    def _wrong_when_repeated(self) -> set[str]:
        """Run the suspects alone until all are decided."""
        wrong = set()
        undecided = self.suspects - {EXIT}
        while undecided:
            self._run(undecided)
            for name in sorted(undecided):
                # The run that raised the suspicion proves nothing: of many, one is always unlucky.
                repeated = self.runs[name][1:]
                answer = (
                    is_never_as_listed(repeated, self.listed[name])
                    if name in self.listed
                    else is_different(repeated)
                )
                if answer is not None:
                    undecided.remove(name)
                if answer:
                    wrong.add(name)
        return wrong

    def _wrong_in_company(self, suspects: set[str]) -> set[str]:
        """Run everything as long as it comes out the same: it may take the tests before it."""
        suspects = {
            name
            for name in suspects
            if self.first[name][1] not in {theirs for theirs, _ in self.runs[name]}
        }
        for _ in range(WHOLE):
            if suspects:
                self._run(set())
                suspects = {name for name in suspects if self.runs[name][-1] == self.first[name]}
        return suspects

    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdict on every test."""
        wrong = self._wrong_when_repeated()
        by_chance = self.suspects - wrong - self.listed.keys()
        wrong |= self._wrong_in_company(by_chance)

        def kind(name: str) -> str:
            if name in self.listed:
                return "not as listed" if name in wrong else "as listed"
            if name in wrong:
                return "not listed"
            if name in by_chance:
                return "by chance"
            return "skipped" if self.first[name][0] == "skipped" else "same"

        return {name: Verdict(kind(name), self.runs[name]) for name in sorted(self.first)}

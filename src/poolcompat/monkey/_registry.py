"""The engine that puts changes in place and takes them out again; it knows none of them.

Guarantees:

* All or nothing: if one slot of a change cannot be set, those set before are restored.
* Undoing restores the slot, not the value: a slot that did not exist is removed.  Slots are
  restored in the reverse order.
* A slot that holds something else than what was put there belongs to somebody else: it is left
  alone and reported.  Applied again, the change counts that slot as its own, because whoever took
  it is expected to call what was there; writing it anew would throw the other one out.
* A change stays in place as long as anybody holds it.

Assumption: reading and writing one slot is atomic.  A program that uses the changed functions while
they are being changed meets either the old one or the new one in each slot.
"""

from __future__ import annotations

import threading
from types import FunctionType
from typing import TYPE_CHECKING, Any, Callable, Iterable, NamedTuple

from .. import _stdlib

if TYPE_CHECKING:
    from types import CodeType


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: The content of a slot that does not exist.
MISSING = _Missing()


class AttributeSlot:
    """An attribute of a class or module itself, inherited ones not counted."""

    def __init__(self, owner: Any, name: str, value: object) -> None:
        self.owner = owner
        self.name = name
        self.value = value

    def __str__(self) -> str:
        owner = self.owner
        return f"{owner.__module__}.{owner.__qualname__}.{self.name}"

    def read(self) -> object:
        return vars(self.owner).get(self.name, MISSING)

    def write(self, value: object) -> None:
        if value is MISSING:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, value)


class CodeSlot:
    """The code of a function, which every reference to the function shares.

    Args:
        function: A function without free variables.
        trampoline: A plain function with the same parameters and no free variables, which imports
            all that it needs, because it runs with the globals of *function*.
    """

    def __init__(self, function: Callable[..., Any], trampoline: Callable[..., Any]) -> None:
        assert isinstance(function, FunctionType)
        assert isinstance(trampoline, FunctionType)
        self.function = function
        self.value: CodeType = _stdlib.code_like(function, trampoline)

    def __str__(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}.__code__"

    def read(self) -> object:
        return self.function.__code__

    def write(self, value: Any) -> None:
        self.function.__code__ = value


class Change:
    """Slots that are only ever set together.

    Args:
        make_slots: Called once, when the change is first needed, so that only then what it
            changes is imported.
        requires: Changes without which this one does not work.
        looks_each_time: Whether *make_slots* is called whenever the change is to be put in place,
            because the slots depend on what others have put there.
    """

    def __init__(
        self,
        make_slots: Callable[[], Iterable[AttributeSlot | CodeSlot]],
        requires: Iterable[Change] = (),
        looks_each_time: bool = False,
    ) -> None:
        self.looks_each_time = looks_each_time
        self._make_slots = make_slots
        self.requires: frozenset[Change] = frozenset(requires)
        self._made: list[tuple[AttributeSlot | CodeSlot, ...]] = []

    @property
    def slots(self) -> tuple[AttributeSlot | CodeSlot, ...]:
        if not self._made:
            self._made.append(tuple(self._make_slots()))
        return self._made[0]  # whichever of two threads was first

    def renew(self) -> None:
        """Make the slots anew; none of them may be set."""
        self._made = [tuple(self._make_slots())]


class Leftover(NamedTuple):
    """A slot that could not be restored, because somebody else has changed it since."""

    #: The slot, as a dotted path.
    slot: str
    #: What it holds now.
    holder: object

    def __str__(self) -> str:
        return f"{self.slot} was left alone: {self.holder!r} was put there later"


class Hold:
    """Somebody's wish that some changes be in place, with the policy that goes with it."""

    def __init__(self, changes: Iterable[Change], policy: Any) -> None:
        self.changes = tuple(dict.fromkeys(changes))
        self.policy = policy


class Registry:
    """Which changes are in place, and who wants them.

    Whoever changes it holds :attr:`lock`.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._holds: list[Hold] = []
        self._applied: list[Change] = []
        # What was in the slots that we set and have not restored
        self._before: dict[AttributeSlot | CodeSlot, object] = {}

    def is_applied(self, change: Change) -> bool:
        return change in self._applied

    def replaced(self) -> dict[str, object]:
        """Return what was in the slots that hold ours, by their dotted paths."""
        with self.lock:
            return {str(slot): before for slot, before in self._before.items()}

    @property
    def policy(self) -> Any:
        """The policy of the latest hold, or ``None`` if nobody holds anything."""
        return self._holds[-1].policy if self._holds else None

    def hold(self, hold: Hold, instead_of: Hold | None = None) -> None:
        """Put the changes of *hold* in place, in exchange for another hold if one is given."""
        before = self._holds
        self._holds = [*(h for h in before if h is not instead_of), hold]
        applied = []
        try:
            for change in hold.changes:
                if change not in self._applied:
                    self._apply(change)
                    applied.append(change)
        except BaseException:
            self._holds = before
            self._undo(applied)
            raise

    def release(self, hold: Hold) -> list[Leftover]:
        """Take out what nobody else holds, and return what had to be left."""
        self._holds = [h for h in self._holds if h is not hold]
        wanted = {change for h in self._holds for change in h.changes}
        return self._undo([change for change in self._applied if change not in wanted])

    def release_all(self) -> list[Leftover]:
        """Take out all changes, and return what had to be left."""
        self._holds = []
        return self._undo(self._applied)

    def _apply(self, change: Change) -> None:
        done = []
        if change.looks_each_time and not any(slot in self._before for slot in change.slots):
            change.renew()
        try:
            for slot in change.slots:
                holder = slot.read()
                if self._before.get(slot, holder) is holder:
                    self._before[slot] = holder
                    done.append(slot)
                    slot.write(slot.value)
        except BaseException:
            for slot in reversed(done):
                self._restore(slot)
            raise
        self._applied.append(change)

    def _undo(self, changes: Iterable[Change]) -> list[Leftover]:
        left = []
        for change in reversed(list(changes)):
            self._applied.remove(change)
            for slot in reversed(change.slots):
                holder = slot.read()
                if holder is slot.value:
                    self._restore(slot)
                elif holder is self._before[slot]:
                    del self._before[slot]
                else:
                    left.append(Leftover(str(slot), holder))
        return left

    def _restore(self, slot: AttributeSlot | CodeSlot) -> None:
        before = self._before.pop(slot)
        if slot.read() is not before:
            slot.write(before)

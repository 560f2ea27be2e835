"""Where in its code a thread may be hit by an asynchronous exception.

Such an exception can come between any two instructions.  A thread that is hit while it takes or
releases a lock may leave the lock taken for ever, and with it all others that need the lock.  So
these places are *harmful*:

* the Python code of the modules named here, which take locks or keep state that others rely on,
  and the code of this package; and the functions that the former call directly, because since
  3.13 a thread that waits for the interpreter's lock (GIL) raises the exception a little later,
  possibly when the function has returned;
* a call on a line that says ``acquire``, and the entry of a ``with`` block since 3.14: an exception
  that is raised when the lock has been taken leaves it taken;
* until 3.9 the end of a ``with`` or ``try`` block, before ``__exit__()`` or ``finally`` is entered,
  and a line that says ``release``;
* since 3.13 what comes right before one of these calls, of ``__exit__()`` or of ``release()``.

What cannot be ruled out: the exception is raised at the very start of a function that is called
next, before its first instruction.  That harms where the function is a clean-up written in Python,
such as ``Semaphore.release()`` in a ``finally``.
"""

from __future__ import annotations

import functools
import operator
import sys
import threading
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Iterator

from . import _stdlib

if TYPE_CHECKING:
    import dis

_FRAGILE = frozenset(
    {
        "_weakrefset",
        "concurrent.futures._base",
        "concurrent.futures.process",
        "concurrent.futures.thread",
        "importlib._bootstrap",
        "importlib._bootstrap_external",
        "logging",
        "logging.handlers",
        "multiprocessing.pool",
        "queue",
        "threading",
        "weakref",
    }
)
_PACKAGE = __name__.partition(".")[0]

_OF_FRAME = ("f_code", "f_lasti")
#: Returns the place where a frame is.  Without the GIL it is not safe to look at the caller.
place_of = operator.attrgetter(
    *_OF_FRAME, *(f"f_back.{name}" for name in _OF_FRAME if _stdlib.FRAMES_ARE_READABLE)
)

_CONDITION_WAIT: CodeType | None = getattr(threading.Condition.wait, "__code__", None)

# Where this package calls a task: that line is as harmless as the task.
_spared: set[tuple[CodeType, int]] = set()
# What calls the functions of users, and does not mind what they raise
_callers: set[CodeType] = {threading.Thread.run.__code__}


def spare(code: CodeType, line: int) -> None:
    """Count *line* of *code* as harmless, though it is ours."""
    _spared.add((code, line))


def spare_callees(code: CodeType) -> None:
    """Count what *code* calls as harmless, though it is in a fragile module."""
    _callers.add(code)


def is_harmless(place: tuple[Any, ...], is_still: bool) -> bool:
    """Tell whether a thread may be hit at *place*, as :func:`place_of` returns it.

    Args:
        place: Where it is.
        is_still: Whether it is inside a C function, and so does not wait for the GIL.
    """
    code, offset, *caller = place
    ours, fragile = _files(len(sys.modules))
    if (
        caller
        and caller[0] not in _callers
        and (caller[0].co_filename in fragile or _is_harmful(caller[0], caller[1], is_still))
    ):
        return False
    if code.co_filename in ours or code.co_filename in fragile:
        return (code, _line_at(code, offset)) in _spared
    return not _is_harmful(code, offset, is_still)


def _is_harmful(code: CodeType, offset: int, is_still: bool) -> bool:
    always, late = _harmful_offsets(code)
    return offset in always or (offset in late and not is_still)


def is_parked(place: tuple[Any, ...]) -> bool:
    """Tell whether *place* is where ``Condition.wait()`` waits, protected by its ``finally``."""
    code, offset, *_ = place
    return code is _CONDITION_WAIT and _line_at(code, offset) in _parked_lines()


@functools.lru_cache(maxsize=None)
def _parked_lines() -> frozenset[int]:
    assert _CONDITION_WAIT is not None
    lines = [line for line, one in _by_line(_CONDITION_WAIT) if one.argval == "acquire"]
    # The first one takes a lock that nobody else knows yet.
    return frozenset(lines[1:])


@functools.lru_cache(maxsize=1)
def _files(module_count: int) -> tuple[set[str], set[str]]:
    """Return the files of this package and those of the fragile modules.

    Args:
        module_count: How many modules there are; another number of them is another answer.
    """
    ours: set[str] = set()
    fragile: set[str] = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == _PACKAGE:
            ours.update(_files_of(module))
        elif name in _FRAGILE:
            fragile.update(_files_of(module))
    return ours, fragile


def _files_of(module: Any) -> Iterator[str]:
    for value in list(vars(module).values()):
        for member in list(vars(value).values()) if isinstance(value, type) else [value]:
            if isinstance(member, FunctionType) and member.__module__ == module.__name__:
                yield member.__code__.co_filename


@functools.lru_cache(maxsize=1024)
def _harmful_offsets(code: CodeType) -> tuple[set[int], set[int]]:
    """Return the offsets of the instructions in or after which *code* must not be hit.

    The second set is of those after which an exception that comes late does harm.
    """
    instructions = list(_by_line(code))
    taking = {line for line, one in instructions if one.argval == "acquire"}
    letting_go = {line for line, one in instructions if one.argval == "release"}
    harmful, unless_with_calls, targets = set(), set(), set()
    for index, (line, one) in enumerate(instructions):
        before = [previous for _, previous in instructions[max(0, index - 3) : index]]
        if _is_call(one) and (line in taking or (before and before[-1].opname == "LOAD_SPECIAL")):
            harmful.add(one.offset)
            targets.add(index)
        elif _is_call(one) and (line in letting_go or _are_exit_arguments(before)):
            targets.add(index)
        elif one.opname == "POP_BLOCK" or line in letting_go:
            unless_with_calls.add(one.offset)
    if not _stdlib.EXCEPTIONS_COME_WITH_CALLS:
        harmful |= unless_with_calls
    late: set[int] = set()
    if _stdlib.EXCEPTIONS_COME_LATE:
        only = [one for _, one in instructions]
        indices = {one.offset: index for index, one in enumerate(only)}
        late.update(o for o, i in indices.items() if _comes_next(only, indices, i, targets))
    return harmful, late


def _comes_next(
    instructions: list[dis.Instruction], indices: dict[int, int], index: int, targets: set[int]
) -> bool:
    """Tell whether an exception that is sent at *index* may come late, at one of *targets*."""
    seen: set[int] = set()
    waiting = [index]
    while waiting:
        index = waiting.pop()
        one = instructions[index]
        following = set()
        if one.opcode in _stdlib.JUMPS:
            following.add(indices.get(one.argval, index))
        if not one.opname.startswith(("JUMP", "RETURN", "RAISE", "RERAISE")):
            following.add(index + 1)
        for i in following - seen:
            if i in targets:
                return True
            seen.add(i)
            if i < len(instructions) and not _is_check(instructions[i]):
                waiting.append(i)
    return False


def _is_call(instruction: dis.Instruction) -> bool:
    return instruction.opname.startswith(("CALL", "PRECALL"))


def _is_check(instruction: dis.Instruction) -> bool:
    """Tell whether this is where exceptions come, since 3.10."""
    return _is_call(instruction) or instruction.opname in ("JUMP_BACKWARD", "RESUME")


def _are_exit_arguments(instructions: list[dis.Instruction]) -> bool:
    """Tell whether these load what ``__exit__()`` is called with: ``None`` thrice."""
    return len(instructions) == 3 and all(
        one.argrepr == "None" or one.opname == "DUP_TOP" for one in instructions
    )


def _by_line(code: CodeType) -> Iterator[tuple[int, dis.Instruction]]:
    import dis  # Few programs interrupt threads.

    starts = dict(dis.findlinestarts(code))
    line = code.co_firstlineno
    for one in dis.get_instructions(code):
        line = starts.get(one.offset) or line
        yield line, one


def _line_at(code: Any, offset: int) -> int:
    import dis

    line: int = code.co_firstlineno
    for start, number in dis.findlinestarts(code):
        if start > offset:
            break
        line = number or line
    return line

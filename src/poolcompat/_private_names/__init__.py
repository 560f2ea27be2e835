"""Which private names of the standard library's pools a program uses, and what they are with us.

The program is read.  Nothing of it is run or imported.
"""

from __future__ import annotations

from typing import NamedTuple, Tuple

from ._reading import Reader
from ._uses import Use, uses_in

__all__ = ["Reading", "Unread", "Use", "private_uses"]


class Unread(NamedTuple):
    """A module that could not be read."""

    #: Its dotted name, or its path if there is one.
    name: str
    reason: str


class Reading(NamedTuple):
    """What was found in a program."""

    #: By file and line.
    uses: Tuple[Use, ...]
    #: What could not be read, by name.
    unread: Tuple[Unread, ...]


def private_uses(program: str) -> Reading:
    """Read a script, and all modules that it imports, and those that these import.

    Those of the standard library and our own are left out.  Modules whose names are made up while
    the program runs cannot be known.

    Args:
        program: The path of the script, or of a directory with a ``__main__.py``.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no Python program, of this version at least.
    """
    reader = Reader(program)
    uses = [use for source in reader for use in uses_in(source)]
    unread = [Unread(*item) for item in reader.unread.items()]
    return Reading(tuple(sorted(uses)), tuple(sorted(unread)))

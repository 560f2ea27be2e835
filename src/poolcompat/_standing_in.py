"""What our subclasses share that take the place of a class of the standard library."""

from __future__ import annotations

import abc


class StandIn(abc.ABCMeta):
    """Metaclass: ``isinstance`` and ``issubclass`` take the standard library's class for ours.

    A program that changed only its import line still gets the standard library's own objects from
    third parties, and its ``isinstance`` checks must go on accepting them.

    It derives from ``ABCMeta`` so that subclasses can mix in abstract base classes, as they can
    with the standard library's classes.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, vars(cls).get("_stands_in_for", ())) or (
            super().__instancecheck__(instance)
        )

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, vars(cls).get("_stands_in_for", ())) or (
            super().__subclasscheck__(subclass)
        )

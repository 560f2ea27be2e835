"""The two ways in, and the standard library as it is: what the package has for its reproducers."""

from __future__ import annotations

from poolcompat.monkey._defects._doors import IMPORT, NONE, PATCH, opened

__all__ = ["IMPORT", "NONE", "PATCH", "opened"]

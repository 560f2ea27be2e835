"""Child processes that run calls; what is in here is loaded in them, and imports little."""

from __future__ import annotations

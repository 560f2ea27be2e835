"""OpenTelemetry's and Sentry's wraps of ``submit()`` and of threads, before us and after us."""

from __future__ import annotations

import importlib.util

import pytest

from conftest import HERE, beside, run

has_opentelemetry = importlib.util.find_spec("opentelemetry") is not None and (
    importlib.util.find_spec("opentelemetry.instrumentation") is not None
)
LIBRARIES = [
    pytest.param(
        "opentelemetry",
        marks=pytest.mark.skipif(
            not has_opentelemetry, reason="opentelemetry-instrumentation-threading needs 3.8"
        ),
    ),
    "sentry",
]


@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_context(library, order):
    """Tasks see that of their caller, as long as either is there; nothing is left of us."""
    # Behind the import door there is no wrap: the second task sees what the first one saw.
    assert run(HERE / "programs" / "tracing.py", library, order) == "import door: alice alice\n"


@pytest.mark.parametrize(
    "scenario", ["results", "cancelled_by_shutdown", "cancel_wakes", "thread_pool", "fork"]
)
@pytest.mark.parametrize("door", ["patch", "import"])
@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_pools(library, order, door, scenario):
    """They do what they do without the wraps."""
    assert beside(library, order, door, scenario) == "held\n"

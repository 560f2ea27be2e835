"""What the doctor tells of other libraries that are there."""

from __future__ import annotations

import pytest
from test_tracing import LIBRARIES

from conftest import HERE, run

SUBMIT = "concurrent.futures.thread.ThreadPoolExecutor.submit"
FOUND = {
    "gevent": ["gevent threading.Event", "gevent threading.Lock", "gevent time.sleep"],
    "opentelemetry": [f"opentelemetry {SUBMIT}", "opentelemetry threading.Thread.start"],
    "sentry": [f"sentry_sdk {SUBMIT}", "sentry_sdk threading.Thread.start"],
}


@pytest.mark.parametrize("order", ["none", "first", "last"])
@pytest.mark.parametrize("library", ["gevent", *LIBRARIES])
def test_they_are_named_with_the_places(library, order):
    """Whether they came before the patch, after it, or without it; and nobody else is."""
    lines = run(HERE / "programs" / "strangers.py", library, order).splitlines()
    assert [line for line in FOUND[library] if line not in lines] == []
    assert {line.split()[0] for line in lines} == {FOUND[library][0].split()[0]}

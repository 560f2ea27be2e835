"""Run a scenario beside another library that changes what pools are made of.

Usage: beside.py LIBRARY first|last patch|import SCENARIO

"first" is to set the other library up before poolcompat is imported, "last" is after it.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace


def gevent():
    from gevent import monkey

    monkey.patch_all()


def opentelemetry():
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    ThreadingInstrumentor().instrument()


def sentry():
    import sentry_sdk
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry_sdk.init(
        default_integrations=False, integrations=[ThreadingIntegration(propagate_scope=True)]
    )


def poolcompat(door):
    import poolcompat
    import poolcompat.futures
    import poolcompat.pool

    if door == "import":
        return SimpleNamespace(futures=poolcompat.futures, pool=poolcompat.pool)
    import concurrent.futures
    import multiprocessing.pool

    poolcompat.patch_all()
    return SimpleNamespace(futures=concurrent.futures, pool=multiprocessing.pool)


def main():
    library, order, door, name = sys.argv[1:]
    set_up = globals()[library]
    if order == "first":
        set_up()
    lib = poolcompat(door)
    if order == "last":
        set_up()
    # Not before: it imports threading, and what it imports of us asks for more of it.
    from scenarios import SCENARIOS

    SCENARIOS[name](lib)
    print("held", flush=True)


if __name__ == "__main__":
    main()

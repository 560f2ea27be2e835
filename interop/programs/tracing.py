"""Is the context of a caller that of its task, while wraps of submit() and of ours come and go?

Usage: tracing.py opentelemetry|sentry first|last
"""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor

import beside

import poolcompat
import poolcompat.futures

SUBMIT = "concurrent.futures.thread.ThreadPoolExecutor.submit"


class OpenTelemetry:
    set_up = staticmethod(beside.opentelemetry)

    @staticmethod
    def tear_down():
        from opentelemetry.instrumentation.threading import ThreadingInstrumentor

        ThreadingInstrumentor().uninstrument()

    @staticmethod
    @contextlib.contextmanager
    def called(name):
        from opentelemetry import context

        token = context.attach(context.set_value("name", name))
        yield
        context.detach(token)

    @staticmethod
    def name():
        from opentelemetry import context

        return context.get_value("name")


class Sentry:
    set_up = staticmethod(beside.sentry)
    tear_down = None  # There is no way.

    @staticmethod
    @contextlib.contextmanager
    def called(name):
        import sentry_sdk

        with sentry_sdk.new_scope() as scope:
            scope.set_tag("name", name)
            yield

    @staticmethod
    def name():
        import sentry_sdk

        return sentry_sdk.get_current_scope()._tags.get("name")


def names_seen(library, make_executor=ThreadPoolExecutor):
    """Return the names that two tasks of one thread see, and whether their futures are ours."""
    seen = []
    with make_executor(1) as executor:
        for name in ("alice", "bob"):
            with library.called(name):
                future = executor.submit(library.name)
            seen.append(future.result())
    return seen, type(future) is poolcompat.futures.Future


def main():
    library = {"opentelemetry": OpenTelemetry, "sentry": Sentry}[sys.argv[1]]
    is_first = sys.argv[2] == "first"
    submit = vars(ThreadPoolExecutor)["submit"]
    both = ["alice", "bob"]

    if is_first:
        library.set_up()
        assert names_seen(library) == (both, False)
        poolcompat.patch_all()
    else:
        poolcompat.patch_all()
        library.set_up()
    assert names_seen(library) == (both, True)

    # Their wrap is on the standard library's class, where ours has a submit() of its own: all
    # tasks see the context in which the thread was started.
    print("import door:", *names_seen(library, poolcompat.futures.ThreadPoolExecutor)[0])

    left = poolcompat.unpatch_all()
    if is_first:
        assert left == ()
        assert names_seen(library) == (both, False)
    else:
        # What they have wrapped cannot be taken out from beneath them.
        assert [one.slot for one in left] == [SUBMIT]
        assert names_seen(library) == (both, True)

    if library.tear_down is None:
        return
    library.tear_down()
    assert names_seen(library) == ([None, None], not is_first)
    # Again, which takes what was left for its own.
    poolcompat.patch_all()
    assert names_seen(library) == ([None, None], True)
    assert poolcompat.unpatch_all() == ()
    assert vars(ThreadPoolExecutor)["submit"] is submit
    assert names_seen(library) == ([None, None], False)


if __name__ == "__main__":
    main()

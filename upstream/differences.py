"""Where CPython's own tests come out differently with us, and why: the one list.

A difference is expected where its test exists, its repair is needed and its condition holds.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from poolcompat import _stdlib


class Difference(NamedTuple):
    """A difference that is known."""

    #: How the test comes out with us; without us it never does.
    outcome: str
    reason: str
    #: The row of the table of repairs that causes it; ``None`` if it is not a repair that does.
    repair: str | None = None
    #: What must be so in this interpreter besides.
    is_here: bool = True


DIFFERENCES = {
    "ThreadPoolExecutorTest.test_default_workers": Difference(
        outcome="failed",
        reason="It demands the default number of threads of its own version; ours is the newest.",
        repair="default-workers",
        is_here=ThreadPoolExecutor()._max_workers != _stdlib.default_workers(),
    ),
    "ThreadPoolShutdownTest.test_submit_after_interpreter_shutdown": Difference(
        outcome="failed",
        reason="It demands that an exit hook cannot submit if it was registered before"
        " concurrent.futures was imported.  The repair lets every exit hook submit.  Where it is"
        " not needed, pools end by an ordinary exit hook, registered by the import; ours comes"
        " before the program begins, so the program's own hooks all run before the pools end.",
        repair="submit-at-exit" if _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS else None,
    ),
    "ThreadPoolShutdownTest.test_threads_terminate": Difference(
        outcome="failed",
        reason="It demands a thread for each of three tasks though the first thread is idle again"
        " by then.  3.8 changed the test together with the behaviour.",
        repair="idle-reuse",
    ),
    "ThreadPoolWaitTests.test_first_completed": Difference(
        outcome="failed",
        reason="It demands that a future be not done when its owner has cancelled it and no worker"
        " has come across it yet.  done() says that it is, and now wait() says the same.",
        repair="wait-cancelled",
    ),
    "ThreadPoolWaitTests.test_first_exception_some_already_complete": Difference(
        outcome="failed",
        reason="The same demand, with FIRST_EXCEPTION.",
        repair="wait-cancelled",
    ),
}

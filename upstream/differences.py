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


_SUBMIT_AT_EXIT = (
    "It demands that an exit hook cannot submit if it was registered before concurrent.futures was"
    " imported."
)
_SAME_WITH_FIRST_EXCEPTION = "The same demand, with FIRST_EXCEPTION."
_CANCELLED_IS_NOT_DONE = (
    "It demands that a future be not done when its owner has cancelled it and no worker has come"
    " across it yet.  done() says that it is, and now wait() says the same."
)

DIFFERENCES = {
    "ThreadPoolExecutorTest.test_default_workers": Difference(
        outcome="failed",
        reason="It demands the default number of threads of its own version; ours is the newest.",
        repair="default-workers",
        is_here=ThreadPoolExecutor()._max_workers != _stdlib.default_workers(),
    ),
    "ThreadPoolShutdownTest.test_submit_after_interpreter_shutdown": Difference(
        outcome="failed",
        reason=_SUBMIT_AT_EXIT
        + "  The repair lets every exit hook submit.  Where it is not needed,"
        " pools end by an ordinary exit hook, registered by the import; ours comes before the"
        " program begins, so the program's own hooks all run before the pools end.",
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
        reason=_CANCELLED_IS_NOT_DONE,
        repair="wait-cancelled",
    ),
    "ThreadPoolWaitTests.test_first_exception_some_already_complete": Difference(
        outcome="failed",
        reason=_SAME_WITH_FIRST_EXCEPTION,
        repair="wait-cancelled",
    ),
    # Those below come of poolcompat run itself.
    "ThreadTests.test_finalize_daemon_thread_hang": Difference(
        outcome="failed",
        reason="It demands that stderr be flushed first when the interpreter ends.  logging,"
        " which concurrent.futures imports, has an exit hook that flushes it before that.",
    ),
    "ThreadTests.test_import_from_another_thread": Difference(
        outcome="failed",
        reason="It demands that threading be imported by the program, and not before.",
    ),
    "ThreadTests.test_lazy_import": Difference(
        outcome="failed",
        reason="It starts an interpreter with -S, which finds no package that is installed.",
    ),
}

# Those of process pools are run with each start method.
_OF_PROCESS_POOLS = {
    # 3.7 and 3.8 have the next four in one test.
    "ExecutorDeadlockTest.test_crash": Difference(
        outcome="error",
        reason="It demands that what cannot be unpickled break the pool.",
        repair="process-unpicklable-argument",
    ),
    "ExecutorDeadlockTest.test_error_at_task_unpickle": Difference(
        outcome="error",
        reason="It demands that a call break the pool that cannot be unpickled in the process."
        "  Now its own future alone fails, with UnpicklingError.",
        repair="process-unpicklable-argument",
    ),
    "ExecutorDeadlockTest.test_exit_at_task_unpickle": Difference(
        outcome="error",
        reason="The same demand, of one that raises SystemExit.",
        repair="process-unpicklable-argument",
    ),
    "ExecutorDeadlockTest.test_error_during_result_unpickle_in_result_handler": Difference(
        outcome="error",
        reason="It demands that a result break the pool that cannot be unpickled here.",
        repair="process-unpicklable-exception",
    ),
    "ExecutorDeadlockTest.test_exit_during_result_unpickle_in_result_handler": Difference(
        outcome="error",
        reason="The same demand, of one that raises SystemExit.",
        repair="process-unpicklable-exception",
    ),
    "ProcessPoolExecutorTest.test_python_finalization_error": Difference(
        outcome="error",
        reason="It lets one thread start, and demands that the pool break because the second"
        " cannot.  Ours has only one, and so the tasks run; they are such that they fail.",
    ),
    "ProcessPoolShutdownTest.test_del_shutdown": Difference(
        outcome="ended the interpreter",
        reason="It drops an executor that has work, and waits for its threads.  Without a GIL an"
        " object is freed by the thread that made it, when this runs Python code again.",
        is_here=not _stdlib.FRAMES_ARE_READABLE,
    ),
    "ProcessPoolShutdownTest.test_submit_after_interpreter_shutdown": Difference(
        outcome="failed",
        reason=_SUBMIT_AT_EXIT + "  Pools of processes end when multiprocessing does, which comes"
        " before the program begins, so the program's own hooks all run before that.",
    ),
    "WaitTest.test_first_completed": Difference(
        outcome="failed", reason=_CANCELLED_IS_NOT_DONE, repair="wait-cancelled"
    ),
    "WaitTest.test_first_exception_some_already_complete": Difference(
        outcome="failed", reason=_SAME_WITH_FIRST_EXCEPTION, repair="wait-cancelled"
    ),
}
_RUNS_WHAT_WAS_SUBMITTED = (
    "It demands that an executor be freed that is dropped while there is work, and that the futures"
    " then fail for which a process would have to be replaced.  Ours lives until all is done."
)
# Those that forked processes are no matter of
_OF_OTHER_PROCESS_POOLS = {
    "ProcessPoolExecutorTest.test_failed_worker_replacement_breaks_pool": Difference(
        outcome="failed",
        reason="It has a function fail that the standard library starts processes with, and ours"
        " does not.",
    ),
    "ProcessPoolExecutorTest.test_force_shutdown_during_max_tasks_worker_exit": Difference(
        outcome="failed",
        reason="It sets an attribute that kill_workers() sets in the standard library, to the same"
        " effect.  Ours does more than that.",
    ),
    "ProcessPoolExecutorTest.test_gc_during_max_tasks_worker_exit_gh152967": Difference(
        outcome="failed", reason=_RUNS_WHAT_WAS_SUBMITTED
    ),
    "ProcessPoolExecutorTest.test_shutdown_no_wait_max_tasks_gh119592": Difference(
        outcome="failed", reason=_RUNS_WHAT_WAS_SUBMITTED
    ),
    "ProcessPoolShutdownTest.test_processes_terminate": Difference(
        outcome="failed",
        reason="It demands that all processes be started with the first call.  3.9 changed the test"
        " together with the behaviour.",
        repair="process-on-demand-workers",
    ),
}
for _method in ("Fork", "Forkserver", "Spawn"):
    for _name, _difference in _OF_PROCESS_POOLS.items():
        DIFFERENCES[f"ProcessPool{_method}{_name}"] = _difference
    for _name, _difference in _OF_OTHER_PROCESS_POOLS.items():
        if _method != "Fork":
            DIFFERENCES[f"ProcessPool{_method}{_name}"] = _difference

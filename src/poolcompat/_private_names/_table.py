"""Private names of the standard library's pools that programs use, and what they are with us."""

from __future__ import annotations

from typing import NamedTuple

KEPT = "kept"
DIFFERS = "differs"
GONE = "gone"

#: Where the classes are from; any other owner is a module.
PACKAGES = {
    "Executor": "concurrent.futures",
    "Future": "concurrent.futures",
    "ProcessPoolExecutor": "concurrent.futures",
    "ThreadPoolExecutor": "concurrent.futures",
    "AsyncResult": "multiprocessing.pool",
    "IMapIterator": "multiprocessing.pool",
    "MapResult": "multiprocessing.pool",
    "ThreadPool": "multiprocessing.pool",
}


class PrivateName(NamedTuple):
    """One name, which is used as an attribute or imported."""

    #: A class, ``Executor`` for both kinds of executors, or a module.
    owner: str
    name: str
    #: ``kept``: it works as it did.  ``differs``: it is there, and means something else.  ``gone``:
    #: it has no effect, or is not there.
    status: str
    #: In which way, and what to use instead; empty if it is kept.
    note: str = ""
    #: Whether others call things so as well, who have nothing to do with pools.
    is_common: bool = False
    #: Whether it only differs for who sets it.
    is_for_setting: bool = False


def _row(owner: str, name: str, status: str = KEPT, note: str = "") -> PrivateName:
    return PrivateName(owner, name, status, note)


def _common(owner: str, name: str, status: str = KEPT, note: str = "") -> PrivateName:
    return PrivateName(owner, name, status, note, is_common=True)


def _read_only(owner: str, name: str, note: str) -> PrivateName:
    return PrivateName(owner, name, DIFFERS, note, is_common=True, is_for_setting=True)


_STOOD_IN_FOR = "an object that has the methods that the executor's own methods call"
_NEVER_CALLED = "is never called; an executor starts processes by itself"
_NOT_OUR_CODE = "processes run other code; initializer= is called in each"
_OWN_THREADS = "is never called; a pool keeps its threads until it ends"
_NOT_OURS = "our threads are not among those: shutdown() ends them"
_EXIT = "our threads are not among those from 3.9 on; terminate_workers() lets the exit go on"

_EXECUTORS = (
    _common("Executor", "_broken"),
    _common("Executor", "_initargs"),
    _common("Executor", "_initializer"),
    _read_only("Executor", "_max_workers", "to set it changes nothing in a pool of processes"),
    _row("Executor", "_shutdown_lock", DIFFERS, "is reentrant"),
    _row("ThreadPoolExecutor", "_adjust_thread_count"),
    _row("ThreadPoolExecutor", "_idle_semaphore", GONE, "counts nothing, and is not looked at"),
    _row("ThreadPoolExecutor", "_initializer_failed", DIFFERS, "our threads do not call it"),
    _common("ThreadPoolExecutor", "_shutdown"),
    _row("ThreadPoolExecutor", "_thread_name_prefix"),
    _common("ThreadPoolExecutor", "_threads"),
    _row(
        "ThreadPoolExecutor",
        "_work_queue",
        DIFFERS,
        "until it runs, fn of what is in it is None; task has it, as since 3.14",
    ),
    _row("ProcessPoolExecutor", "_adjust_process_count", GONE, _NEVER_CALLED),
    _common("ProcessPoolExecutor", "_call_queue", DIFFERS, _STOOD_IN_FOR),
    _row("ProcessPoolExecutor", "_executor_manager_thread", DIFFERS, _STOOD_IN_FOR),
    _row("ProcessPoolExecutor", "_executor_manager_thread_wakeup", DIFFERS, _STOOD_IN_FOR),
    _row("ProcessPoolExecutor", "_idle_worker_semaphore", DIFFERS, _STOOD_IN_FOR),
    _row("ProcessPoolExecutor", "_launch_processes", GONE, _NEVER_CALLED),
    _common("ProcessPoolExecutor", "_mp_context"),
    _row(
        "ProcessPoolExecutor",
        "_pending_work_items",
        DIFFERS,
        "what is in it has a future, and no fn, args and kwargs",
    ),
    _common("ProcessPoolExecutor", "_processes", DIFFERS, "is not None after shutdown()"),
    _row("ProcessPoolExecutor", "_queue_count"),
    _row("ProcessPoolExecutor", "_queue_management_thread", DIFFERS, _STOOD_IN_FOR),
    _row("ProcessPoolExecutor", "_queue_management_thread_wakeup", DIFFERS, _STOOD_IN_FOR),
    _common("ProcessPoolExecutor", "_result_queue", DIFFERS, _STOOD_IN_FOR),
    _common("ProcessPoolExecutor", "_shutdown_thread"),
    _row("ProcessPoolExecutor", "_spawn_process", GONE, _NEVER_CALLED),
    _row("ProcessPoolExecutor", "_start_executor_manager_thread", GONE, _NEVER_CALLED),
    _row("ProcessPoolExecutor", "_start_queue_management_thread", GONE, _NEVER_CALLED),
    _common("ProcessPoolExecutor", "_work_ids", DIFFERS, _STOOD_IN_FOR),
)

_FUTURES = (
    _common("Future", "_condition"),
    _common("Future", "_done_callbacks", DIFFERS, "is empty once the future is done"),
    _common("Future", "_exception"),
    _row("Future", "_invoke_callbacks"),
    _common("Future", "_result"),
    _common("Future", "_state"),
    _common("Future", "_waiters"),
)

_POOLS = (
    _common("ThreadPool", "_cache"),
    _common("ThreadPool", "_ctx"),
    _row("ThreadPool", "_help_stuff_finish", GONE, _OWN_THREADS),
    _common("ThreadPool", "_initargs"),
    _common("ThreadPool", "_initializer"),
    _row(
        "ThreadPool",
        "_inqueue",
        DIFFERS,
        "what is in it for map() and imap(chunksize=) is a chunk of our own",
    ),
    _row("ThreadPool", "_maintain_pool", GONE, _OWN_THREADS),
    _common("ThreadPool", "_map_async"),
    _row("ThreadPool", "_maxtasksperchild"),
    _row("ThreadPool", "_outqueue", DIFFERS, "has only the results that somebody is told of"),
    _common("ThreadPool", "_pool"),
    _read_only("ThreadPool", "_processes", "to set it changes nothing"),
    _row("ThreadPool", "_quick_get", DIFFERS, "is not called by the pool"),
    _row("ThreadPool", "_quick_put", DIFFERS, "is not called by the pool"),
    _row("ThreadPool", "_repopulate_pool", GONE, _OWN_THREADS),
    _row("ThreadPool", "_result_handler", DIFFERS, "has join() and is_alive() only"),
    _read_only("ThreadPool", "_state", "to set it does not end the pool: call close()"),
    _row("ThreadPool", "_task_handler", DIFFERS, "has join() and is_alive() only"),
    _row(
        "ThreadPool", "_taskqueue", DIFFERS, "has put(), get(), get_nowait(), empty(), qsize() only"
    ),
    _common("ThreadPool", "_terminate", DIFFERS, "to call it warns of nothing: call terminate()"),
    _row("ThreadPool", "_terminate_pool", GONE, _OWN_THREADS),
    _row("ThreadPool", "_worker_handler", DIFFERS, "has join() and is_alive() only"),
)

_RESULTS = (
    _common("AsyncResult", "_callback"),
    _common("AsyncResult", "_error_callback"),
    _common("AsyncResult", "_event"),
    _common("AsyncResult", "_job"),
    _common("AsyncResult", "_set"),
    _common("AsyncResult", "_success"),
    _common("AsyncResult", "_value"),
    _common("MapResult", "_chunksize"),
    _row("MapResult", "_number_left"),
    _common("IMapIterator", "_cond"),
    _common("IMapIterator", "_index"),
    _common("IMapIterator", "_items", DIFFERS, "has the results of a whole chunk in one item"),
    _common("IMapIterator", "_length"),
    _row("IMapIterator", "_set_length"),
    _common("IMapIterator", "_unsorted"),
)

_THREAD, _PROCESS = "concurrent.futures.thread", "concurrent.futures.process"

_MODULES = (
    _common("concurrent.futures._base", "_create_and_install_waiters"),
    _common("concurrent.futures._base", "_STATE_TO_DESCRIPTION_MAP"),
    _common("concurrent.futures._base", "_Waiter"),
    _row(_THREAD, "_global_shutdown_lock", GONE, "is held by nobody; submit() works at the exit"),
    _row(_THREAD, "_python_exit", GONE, _EXIT),
    _common(_THREAD, "_shutdown", DIFFERS, "from 3.9 on submit() goes on working when it is set"),
    _row(_THREAD, "_threads_queues", GONE, _EXIT),
    _common(_THREAD, "_worker", DIFFERS, "our threads run other code; those that run it work"),
    _common(_THREAD, "_WorkItem", DIFFERS, "ours are of another class; one of this is run as well"),
    _common(_PROCESS, "_CallItem", GONE, _NOT_OUR_CODE),
    _row(_PROCESS, "_ExecutorManagerThread", GONE, _NEVER_CALLED),
    _common(_PROCESS, "_process_chunk"),
    _common(_PROCESS, "_process_worker", GONE, _NOT_OUR_CODE),
    _row(_PROCESS, "_python_exit", GONE, "ends none of our processes; shutdown() does"),
    _row(_PROCESS, "_queue_management_worker", GONE, _NEVER_CALLED),
    _common(_PROCESS, "_RemoteTraceback"),
    _common(_PROCESS, "_ResultItem", GONE, _NOT_OUR_CODE),
    _row(_PROCESS, "_threads_wakeups", GONE, _NOT_OURS),
    _common(_PROCESS, "_WorkItem", GONE, _NOT_OUR_CODE),
    _row("multiprocessing.pool", "_helper_reraises_exception"),
    _row(
        "threading",
        "_register_atexit",
        DIFFERS,
        "what is registered is called before the exit waits for our threads",
    ),
    _common("threading", "_shutdown"),
    _row("threading", "_threading_atexits", GONE, "has no hook of ours"),
)

TABLE: tuple[PrivateName, ...] = (*_EXECUTORS, *_FUTURES, *_POOLS, *_RESULTS, *_MODULES)

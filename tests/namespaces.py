"""What the standard library's namespaces hold, to be compared before and after."""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import concurrent.futures.thread
import multiprocessing.dummy
import multiprocessing.pool
import multiprocessing.spawn
import queue
import threading
import types

MODULES = [
    concurrent.futures,
    concurrent.futures._base,
    concurrent.futures.process,
    concurrent.futures.thread,
    multiprocessing,
    multiprocessing.dummy,
    multiprocessing.pool,
    multiprocessing.spawn,
    queue,
    threading,
]
# These come into being when they are first asked for.
assert concurrent.futures.ThreadPoolExecutor
assert concurrent.futures.ProcessPoolExecutor


def snapshot():
    """Return the identity of what each slot holds, in order; functions count with their code."""
    slots = {}
    for module in MODULES:
        record(slots, module.__name__, vars(module))
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__:
                record(slots, f"{module.__name__}.{name}", vars(value))
    return slots


def record(slots, path, namespace):
    slots[path] = list(namespace)
    for name, value in namespace.items():
        slots[f"{path}.{name}"] = id(value)
        function = getattr(value, "__func__", value)
        if isinstance(function, types.FunctionType):
            defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
            slots[f"{path}.{name}()"] = [id(function.__code__), repr(defaults)]

"""The type tests are complete; type checkers, not this, tell whether they are right."""

from __future__ import annotations

import ast
import importlib
import inspect
import pathlib

import pytest

import poolcompat

TYPE_TESTS = pathlib.Path(__file__).resolve().parent / "types"
# Public by their spelling only: the standard library documents none of them.
UNDOCUMENTED = {"BROKEN", "Process", "prepare_context"}
# The attributes of these are not found on their classes.
INSTANCES = {
    poolcompat.TaskStopped: poolcompat.TaskStopped("stopped"),
    poolcompat.TerminateReport: poolcompat.TerminateReport(),
}


def class_of(parameter):
    annotation = parameter.annotation
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return getattr(annotation, "attr", None)


def names_in_type_tests():
    """Yield (owner, name) for each ``owner.name``; a parameter stands for its class."""
    for path in TYPE_TESTS.glob("public_*.py"):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.FunctionDef):
                continue
            classes = {parameter.arg: class_of(parameter) for parameter in function.args.args}
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    yield classes.get(node.value.id, node.value.id), node.attr


def attributes_of(cls):
    """The public attributes that are ours, or of the standard library's pools and futures."""
    names = set(vars(INSTANCES[cls])) if cls in INSTANCES else set()
    for owner in cls.__mro__:
        if owner.__module__.partition(".")[0] in ("poolcompat", "concurrent", "multiprocessing"):
            names.update(vars(owner))
    return {name for name in names - UNDOCUMENTED if not name.startswith("_")}


@pytest.mark.parametrize(
    "module",
    [
        "poolcompat",
        "poolcompat.futures",
        "poolcompat.futures.process",
        "poolcompat.futures.thread",
        "poolcompat.monkey",
        "poolcompat.pool",
        "poolcompat.stopping",
    ],
)
def test_all_public_names_are_in_the_type_tests(module):
    """Each name of the module, and each attribute of its classes."""
    public = importlib.import_module(module)
    wanted = {(module.rpartition(".")[2], name) for name in public.__all__}
    for name in public.__all__:
        value = getattr(public, name)
        if inspect.isclass(value):
            wanted.update((name, attribute) for attribute in attributes_of(value))
    assert sorted(wanted - set(names_in_type_tests())) == []

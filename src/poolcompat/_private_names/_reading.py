"""The modules of a program: which they are, and what is written there."""

from __future__ import annotations

import ast
import importlib.machinery
import os
import pkgutil
import sys
import warnings
from typing import Any, Iterable, Iterator, NamedTuple

# Where the blocks of a compound statement are
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
# What is in these is run if the statement is; anything else may be left out
_ALWAYS_RUN = (ast.ClassDef, ast.With)


class Source(NamedTuple):
    """One file of a program."""

    file: str
    content: bytes
    tree: ast.Module


def _search_path() -> list[str]:
    """Return ``sys.path`` without what stands there for the program that runs now."""
    # The latter is new in 3.11.
    is_bare = sys.flags.isolated or getattr(sys.flags, "safe_path", False)
    return sys.path if is_bare else sys.path[1:]


def _standard_library() -> frozenset[str]:
    folder = os.path.dirname(os.__file__)
    extensions = [os.path.join(folder, "lib-dynload"), os.path.join(sys.base_exec_prefix, "DLLs")]
    return frozenset(map(_normal, [folder, *extensions]))


def _normal(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


class Reader:
    """Finds the modules of a program as the interpreter would; to iterate over it reads them.

    Args:
        program: The path of the script, or of a directory with a ``__main__.py``.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, program: str) -> None:
        if os.path.isdir(program):
            program = os.path.join(program, "__main__.py")
        with open(program, "rb") as file:
            self._script = program, file.read()
        #: Why what could not be read could not, by name
        self.unread: dict[str, str] = {}
        self._path = [os.path.dirname(os.path.realpath(program)), *_search_path()]
        self._standard_library = _standard_library()
        # Where the modules in each known module are; empty if it is no package
        self._folders: dict[str, list[str]] = {"poolcompat": []}
        self._folders.update((name, []) for name in sys.builtin_module_names)
        # What has been found and not been read
        self._found: list[tuple[str, Any]] = []
        # Imports to follow: what the program cannot do without, and the rest, which comes later
        self._needed: list[str] = []
        self._optional: list[str] = []

    def __iter__(self) -> Iterator[Source]:
        # No tree is kept: the garbage collector would go over all of them again and again.
        yield from self._parse(True, "", *self._script)
        if self.unread:
            file, _ = self._script
            raise ValueError(f"{file} is no Python program: {self.unread[file]}")
        while self._needed or self._optional:
            is_needed = bool(self._needed)
            self._follow((self._needed or self._optional).pop(), is_needed)
            while self._found:
                yield from self._load(is_needed, *self._found.pop())

    def _follow(self, name: str, is_needed: bool) -> list[str]:
        """Find a module, and those that contain it; return the folders of those in it."""
        if name in self._folders:
            return self._folders[name]
        parent, _, _ = name.rpartition(".")
        place, spec, folders = self._find(
            name, self._follow(parent, is_needed) if parent else self._path
        )
        if spec is None and not folders:
            # What a package seems to lack may be made when it is imported.
            if is_needed and not parent:
                self.unread[name] = "not found"
            return []  # and not remembered: another module may need it
        if not parent and _normal(place) in self._standard_library:
            folders, spec = [], None
        self._folders[name] = folders
        if spec is not None:
            self._found.append((name, spec))
        return folders

    def _find(self, name: str, places: Iterable[str]) -> tuple[str, Any, list[str]]:
        """Return where a module is, and the folders of what is in it."""
        parts: list[str] = []
        for place in places:
            find: Any = getattr(pkgutil.get_importer(place), "find_spec", None)
            spec = find and find(name)
            if spec is None:
                continue
            if spec.loader is not None:
                return place, spec, list(spec.submodule_search_locations or ())
            parts += spec.submodule_search_locations  # of a package that has no __init__.py
        return "", None, parts

    def _load(self, is_needed: bool, name: str, spec: Any) -> Iterator[Source]:
        file = str(spec.origin)
        if not file.endswith(tuple(importlib.machinery.SOURCE_SUFFIXES)):
            self.unread[name] = "no Python source"
            return
        try:
            content = spec.loader.get_data(file)
        except OSError as error:
            self.unread[file] = str(error)
            return
        is_package = spec.submodule_search_locations is not None
        package = name if is_package else name.rpartition(".")[0]
        yield from self._parse(is_needed, package, file, content)

    def _parse(self, is_needed: bool, package: str, file: str, content: bytes) -> Iterator[Source]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what the compiler finds strange
                tree = ast.parse(content, file)
        except SyntaxError as error:
            self.unread[file] = f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
            return
        except (ValueError, RecursionError, MemoryError) as error:
            self.unread[file] = str(error) or type(error).__name__
            return
        for node, is_always_run in _imports(tree.body, True):
            pending = self._needed if is_needed and is_always_run else self._optional
            pending.extend(_names(node, package))
        yield Source(file, content, tree)


def _imports(body: Iterable[Any], is_always_run: bool) -> Iterator[tuple[Any, bool]]:
    """Yield the import statements, and whether each is run whenever the module is."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, is_always_run
            continue
        is_typing = isinstance(node, ast.If) and _ends_with(node.test, "TYPE_CHECKING")
        for block in _BLOCKS[is_typing:]:
            inside = is_always_run and isinstance(node, _ALWAYS_RUN)
            yield from _imports(getattr(node, block, ()), inside)


def _ends_with(node: ast.expr, name: str) -> bool:
    return getattr(node, "attr", getattr(node, "id", None)) == name


def _names(node: Any, package: str) -> Iterator[str]:
    """Yield the modules that a statement may import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    module = node.module or ""
    if node.level:
        parts = package.split(".")
        base = parts[: len(parts) - node.level + 1]
        if not package or not base:
            return  # an error when it is run
        module = ".".join([*base, module] if module else base)
    yield module
    yield from (f"{module}.{alias.name}" for alias in node.names if alias.name != "*")

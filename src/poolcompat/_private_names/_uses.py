"""Where a module uses private names of the pools.

A name that others use as well counts only in a module that imports pools, or as an attribute of the
very module that has it; and no name counts on ``self`` unless its class is named after a class of
the pools that it derives from.  What an object is called tells what it is, as far as it does.
"""

from __future__ import annotations

import ast
import re
from typing import Any, Iterable, Iterator, NamedTuple

from ._reading import Source
from ._table import KEPT, PACKAGES, TABLE, PrivateName

_FUTURES, _POOL = "concurrent.futures", "multiprocessing.pool"
_EXECUTORS = frozenset({"Executor", "ProcessPoolExecutor", "ThreadPoolExecutor"})
_RESULTS = frozenset({"AsyncResult", "IMapIterator", "MapResult"})
# What ends so is an object, or derives from a class, of these; the first that fits
_KINDS = (
    (re.compile(r"(?i)(executor|tpe|ppe)s?$"), _EXECUTORS),
    (re.compile(r"(?i)fut(ure)?s?$"), frozenset({"Future"})),
    (re.compile(r"(?i)pool(class)?s?$"), _EXECUTORS | {"ThreadPool"}),
    (re.compile(r"(?i)(result|iterator)s?$"), _RESULTS),
)
_BY_NAME: dict[str, list[PrivateName]] = {}
for _each in TABLE:
    _BY_NAME.setdefault(_each.name, []).append(_each)


def _any_of(names: Iterable[str]) -> re.Pattern[bytes]:
    return re.compile(rb"\b(" + "|".join(names).encode() + rb")\b")


_COMMON = _any_of(row.name for row in TABLE if row.is_common)
_ITS_MODULES = _any_of(["concurrent", "multiprocessing", "poolcompat", "threading"])
_OUR_OWN = _any_of(row.name for row in TABLE if not row.is_common)
_MODULES = {row.owner for row in TABLE if row.owner not in PACKAGES}
# Their futures and pools are their own.
_OTHERS = ("asyncio.", "tornado.", "typing.")
_SELF = ast.Name("self", ast.Load())
_ACCESSORS = ("delattr", "getattr", "hasattr", "setattr")


class Use(NamedTuple):
    """A place where a private name is used."""

    file: str
    line: int
    #: With the class or module that it is of, as in ``ThreadPoolExecutor._work_queue``
    name: str
    #: ``kept``, ``differs`` or ``gone``
    status: str
    #: In which way it differs, or what to use instead
    note: str


def uses_in(source: Source) -> list[Use]:
    """Return the uses in a module, each once a line."""
    text = source.content
    if not _OUR_OWN.search(text) and not (_ITS_MODULES.search(text) and _COMMON.search(text)):
        return []  # Most need not be looked at closely.
    finder = _Finder(source.tree)
    finder.visit(source.tree)
    return [
        Use(source.file, line, f"{row.owner}.{row.name}", row.status, row.note)
        for line, row in dict.fromkeys(finder.found)
    ]


class _Finder(ast.NodeVisitor):
    """Collects uses, as pairs of a line and what is used there."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[tuple[int, PrivateName]] = []
        nodes = list(ast.walk(tree))
        # What imported names stand for
        self._imported = dict(_imported(nodes))
        self._packages = _packages(nodes, self._imported.values())
        self._classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
        # The kinds of the class that the present one derives from, or None if of none of ours
        self._self: Any = None
        # What classes of the module call so that are not ours, and what these are called after
        self._own, self._own_kinds = self._namespaces()

    def _namespaces(self) -> tuple[set[str], set[Any]]:
        names, kinds = set(), set()
        for node in self._classes.values():
            if not self._kind_of_class(node):
                kinds.add(_kind(ast.Name(node.name, ast.Load())))
                for part in ast.walk(node):
                    if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        names.add(part.name)
                    elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                        names.update([part.attr] if _is_self(part.value) else ())
        return names, kinds

    def _kind_of_class(self, node: ast.ClassDef, seen: tuple[ast.ClassDef, ...] = ()) -> Any:
        """Return the kinds of ours that a class derives from, or ``None``."""
        seen = (*seen, node)
        for base in node.bases:
            local = self._classes.get(_last_name(base))
            if local is not None and local not in seen:
                kinds = self._kind_of_class(local, seen)
            else:
                kinds = None if self._is_foreign(base) else _kind(base)
            if kinds:
                return kinds
        return None

    def _is_foreign(self, base: ast.expr) -> bool:
        """Tell whether a class only sounds like one of those whose private names are ours."""
        if _last_name(base) == "Executor":
            return True  # It has none.
        path = self._path(base) or ""
        return path.startswith(_OTHERS) or path in ("multiprocessing.Pool", f"{_POOL}.Pool")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = _canonical(node.module or "")
        for alias in node.names:
            self._add(node, (row for row in _BY_NAME.get(alias.name, ()) if row.owner == module))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self._self = self._self, self._kind_of_class(node)
        self.generic_visit(node)
        self._self = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._look(node, _SELF, node.name, is_read=False)  # which overrides a method
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._look(node, node.value, node.attr, isinstance(node.ctx, ast.Load))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        accessor = _last_name(node.func)
        if accessor in _ACCESSORS and len(node.args) > 1:
            try:
                name = ast.literal_eval(node.args[1])
            except ValueError:
                name = None
            if isinstance(name, str):
                self._look(node, node.args[0], name, accessor in ("getattr", "hasattr"))
        self.generic_visit(node)

    def _look(self, node: ast.AST, holder: ast.expr, name: str, is_read: bool) -> None:
        """Take note of an attribute of *holder*, if it is one of ours."""
        if name not in _BY_NAME:
            return
        path = self._path(holder)
        if path in _MODULES:
            self._add(node, (row for row in _BY_NAME[name] if row.owner == path))
            return
        kinds = self._self if _is_self(holder) else _kind(holder)
        if _is_self(holder) and not kinds:
            return
        for row in _BY_NAME[name]:
            if self._is_meant(row, kinds):
                is_kept = is_read and row.is_for_setting
                self._add(node, [row._replace(status=KEPT, note="") if is_kept else row])

    def _is_meant(self, row: PrivateName, kinds: Any) -> bool:
        """Tell whether an attribute is ours if what has it is called after *kinds*."""
        if row.owner in _MODULES:
            return not (kinds or row.is_common)
        if row.owner not in (kinds or PACKAGES):
            return False
        if row.name in self._own and (not kinds or kinds in self._own_kinds):
            return False
        return not row.is_common or PACKAGES[row.owner] in self._packages

    def _add(self, node: ast.AST, rows: Iterable[PrivateName]) -> None:
        self.found += ((getattr(node, "lineno", 0), row) for row in rows)

    def _path(self, node: ast.expr) -> str | None:
        """Return the dotted path of what was imported, or ``None`` if it was not."""
        if isinstance(node, ast.Attribute):
            path = self._path(node.value)
            return path and _canonical(f"{path}.{node.attr}")
        return self._imported.get(node.id) if isinstance(node, ast.Name) else None


def _imported(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield the names that imports make, and what they stand for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                path = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or path, _canonical(path)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, _canonical(f"{node.module}.{alias.name}")


def _packages(nodes: list[ast.AST], imported: Iterable[str]) -> set[str]:
    """Return those of our two packages that a module uses."""
    paths = set(imported)
    for node in nodes:
        if isinstance(node, ast.Import):
            paths.update(_canonical(alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in ("Pool", "ThreadPool", "dummy"):
            paths.update({_POOL} & {f"{path}.pool" for path in paths})
    found = set()
    for path in paths:
        if path.startswith((_FUTURES, "poolcompat")):
            found.add(_FUTURES)
        if path.startswith((_POOL, "multiprocessing.Pool", "multiprocessing.dummy", "poolcompat")):
            found.add(_POOL)
    return found


def _canonical(path: str) -> str:
    """Return the standard library's path of what is also ours."""
    for ours, theirs in (("poolcompat.futures", _FUTURES), ("poolcompat.pool", _POOL)):
        if (path + ".").startswith(ours + "."):
            return theirs + path[len(ours) :]
    return path


def _last_name(node: ast.expr) -> str:
    """Return what an expression is called: of ``a.b[0]`` it is ``b``."""
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _kind(node: ast.expr) -> frozenset[str] | None:
    """Return the classes that something is called after."""
    name = _last_name(node)
    return next((kinds for pattern, kinds in _KINDS if pattern.search(name)), None)


def _is_self(node: ast.expr) -> bool:
    is_super = isinstance(node, ast.Call) and _last_name(node) == "super"
    return is_super or (isinstance(node, ast.Name) and node.id in ("self", "cls"))

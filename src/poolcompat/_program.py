"""Running a program exactly as ``python`` would.

What a function here returns lets through whatever the program raises, ``SystemExit`` included.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import os
import pkgutil
import sys
from types import CodeType, ModuleType, TracebackType
from typing import Callable

from . import _stdlib


def script(path: str, args: list[str]) -> Callable[[], None]:
    """Return what runs a file as ``python path args`` does.

    A directory or a zip file is run by its ``__main__``.

    Raises:
        OSError: It cannot be opened.
    """
    if pkgutil.get_importer(path) is not None:
        return lambda: _run_main_of(path, args)
    with open(path, "rb") as file:
        content = file.read()

    def run() -> None:
        names = _begin([path, *args], os.path.dirname(os.path.realpath(path)))
        names["__file__"] = file = _stdlib.main_path(path)
        if _stdlib.MODULES_TELL_THEIR_CACHE:
            names["__cached__"] = None
        if path.endswith(".pyc") or content.startswith(importlib.util.MAGIC_NUMBER):
            names["__loader__"] = importlib.machinery.SourcelessFileLoader("__main__", file)
            _run(lambda: exec(_read_code(content), names))
        else:
            names["__loader__"] = importlib.machinery.SourceFileLoader("__main__", file)
            _run(lambda: exec(_compile(content, file), names))

    return run


def module(name: str, args: list[str]) -> Callable[[], None]:
    """Return what runs a module as ``python -m name args`` does."""

    def run() -> None:
        _begin(["-m", *args], os.getcwd())
        _run(lambda: _stdlib.module_runner()(name))

    return run


def source_code(source: str, args: list[str]) -> Callable[[], None]:
    """Return what runs source code as ``python -c source args`` does."""

    def run() -> None:
        names = _begin(["-c", *args], "")
        _run(lambda: exec(_compile_string(_stdlib.command_source(source)), names))

    return run


def _run_main_of(path: str, args: list[str]) -> None:
    _begin([path, *args], _stdlib.main_path(path), is_sought=True)
    _run(lambda: _stdlib.module_runner()("__main__", alter_argv=False))


def _begin(argv: list[str], first_path: str, is_sought: bool = False) -> dict[str, object]:
    """Set the scene and return the namespace of a new ``__main__``.

    A new module, because the functions of the present one may still be needed.

    Args:
        argv: What ``sys.argv`` is to hold.
        first_path: What ``sys.path`` is to begin with, except in isolated or safe-path mode.
        is_sought: The program itself is found by *first_path*, whatever the mode.
    """
    sys.argv[:] = argv
    # With -I, and since 3.11 with -P, the interpreter has put nothing of its own there.
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = first_path
    elif is_sought:
        sys.path.insert(0, first_path)
    main = ModuleType("__main__")
    names = vars(main)
    names["__loader__"] = importlib.machinery.BuiltinImporter
    if _stdlib.MODULES_HAVE_ANNOTATIONS:
        names["__annotations__"] = {}
    names["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    return names


def _read_code(content: bytes) -> CodeType:
    code: CodeType | None = pkgutil.read_code(io.BytesIO(content))
    if code is None:
        raise RuntimeError("Bad magic number in .pyc file")
    return code


def _compile(source: str | bytes, file: str) -> CodeType:
    # Not to inherit the future statements of this module
    code: CodeType = compile(source, file, "exec", dont_inherit=True, **_stdlib.COMPILED_AS_MAIN)
    return code


def _compile_string(source: str) -> CodeType:
    code = _compile(source, "<string>")
    _stdlib.show_command_lines(code, source)
    return code


def _run(program: Callable[[], object]) -> None:
    """Call *program* such that its tracebacks look as if nobody had called it.

    What it raises goes on to the interpreter, which alone knows how to end with it: by an exit
    status, by the signal of a Ctrl-C, or in interactive mode.
    """
    try:
        program()
    except SystemExit:
        raise
    except BaseException:
        _hide_frames_from_excepthook()
        raise


def _hide_frames_from_excepthook() -> None:
    hook = getattr(sys, "excepthook", sys.__excepthook__)

    def excepthook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        sys.excepthook = hook
        sys.last_traceback = error.__traceback__ = _without_our_frames(traceback)
        hook(kind, error, error.__traceback__)

    sys.excepthook = excepthook


def _without_our_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of *traceback* above the last frame of this module.

    Nothing is left of an error in compiling the program, as when ``python`` compiles it.
    """
    rest = traceback
    while traceback is not None:
        if traceback.tb_frame.f_globals is globals():
            rest = traceback.tb_next
        traceback = traceback.tb_next
    return rest

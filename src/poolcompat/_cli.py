"""The command line: ``poolcompat`` and ``python -m poolcompat``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Callable, NoReturn, Sequence

from . import __version__

if TYPE_CHECKING:
    from ._private_names import Reading

_FINDINGS = 1
_USAGE_ERROR = 2
_INTERRUPTED = 130  # as shells call it

_RUN_USAGE = (
    "poolcompat run [--only NAME] [--skip NAME] [--on-terminate POLICY] [--] "
    "(script.py | -m module | -c code) [args ...]"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    Args:
        argv: The arguments; ``None``, the default, is those of the process.

    Raises:
        SystemExit: As argparse does, and whatever a program that is run raises.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="poolcompat",
        description="The newest thread and process pools, without their defects.",
    )
    parser.add_argument("--version", action="version", version=f"poolcompat {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("run", help="run a program with all pools repaired", add_help=False)
    doctor = _add_doctor(commands)
    if args[:1] == ["run"]:
        return _run(args[1:])
    options = parser.parse_args(args)
    if options.command == "doctor":
        return _doctor(options, doctor.error)
    parser.print_help(sys.stderr)
    return _USAGE_ERROR


def _add_doctor(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "doctor",
        help="show which repairs this interpreter needs",
        description="Show which repairs this interpreter needs, and what others have changed in "
        "the same places. Nothing is changed. The exit status is 0 if all is well, 1 if there is "
        "something to look at, 2 for wrong usage.",
    )
    add = parser.add_argument
    add(
        "--verify",
        action="store_true",
        help="provoke every defect, without the repair and with it, in child processes; takes "
        "about a minute",
    )
    add("--json", action="store_true", help="print for machines")
    add(
        "--program",
        metavar="SCRIPT",
        help="read a program and what it imports, without running it, and show where it uses "
        "private names of the pools",
    )
    return parser


def _doctor(options: argparse.Namespace, fail: Callable[[str], NoReturn]) -> int:
    from . import _printing
    from ._doctor import examine
    from .monkey import repairs, skipped_by_operator

    try:
        skipped_by_operator()
        reading = _read(options.program)
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        return _cannot_open(error.filename, error)
    show = _printing.progress(sys.stderr, len(repairs()))
    try:
        report = examine(verify=options.verify, reading=reading, on_progress=show)
    except KeyboardInterrupt:
        print("\npoolcompat: interrupted", file=sys.stderr)
        return _INTERRUPTED
    if options.json:
        text = _printing.as_json(report)
    else:
        text = _printing.as_text(report, _printing.is_colourful(sys.stdout))
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Nobody reads it; now nothing is left for the interpreter to fail on when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if report.is_healthy else _FINDINGS


def _read(program: str | None) -> Reading | None:
    if not program:
        return None
    from ._private_names import private_uses

    return private_uses(program)


def _cannot_open(path: str, error: OSError) -> int:
    reason = f"[Errno {error.errno}] {error.strerror}"
    print(f"poolcompat: can't open file {path!r}: {reason}", file=sys.stderr)
    return _USAGE_ERROR


def _run(args: list[str]) -> int:
    from .monkey import patch_process_tree

    parser = _run_parser()
    own, target = _split(args)
    options = parser.parse_args(own)
    if target in ([], ["-m"], ["-c"]):
        parser.error("a script, -m module or -c code is required")
    try:
        program = _program_of(target)
    except OSError as error:
        return _cannot_open(target[0], error)
    try:
        patch_process_tree(only=options.only, skip=options.skip, on_terminate=options.on_terminate)
    except ValueError as error:
        parser.error(str(error))
    program()
    return 0


def _run_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="poolcompat run",
        usage=_RUN_USAGE,
        description="Apply the repairs, then run a program exactly as python would.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--only", metavar="NAME", action="append", help="apply this repair alone (repeatable)")
    add("--skip", metavar="NAME", action="append", default=[], help="leave it out (repeatable)")
    add(
        "--on-terminate",
        metavar="POLICY",
        default="warn",
        help="what ThreadPool.terminate() does about tasks that run: warn (default), escalate "
        "(stop them) or silent",
    )
    return parser


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    """Divide the arguments before the program from the program and its own arguments."""
    index = 0
    while index < len(args):
        arg = args[index]
        if arg == "--":
            return args[:index], args[index + 1 :]
        if not arg.startswith("-") or arg.startswith(("-m", "-c")):
            return args[:index], args[index:]
        index += 2 if arg in ("--only", "--skip", "--on-terminate") else 1
    return args, []


def _program_of(target: list[str]) -> Callable[[], None]:
    from . import _program

    first, *args = target
    for flag, program in (("-m", _program.module), ("-c", _program.source_code)):
        if first == flag:
            return program(args[0], args[1:])
        if first.startswith(flag):
            return program(first[len(flag) :], args)
    return _program.script(first, args)

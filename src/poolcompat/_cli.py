"""The command line: ``poolcompat`` and ``python -m poolcompat``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Callable, Sequence

from . import __version__

_USAGE_ERROR = 2

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
    commands.add_parser("doctor", help="show which repairs this interpreter needs")
    if args[:1] == ["run"]:
        return _run(args[1:])
    if parser.parse_args(args).command == "doctor":
        return _doctor()
    parser.print_help(sys.stderr)
    return _USAGE_ERROR


def _doctor() -> int:
    from ._doctor import examine

    report = examine()
    width = max(len(finding.repair.name) for finding in report.findings)
    lines = [report.subject, ""]
    for finding in report.findings:
        row = finding.repair
        since = f"since {row.native_since}" if row.native_since else ""
        lines.append(f"{row.name:{width}}  {finding.status:6}  {since:10}  {row.issue}".rstrip())
        lines.append(f"{'':{width}}  {row.wrong}")
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        # Nobody reads it; now nothing is left for the interpreter to fail on when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


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
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"poolcompat: can't open file {target[0]!r}: {reason}", file=sys.stderr)
        return _USAGE_ERROR
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

"""The failures that end a command, with their exit codes."""

import sys

import click

from karapace_like.tooling.errors import ToolError

_INTERRUPTED = 130
"""The exit code that shells give to a process that SIGINT ended."""


class CannotTellError(click.ClickException):
    """The command could not do its work; exit code 2, as for wrong arguments."""

    exit_code = 2


class _InterruptedError(click.ClickException):
    """The user interrupted the command."""

    exit_code = _INTERRUPTED


_PROTOBUF = frozenset({"google", "grpc", "grpc_tools"})
"""The packages of the extra `protobuf`."""


def describe_missing_package(error: ModuleNotFoundError) -> str | None:
    """Return which extra to install for a package that is missing; None for a module of this project."""
    package = (error.name or "").partition(".")[0]
    if package in {"", "karapace_like"} | sys.stdlib_module_names:
        return None
    if package in _PROTOBUF:
        return "Protobuf schemas need more packages. Install them: pip install 'karapace-like[protobuf]'"
    return f"This needs the package {package}, which the server brings. Install it: pip install 'karapace-like[server]'"


def find_failure(error: BaseException) -> click.ClickException | None:
    """Return the failure that an exception of any command means; None for one that only a fault of ours explains."""
    match error:
        case click.ClickException():
            return error
        case ModuleNotFoundError():
            sentence = describe_missing_package(error)
            return None if sentence is None else CannotTellError(sentence)
        case ToolError():
            return CannotTellError(str(error))
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return CannotTellError(f"{where}{error.strerror or error}.")
        case KeyboardInterrupt() | click.Abort():
            return _InterruptedError("Interrupted.")
        case _:
            return None

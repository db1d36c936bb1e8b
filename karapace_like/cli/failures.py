"""The failures that end a command, with their exit codes."""

import click

_INTERRUPTED = 130
"""The exit code that shells give to a process that SIGINT ended."""


class CannotTellError(click.ClickException):
    """The command could not do its work; exit code 2, as for wrong arguments."""

    exit_code = 2


class _InterruptedError(click.ClickException):
    """The user interrupted the command."""

    exit_code = _INTERRUPTED


def find_failure(error: BaseException) -> click.ClickException | None:
    """Return the failure that an exception of any command means; None for one that only a fault of ours explains."""
    match error:
        case click.ClickException():
            return error
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return CannotTellError(f"{where}{error.strerror or error}.")
        case KeyboardInterrupt() | click.Abort():
            return _InterruptedError("Interrupted.")
        case _:
            return None

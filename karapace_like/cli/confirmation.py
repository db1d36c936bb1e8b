"""The question before a command changes a registry."""

import sys

import click

from karapace_like.tooling.errors import ToolError


def confirm(question: str, *, yes: bool) -> None:
    """Ask the user, unless `yes`; raises ToolError without a terminal, or if the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ToolError("Nothing was changed: no terminal can confirm the changes. Add --yes to apply them.")
    if not click.confirm(question):
        raise ToolError("Nothing was changed.")

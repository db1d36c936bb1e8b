"""Output of values as text, JSON or YAML: the option `--format`, and what it prints."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
import msgspec

from karapace_like.explanation.excerpts import make_printable
from karapace_like.tooling.rendering import render, yaml
from karapace_like.tooling.rendering.json import list_members
from karapace_like.tooling.report import Report

C = TypeVar("C", bound=Callable[..., object])

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    show_default=True,
    help="Output format.",
)


_SHOWN = 20
"""Lines of `print_some_lines`."""


def print_some_lines(lines: Sequence[str]) -> None:
    """Print the first lines on standard error, and how many more there are."""
    for line in lines[:_SHOWN]:
        click.echo(line, err=True)
    if len(lines) > _SHOWN:
        click.echo(f"... and {len(lines) - _SHOWN} more", err=True)


def print_report(report: Report, form: str) -> None:
    """Print a report as text, JSON or YAML."""
    print_value(list_members(report), render(report, "text").removesuffix("\n"), form)


def print_value(value: Any, text: str, form: str) -> None:
    """Print the value as JSON or YAML, or the text."""
    if form == "text":
        # Names and texts in a registry could hold commands for terminals.
        click.echo("".join(f"{make_printable(line)}\n" for line in text.split("\n") if text), nl=False)
        return
    builtin = msgspec.to_builtins(value)
    if form == "json":
        click.echo(json.dumps(builtin, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.render_value(builtin), nl=False)


def print_item(value: Any, text: str, form: str) -> None:
    """Print one of many values as soon as it is there: the text, a line of JSON, or an item of a list in YAML."""
    if form == "json":
        click.echo(json.dumps(value, ensure_ascii=False))
    else:
        print_value([value], text, form)

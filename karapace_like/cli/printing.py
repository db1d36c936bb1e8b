"""Output of values as text, JSON or YAML: the option `--format`, and what it prints."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click
import msgspec

from karapace_like.explanation.excerpts import make_printable
from karapace_like.tooling.rendering import render
from karapace_like.tooling.report import Report

C = TypeVar("C", bound=Callable[..., object])

_PLAIN = re.compile(
    r"(?!(?i:y|n|yes|no|on|off|true|false|null|nan|inf)$)[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*"
)
"""Texts that YAML reads as texts without quotes, in each of its versions."""

_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

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
    print_value(msgspec.json.decode(render(report, "json")), render(report, "text").removesuffix("\n"), form)


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
        click.echo("\n".join(_render_yaml(builtin, "")))


def print_item(value: Any, text: str, form: str) -> None:
    """Print one of many values as soon as it is there: the text, a line of JSON, or an item of a list in YAML."""
    if form == "json":
        click.echo(json.dumps(value, ensure_ascii=False))
    else:
        print_value([value], text, form)


def _render_yaml(value: Any, indent: str) -> Iterator[str]:
    """Yield the lines of a value in YAML's block style; a scalar that YAML could take for something else is JSON."""
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            yield from _render_member(f"{indent}{_render_scalar(name)}:", member, f"{indent}  ")
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for member in value:
            first, *rest = _render_yaml(member, f"{indent}  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
    else:
        yield f"{indent}{_render_scalar(value)}"


def _render_member(head: str, member: Any, indent: str) -> Iterator[str]:
    if isinstance(member, Mapping | list) and member:
        yield head
        yield from _render_yaml(member, indent)
    else:
        yield f"{head} {_render_scalar(member)}"


def _render_scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    # JSON leaves these as they are, and YAML does not allow them.
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))

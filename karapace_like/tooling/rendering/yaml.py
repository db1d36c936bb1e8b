"""YAML for programs and people: the members of the JSON format, and any other value of a command."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from karapace_like.tooling.rendering.json import list_members
from karapace_like.tooling.report import Report

_PLAIN = re.compile(
    r"(?!(?i:y|n|yes|no|on|off|true|false|null|nan|inf)$)[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*"
)
"""Texts that YAML reads as texts without quotes, in each of its versions."""

_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def render(report: Report) -> str:
    """Return the members of the JSON format."""
    return render_value(msgspec.to_builtins(list_members(report)))


def render_value(value: Any) -> str:
    """Return a value of JSON in YAML's block style."""
    return "".join(f"{line}\n" for line in _render_lines(value, ""))


def _render_lines(value: Any, indent: str) -> Iterator[str]:
    """Yield the lines of a value in YAML's block style; a scalar that YAML could take for something else is JSON."""
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            yield from _render_member(f"{indent}{_render_scalar(name)}:", member, f"{indent}  ")
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for member in value:
            first, *rest = _render_lines(member, f"{indent}  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
    else:
        yield f"{indent}{_render_scalar(value)}"


def _render_member(head: str, member: Any, indent: str) -> Iterator[str]:
    if isinstance(member, Mapping | list) and member:
        yield head
        yield from _render_lines(member, indent)
    else:
        yield f"{head} {_render_scalar(member)}"


def _render_scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    # JSON leaves these as they are, and YAML does not allow them.
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))

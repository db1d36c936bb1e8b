"""The text of a settings file: TOML of a `Project`, which `project.parse` reads back."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from karapace_like.tooling.project import Project

_NAMED = frozenset({"subjects", "policies"})
"""Tables of tables."""
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def render_settings(project: Project) -> str:
    """Return the settings that are not the defaults."""
    tables: Mapping[str, Any] = msgspec.to_builtins(project, builtin_types=(date,))
    plain = {name: value for name, value in tables.items() if not isinstance(value, Mapping) and not _is_tables(value)}
    lines = list(_render_members(plain))
    for name, value in tables.items():
        if name in _NAMED:
            for key, settings in value.items():
                lines += ["", f"[{name}.{_render_key(key)}]", *_render_members(settings)]
        elif isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_render_members(value)]
        elif _is_tables(value):
            for settings in value:
                lines += ["", f"[[{name}]]", *_render_members(settings)]
    return "\n".join([*lines, ""]).lstrip("\n")


def _is_tables(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and isinstance(value[0], Mapping)


def _render_members(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, Sequence) and _is_tables(value):
            yield f"{_render_key(name)} = ["
            yield from (f"  {_render_value(member)}," for member in value)
            yield "]"
        else:
            yield f"{_render_key(name)} = {_render_value(value)}"


def _render_value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _render_text(value)
        case int() | float() | date():
            return repr(value) if isinstance(value, float) else str(value)
        case Mapping():
            # TOML has no null: a member that is null means the same as one that is not there.
            members = [
                f"{_render_key(name)} = {_render_value(member)}" for name, member in value.items() if member is not None
            ]
            return f"{{{', '.join(members)}}}"
        case _:
            return f"[{', '.join(_render_value(member) for member in value if member is not None)}]"


def _render_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _render_text(name)


def _render_text(text: str) -> str:
    """Return a basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

"""Faults of the settings file in words: the place with the names of its tables, and what is expected there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

_MESSAGE = re.compile(r"(?P<fault>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>.*)`)?", re.DOTALL)
_BARE_KEY = re.compile(r"[\w-]+")
_STEP = re.compile(r"\.([\w-]+)|\[(\.\.\.|\d+)\]")


def explain_fault(error: msgspec.ValidationError, settings: type[msgspec.Struct], value: Any) -> str:
    """Return what is wrong with a value that cannot be converted to the settings."""
    message = _MESSAGE.fullmatch(str(error))
    assert message is not None
    kind: inspect.Type = inspect.type_info(settings)
    place = ""
    for name, index in _STEP.findall(message["path"] or ""):
        if name:
            kind = _find_field(kind, name)
            step, value = f".{name}", value.get(name) if isinstance(value, Mapping) else None
        else:
            kind = _find_member_type(kind)
            step, value = _find_member(value, index, kind)
        kind = _drop_none(kind)
        place += step
    if message["key"] and isinstance(kind, inspect.DictType):
        kind = kind.key_type
    where = f" - at `{place.removeprefix('.')}`" if place else ""
    expected = ", ".join(_list_choices(kind))
    return f"{message['fault']}{where}{f': expected {expected}' if expected else ''}"


def _find_field(kind: inspect.Type, name: str) -> inspect.Type:
    fields = kind.fields if isinstance(kind, inspect.StructType) else ()
    return next((field.type for field in fields if field.encode_name == name), inspect.AnyType())


def _find_member_type(kind: inspect.Type) -> inspect.Type:
    match kind:
        case inspect.DictType():
            return kind.value_type
        case inspect.CollectionType():
            return kind.item_type
        case _:
            return inspect.AnyType()


def _find_member(value: Any, index: str, kind: inspect.Type) -> tuple[str, Any]:
    """Return the step to a member, and the member: the wrong one of a table, whose names msgspec leaves out."""
    if isinstance(value, list) and index.isdecimal():
        return f"[{index}]", value[int(index)]
    if isinstance(value, Mapping) and isinstance(kind, inspect.StructType):
        for name, member in value.items():
            try:
                msgspec.convert(member, kind.cls)
            except msgspec.ValidationError:
                return f".{name}" if _BARE_KEY.fullmatch(name) else f'["{name}"]', member
    return f"[{index}]", None


def _drop_none(kind: inspect.Type) -> inspect.Type:
    if not isinstance(kind, inspect.UnionType):
        return kind
    return next((member for member in kind.types if not isinstance(member, inspect.NoneType)), kind)


def _list_choices(kind: inspect.Type) -> Iterator[str]:
    match kind:
        case inspect.EnumType():
            yield from (str(member.value) for member in kind.cls)
        case inspect.LiteralType():
            yield from map(str, kind.values)
        case inspect.StructType():
            yield from (field.encode_name for field in kind.fields)
        case inspect.DateType():
            yield "a day such as 2030-06-30, without quotes"

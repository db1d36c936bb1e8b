"""Values of settings: their conversion into the setting's type, and the sentence about one that is not allowed."""

import dataclasses
import enum
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from karapace_like.config.description import Setting, SettingsGroup, list_settings
from karapace_like.config.errors import Fault
from karapace_like.config.settings import Settings
from karapace_like.secret import Secret

_BOOLEANS = frozenset({"true", "false"})
_SHOWN = 120
"""Characters of a value that a message quotes at most."""


def describe_settings() -> list[Setting]:
    """Return the description of every setting, group by group."""
    groups = [base for base in Settings.__bases__ if issubclass(base, SettingsGroup)]
    return [setting for group in groups for setting in list_settings(group)]


TYPES: Mapping[str, Any] = {field.name: field.type for field in dataclasses.fields(Settings)}
"""Name -> type of every setting."""
SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in describe_settings()}
SECRETS = frozenset(setting.name for setting in SETTINGS.values() if setting.is_secret)


class Origin(NamedTuple):
    """Where a value comes from."""

    name: str
    """The name as it is spelled there: `KARAPACE_PORT`, `--port`, `port`."""
    place: str = ""
    """The file; empty for the environment and the command line, whose names say it."""

    def __str__(self) -> str:
        return f"{self.name} in {self.place}" if self.place else self.name


class ValueFaultError(Exception):
    """A value is not allowed; the fault says what is."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


def convert(name: str, value: Any, origin: Origin) -> Any:
    """Return the value of a setting in its type; raises ValueFaultError."""
    allowed = inspect.type_info(TYPES[name])
    try:
        converted = _convert(name, value)
    except (msgspec.DecodeError, ValueError) as error:
        sentence = f"{_assign(name, value, origin)} is not {_describe(allowed, name)}{_end_sentence(allowed, value)}"
        raise ValueFaultError(Fault((name,), sentence)) from error
    form = SETTINGS[name].form
    if form is not None and isinstance(converted, str):
        try:
            form.check(converted)
        except ValueError as error:
            sentence = f"{_assign(name, value, origin)} is not {form.allowed}: {error}."
            raise ValueFaultError(Fault((name,), sentence)) from error
    return converted


def _convert(name: str, value: Any) -> Any:
    if isinstance(value, str) and isinstance(SETTINGS[name].default, dict | tuple):
        return msgspec.json.decode(value, type=TYPES[name])  # where a source has only texts, lists and maps are JSON
    if isinstance(SETTINGS[name].default, enum.Enum):  # it may have these two and more choices
        if isinstance(value, bool):
            value = format_value(value)
        elif isinstance(value, str) and value.casefold() in _BOOLEANS:
            value = value.casefold()
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_text(name):
        value = str(value)
    return msgspec.convert(value, TYPES[name], strict=False, dec_hook=_convert_secret)


def _is_text(name: str) -> bool:
    default, example = SETTINGS[name].default, SETTINGS[name].example
    return isinstance(example if default is None else default, str)


def _convert_secret(wanted: type, value: Any) -> Any:
    if wanted is Secret:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise ValueError("not a text")
        return Secret(str(value))
    raise NotImplementedError(f"{wanted} cannot be read from a configuration")


def _assign(name: str, value: Any, origin: Origin) -> str:
    """Return the assignment for a message: `KARAPACE_PORT='80 81'`."""
    if name in SECRETS:
        shown = repr(Secret(""))
    else:
        shown = repr(value) if isinstance(value, str) else json.dumps(value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return f"{origin.name}={shown}" + (f" in {origin.place}" if origin.place else "")


def describe_type(name: str) -> str:
    """Return what is allowed for a setting: its form, its choices or its range."""
    form = SETTINGS[name].form
    return _describe(inspect.type_info(TYPES[name]), name) if form is None else form.allowed


def _describe(allowed: inspect.Type, name: str) -> str:
    """Return what is allowed, as in "is not ..."."""
    match allowed:
        case inspect.Metadata():
            return _describe(allowed.type, name)
        case inspect.UnionType():
            return _describe(next(member for member in allowed.types if not isinstance(member, inspect.NoneType)), name)
        case inspect.IntType():
            return _describe_number(allowed)
        case inspect.BoolType():
            return "true or false"
        case inspect.EnumType() | inspect.LiteralType():
            return f"one of {', '.join(_list_choices(allowed))}"
        case inspect.DictType() | inspect.VarTupleType():
            kind = "an object" if isinstance(allowed, inspect.DictType) else "an array"
            return f"{kind} in JSON, such as {SETTINGS[name].example}"
    return "a text"


def _describe_number(allowed: inspect.IntType) -> str:
    if allowed.ge is not None and allowed.le is not None:
        return f"a number from {allowed.ge} to {allowed.le}"
    return "a whole number" if allowed.ge is None else f"a whole number of {allowed.ge} or more"


def _list_choices(allowed: inspect.Type) -> list[str]:
    match allowed:
        case inspect.Metadata():
            return _list_choices(allowed.type)
        case inspect.UnionType():
            return [choice for member in allowed.types for choice in _list_choices(member)]
        case inspect.EnumType():
            return [str(member.value) for member in allowed.cls]
        case inspect.LiteralType():
            return [str(value) for value in allowed.values]
    return []


def _end_sentence(allowed: inspect.Type, value: Any) -> str:
    """Return the end of a sentence: the question after the choice that was probably meant, or a full stop."""
    choices = {choice.casefold(): choice for choice in _list_choices(allowed)}
    similar = get_close_matches(str(value).casefold(), choices, n=1)
    return f"; did you mean {choices[similar[0]]}?" if similar else "."


def format_value(value: Any) -> str:
    """Return a value as the environment would hold it; a secret is masked."""
    match value:
        case None:
            return "unset"
        case Secret():
            return "***"
        case bool():
            return str(value).lower()
        case enum.Enum():
            return str(value.value)
        case dict() | tuple():
            return json.dumps(value)
    return str(value)

"""Configurations of Karapace, Confluent Schema Registry and Confluent REST Proxy as settings of this service.

The tables of `conversion_tables.py` say what each name becomes; here files are read, and a table is applied.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from karapace_like.config.checks import find_contradictions
from karapace_like.config.conversion_tables import KARAPACE, REGISTRY, REST, Product
from karapace_like.config.errors import ConfigError
from karapace_like.config.settings import Settings
from karapace_like.config.values import Origin, ValueFaultError, convert
from karapace_like.secret import Secret

_MAX_BYTES = 1_048_576
_SEPARATOR = re.compile(r"(?<!\\)\s*[=:\s]\s*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(slots=True)
class Conversion:
    """What a configuration has become."""

    product: Product
    settings: dict[str, Any] = field(default_factory=dict)
    """Name -> value, as a configuration file of this service holds it."""
    unconverted: dict[str, str] = field(default_factory=dict)
    """Name in the configuration -> why it has no counterpart, or what has to be done by hand."""
    secrets: set[str] = field(default_factory=set)
    """Names of the settings that are never shown, such as passwords."""

    def leave_out_secrets(self) -> None:
        """Take the secrets out of the settings, to be set by hand."""
        for name in sorted(self.secrets):
            del self.settings[name]
            self.unconverted[name] = "it is a secret, which --secrets prints"


def convert_file(file: Path) -> Conversion:
    """Return the conversion of a configuration; raises ConfigError for what is none."""
    read = _read(file)
    conversion = Conversion(_find_product(file, read))
    product = conversion.product
    conversion.settings.update(product.defaults)
    for name, value in read.items():
        _convert(conversion, name, value, str(file))
    if "listeners" in read:
        for name in ("host", "port"):
            conversion.settings.pop(name, None)
    _check(conversion, str(file))
    return conversion


def _convert(conversion: Conversion, name: str, value: Any, source: str) -> None:
    row = conversion.product.find_row(name)
    if row is None:
        conversion.unconverted[name] = "it is unknown here; its name may be misspelt"
    elif isinstance(row, str):
        conversion.unconverted[name] = row
    else:
        try:
            conversion.settings.update(row(value))
        except ValueError as error:
            raise ConfigError(f"{name} (from {source}): {error}") from error


def _check(conversion: Conversion, source: str) -> None:
    """Give the values their types, and add what the settings lack together."""
    try:
        typed = {name: convert(name, value, Origin(name, source)) for name, value in conversion.settings.items()}
    except ValueFaultError as error:
        raise ConfigError(error.fault.sentence) from error
    conversion.secrets = {name for name, value in typed.items() if isinstance(value, Secret)}
    conversion.settings |= {name: value for name, value in typed.items() if isinstance(value, bool | int)}
    for fault in find_contradictions(Settings(**typed)):
        name, _, sentence = fault.sentence.partition(": ")
        conversion.unconverted[name] = f"to be set by hand: {sentence.removesuffix('.')}"


def _find_product(file: Path, read: Mapping[str, Any]) -> Product:
    if not _is_properties(file):
        return KARAPACE
    is_registry = any(name.startswith(REGISTRY.prefix) for name in read) or file.name == "schema-registry.properties"
    return REGISTRY if is_registry else REST


def _is_properties(file: Path) -> bool:
    return file.suffix == ".properties"


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{file} has more than {_MAX_BYTES} bytes: it is no configuration.")
        text = file.read_text(encoding="utf-8-sig")
        if _is_properties(file):
            return dict(_parse_properties(text))
        values = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"The configuration file {file} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f'{file} must hold one JSON object, such as {{"port": 8081}}, or be a .properties file.')
    return dict(_flatten(values))


def _flatten(values: Mapping[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values, those of the nested `telemetry` and `tags` by their joint names; null counts as unset."""
    for name, value in values.items():
        if isinstance(value, dict) and name in {"telemetry", "tags"} and not outer:
            yield from _flatten(value, f"{name}_")
        elif value is not None:
            yield outer + name, value


def _parse_properties(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of Java's properties: continued lines, comments and escapes; empty values are unset."""
    for line in map(str.strip, re.sub(r"\\\r?\n[ \t]*", "", text).splitlines()):
        if not line or line[0] in "#!":
            continue
        name, *rest = _SEPARATOR.split(line, maxsplit=1)
        value = _unescape(rest[0]) if rest else ""
        if value:
            yield _unescape(name), value


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code, character = match.groups()
        return chr(int(code, 16)) if code else _ESCAPED.get(character, character)

    return _ESCAPE.sub(replace, text)

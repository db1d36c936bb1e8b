"""Where settings come from, the later ones win: a JSON file, the environment, the command line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from karapace_like.config.checks import check
from karapace_like.config.errors import ConfigError
from karapace_like.config.settings import Settings
from karapace_like.secret import Secret

ENVIRONMENT_PREFIX = "KARAPACE_"
_JSON_SETTINGS = frozenset({"sasl_oauthbearer_method_roles", "sasl_oauthbearer_skip_auth_paths"})
"""Lists and maps: JSON where a source has only texts."""


def load(
    *, file: Path | None = None, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and the names in the file and the environment that mean nothing here; raises ConfigError."""
    merged: dict[str, Any] = {}
    unknown: list[str] = []
    for source, found in (
        (str(file), _from_file(file)),
        ("the environment", _from_environment(environment)),
        ("the command line", {name: value for name, value in (flags or {}).items() if value is not None}),
    ):
        for name, value in found.items():
            if name not in Settings.__struct_fields__:
                unknown.append(name)
            elif value is not None:
                merged[name] = _converted(name, value, source)
    settings = Settings(**merged)
    check(settings)
    return settings, tuple(unknown)


def _from_file(file: Path | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"The configuration file {file} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"The configuration file {file} must hold one JSON object")
    return found


def _from_environment(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Both `KARAPACE_REST` and `KARAPACE_KARAPACE_REST` are `karapace_rest`; an empty value is as none.

    Karapace writes settings that are inside of another with two underscores: `KARAPACE_TELEMETRY__OTEL_ENDPOINT_URL`.
    """
    found = {}
    for variable, value in environment.items():
        name = variable.lower()
        if not variable.upper().startswith(ENVIRONMENT_PREFIX) or value == "":
            continue
        inner = name[len(ENVIRONMENT_PREFIX) :].replace("__", "_")
        found[name if name in Settings.__struct_fields__ and inner not in Settings.__struct_fields__ else inner] = value
    return found


def _converted(name: str, value: Any, source: str) -> Any:
    try:
        if isinstance(value, str) and value[:1] in {"[", "{"} and name in _JSON_SETTINGS:
            return msgspec.json.decode(value, type=Settings.__annotations__[name])
        return msgspec.convert(value, Settings.__annotations__[name], strict=False, dec_hook=_secret)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{name} (from {source}): {error}") from error


def _secret(wanted: type, value: Any) -> Any:
    if wanted is Secret:
        return Secret(str(value))
    raise NotImplementedError(f"{wanted} cannot be read from a configuration")

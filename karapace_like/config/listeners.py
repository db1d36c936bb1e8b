"""The addresses to listen on, as the setting `listeners` writes them: `http://host:port?serves=data+operations`."""

from collections.abc import Callable, Mapping
from typing import Any

from karapace_like.config.choices import MAX_PORT, Listener
from karapace_like.config.errors import ConfigError
from karapace_like.web.http.api_roles import NAMED_ROLES, ApiRoles
from karapace_like.web.http.dialects import Dialect


def parse_listener(text: str, dialect: Dialect) -> Listener:
    """Return the address to listen on, with this dialect unless it names its own; raises ConfigError."""
    address, _, query = text.partition("?")
    scheme, separator, rest = address.partition("://")
    host, _, port = (rest if separator else address).rstrip("/").rpartition(":")
    if (separator and scheme.lower() not in {"http", "https"}) or not port.isdecimal() or int(port) > MAX_PORT:
        raise ConfigError(
            f"listeners: {text!r} is not an address. Write http://host:port or https://host:port, the port at most "
            f"{MAX_PORT}."
        )
    if not host.strip("[]"):
        raise ConfigError(
            f"listeners: {text!r} has no host. Write http://0.0.0.0:{port} for every interface, or "
            f"http://127.0.0.1:{port} for this machine only."
        )
    listener = Listener(host.strip("[]"), int(port), scheme.lower() == "https", dialect)
    return listener._replace(**_parse_query(text, query)) if query else listener


def _parse_query(text: str, query: str) -> dict[str, Any]:
    """Return the fields of the listener that the parameters set."""
    fields: dict[str, Any] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name not in _PARAMETERS:
            raise ConfigError(
                f"listeners: {text!r} has the unknown parameter {name!r}. Write ?serves=data or ?api_dialect=karapace "
                "behind the port, or both with & between them."
            )
        field, parse = _PARAMETERS[name]
        if field in fields:
            raise ConfigError(f"listeners: {text!r} has the parameter {name} twice: leave one of them.")
        fields[field] = parse(text, value)
    return fields


def _parse_roles(text: str, value: str) -> ApiRoles:
    names = value.split("+")
    unknown = [name for name in names if name not in NAMED_ROLES]
    if unknown:
        raise ConfigError(
            f"listeners: {text!r} serves {unknown[0]!r}, which is not one of {', '.join(NAMED_ROLES)}. Write "
            "?serves=data+operations for two of them."
        )
    return frozenset(role for name in names for role in NAMED_ROLES[name])


def _parse_dialect(text: str, value: str) -> Dialect:
    if value not in set(Dialect):
        raise ConfigError(
            f"listeners: {text!r} has the api_dialect {value!r}, which is not one of {', '.join(Dialect)}."
        )
    return Dialect(value)


_PARAMETERS: Mapping[str, tuple[str, Callable[[str, str], object]]] = {
    "serves": ("roles", _parse_roles),
    "api_dialect": ("dialect", _parse_dialect),
}
"""Name -> the field of the listener, and the function that returns it; raises ConfigError."""

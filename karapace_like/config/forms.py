"""Forms of texts in settings: what a text must look like beyond its type, and the sentence that says so."""

import logging
import re
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from karapace_like.access import certificates
from karapace_like.access.certificates import MappingRulesError
from karapace_like.config.choices import MAX_PORT
from karapace_like.process.logs import JSON_FORMAT

OVERRIDABLE = frozenset({"acks", "compression", "partitioner", "delivery_timeout_ms"})
"""Producer settings that `producer_overrides_allowed` may name."""


class Form(NamedTuple):
    """What is allowed, as in "is not ...", and a check that raises ValueError with the reason."""

    allowed: str
    check: Callable[[str], object]


def split_list(value: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated value without empty ones."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _check_url(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"}:
        raise ValueError("it does not begin with http:// or https://")
    if not parts.hostname:
        raise ValueError("it has no host")
    _ = parts.port  # raises ValueError


def _check_urls(value: str) -> None:
    for part in _require_parts(value):
        _check_url(part)


def _check_brokers(value: str) -> None:
    for part in _require_parts(value):
        host, separator, port = part.rpartition("://")[2].rpartition(":")
        if not separator:
            raise ValueError(f"{part!r} has no port")
        if not host:
            raise ValueError(f"{part!r} has no host")
        if not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
            raise ValueError(f"{port!r} is not a port from 1 to {MAX_PORT}")


def _require_parts(value: str) -> tuple[str, ...]:
    parts = split_list(value)
    if not parts:
        raise ValueError("it is empty")
    return parts


def _check_host(value: str) -> None:
    if not value:
        raise ValueError("it is empty; 0.0.0.0 means every interface")
    if re.search(r"[\s/,]", value):
        raise ValueError("it has a character that no host has; a list of URLs belongs in listeners")


def _check_regular_expression(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(str(error)) from error


def _check_log_format(value: str) -> None:
    if value == JSON_FORMAT:
        return
    record = logging.makeLogRecord({"request_id": "-"})
    try:
        logging.Formatter(value).format(record)
    except KeyError as error:
        raise ValueError(f"there is no field {error}") from error


def _check_mapping_rules(value: str) -> None:
    try:
        certificates.parse_rules(value)
    except MappingRulesError as error:
        raise ValueError(str(error)) from error


def _check_ciphers(value: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(value)
    except ssl.SSLError as error:
        raise ValueError("OpenSSL knows no such cipher suite") from error


def _check_overrides(value: str) -> None:
    unknown = sorted(set(split_list(value)) - OVERRIDABLE)
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)}")


def _check_origins(value: str) -> None:
    parts = _require_parts(value)
    if "*" in parts and len(parts) > 1:
        raise ValueError("* allows every origin; remove it or the others")
    for part in parts:
        if part != "*" and not _ORIGIN.fullmatch(part):
            raise ValueError(f"{part!r} is no origin: write scheme://host or scheme://host:port, without a path")


def _check_methods(value: str) -> None:
    unknown = sorted(set(_require_parts(value)) - _METHODS)
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)}")


def _check_header_names(value: str) -> None:
    for part in _require_parts(value):
        if not _TOKEN.fullmatch(part):
            raise ValueError(f"{part!r} is no name of a header")


_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Every method of the APIs."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
"""A token of HTTP (RFC 9110, 5.6.2)."""

HOST = Form("a host name or an address", _check_host)
URL = Form("an http or https URL", _check_url)
URLS = Form("a list of http or https URLs", _check_urls)
BROKERS = Form("a list of brokers as host:port,host:port", _check_brokers)
REGULAR_EXPRESSION = Form("a regular expression", _check_regular_expression)
LOG_FORMAT = Form("json or a format of Python's logging such as '%(asctime)s %(message)s'", _check_log_format)
MAPPING_RULES = Form("a list of mapping rules as RULE:pattern/replacement/ or DEFAULT", _check_mapping_rules)
CIPHERS = Form("a list of cipher suites in OpenSSL's notation", _check_ciphers)
ORIGINS = Form("* or a list of origins such as https://app.example.org", _check_origins)
HTTP_METHODS = Form(f"a list of {', '.join(sorted(_METHODS))}", _check_methods)
HEADER_NAMES = Form("a list of names of HTTP headers", _check_header_names)
OVERRIDES = Form(f"a list of {', '.join(sorted(OVERRIDABLE))}", _check_overrides)

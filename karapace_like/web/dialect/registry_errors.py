"""Errors of the registry as Karapace words them: clients compare codes and short sentences.

Source: observed answers of Karapace 6.2.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from karapace_like.web.dialect.differences import Exchange, Refusal, parse

_NOT_A_NAME = re.compile(
    r'(?:Namespace part ".*" is invalid: )?Illegal (?:initial character|character in): (.+)', re.DOTALL
)
_NO_SYMBOLS = re.compile(r"Enum has no symbols: (\{.*\})", re.DOTALL)
_NAME_PATTERN = r"(?:^|\.)[A-Za-z_][A-Za-z0-9_]*$"
_HTTP = re.compile(r"(HTTP \d{3} [A-Za-z ]+): .*", re.DOTALL)
_INVALID = re.compile(r"Invalid schema of type (AVRO|JSON|PROTOBUF), details: (.*)", re.DOTALL)
_UNDEFINED = re.compile(r'.*?(?:"([^"]+)" is not defined|Could not resolve type: (\S+) of field).*', re.DOTALL)
_NO_REFERENCE = "No schema reference found for subject"
_INCOMPATIBLE = re.compile(
    r"""\{errorType:["'](\w+)["'], description:["'](.*?)["'](?:, additionalInfo:["'](.*?)["'])?\}(?=, \{|\]|$)""",
    re.DOTALL,
)
_LEVEL = re.compile(r"compatibility: '(\w+)'\}\]?$")
_JAVA_TYPE = re.compile(r"(?<=type: )[A-Z]+")
_SHOWN = 300
"""Characters of the incompatibilities that an error shows."""
_LEVELS = (
    "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
    "forward_transitive, and full_transitive"
)
_CONSTANTS = {
    "JSON": "JSONSCHEMA",
}
"""Schema type -> its name in Karapace, where that differs."""


def shorten(_: Exchange, refusal: Refusal) -> Refusal:
    """Cut what explains a status after its name."""
    return refusal.replace_message(_HTTP, r"\1")


def word_version(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Name the version as the path does, and put a space after the full stop."""
    version = exchange.request.match_info.get("version")
    if refusal.code == 40402 and version is not None:
        return refusal._replace(message=f"Version {version} not found.")
    if refusal.code == 40406:
        return refusal._replace(message=refusal.message.replace("deleted.Set", "deleted. Set"))
    return refusal


def word_missing_schema(_: Exchange, refusal: Refusal) -> Refusal:
    """Leave the id out."""
    return refusal._replace(message="Schema not found") if refusal.code == 40403 else refusal


def word_conflict(_: Exchange, refusal: Refusal) -> Refusal:
    """Name the level, and list what is incompatible."""
    if refusal.code != 40901 or not isinstance(refusal.message, str):
        return refusal
    level = _LEVEL.search(refusal.message)
    reasons = ", ".join(list_incompatibilities([refusal.message]))[:_SHOWN]
    mode = level.group(1) if level else "NONE"
    return Refusal(409, 409, f"Incompatible schema, compatibility_mode={mode}. Incompatibilities: {reasons}")


def list_incompatibilities(messages: Sequence[str]) -> list[str]:
    """Return what a verbose answer says as Karapace does: an Avro schema's reader and writer, else the description."""
    return [
        _JAVA_TYPE.sub(lambda match: match.group().lower(), detail or description)
        for message in messages
        for _, description, detail in _INCOMPATIBLE.findall(message)
    ]


def word_invalid_schema(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Name the type first, and of a Protobuf schema or a missing reference only what was sent."""
    if refusal.code != 42201 or not isinstance(refusal.message, str):
        return refusal
    if refusal.message.startswith("Empty schema"):
        return refusal._replace(message="Empty schema")
    match = _INVALID.fullmatch(refusal.message)
    if match is None:
        return refusal
    schema_type, details = match.groups()
    undefined = _UNDEFINED.fullmatch(details) if schema_type == "PROTOBUF" else None
    if undefined is not None and _NO_REFERENCE not in details:
        details = f'type "{undefined.group(1) or undefined.group(2)}" is not defined'
    elif schema_type == "PROTOBUF" or _NO_REFERENCE in details:
        details = _quote_submission(exchange.document, schema_type)
    elif schema_type == "AVRO":
        details = _word_avro_fault(details)
    return refusal._replace(message=f"Invalid {schema_type} schema. Error: {details}")


def _word_avro_fault(details: str) -> str:
    if match := _NOT_A_NAME.fullmatch(details):
        return f"{match.group(1)} is not a valid Avro name because it does not match the pattern {_NAME_PATTERN}"
    if match := _NO_SYMBOLS.fullmatch(details):
        enum = parse(match.group(1).encode())  # None where the message shows a part of it only
        symbols = enum.get("symbols") if isinstance(enum, dict) else None
        return f"Enum symbols must be a sequence of strings, but it is {type(symbols)}"
    return details


def _quote_submission(document: Any, schema_type: str) -> str:
    sent: Mapping[str, Any] = document if isinstance(document, dict) else {}
    quoted = ", ".join(
        "{" + ", ".join(f"{name}={reference.get(name)!r}" for name in ("name", "subject", "version")) + "}"
        for reference in sent.get("references") or ()
    )
    name = _CONSTANTS.get(schema_type, schema_type)
    return (
        f"Invalid schema {sent.get('schema')} with refs {f'[{quoted}]' if quoted else None} of type SchemaType.{name}"
    )


def word_failed_look_up(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Name the subject only."""
    if refusal.code != 42201 or refusal.message == "Empty schema":
        return refusal
    subject = exchange.request.match_info["subject"]
    return refusal._replace(message=f"Error while looking up schema under subject {subject}")


def word_level(exchange: Exchange, refusal: Refusal) -> Refusal:
    """List the levels for the global config, and none for a subject's."""
    if refusal.code != 42203:
        return refusal
    return refusal._replace(
        message="Invalid compatibility level" if "subject" in exchange.request.match_info else _LEVELS
    )


def list_faults(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Show what is wrong with a body as Karapace's parser lists it."""
    if exchange.faults is not None:
        return Refusal(422, 422, exchange.faults)
    return refusal

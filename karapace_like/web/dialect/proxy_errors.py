"""Errors of the REST proxy as Karapace words them: clients compare codes and short sentences.

Source: observed answers of Karapace 6.2.
"""

import re
from typing import Any

from karapace_like.web.dialect.differences import Exchange, Refusal

_INVALID_DATA = 42205
_RETRIABLE = 50003
_TOO_LARGE = ("The record is larger than", "The request included a message larger than")
_TOO_LARGE_SENTENCE = (
    "The server has a configurable maximum message size to avoid unbounded memory allocation. This error is thrown if "
    "the client attempt to produce a message larger than this maximum."
)
_BAD_REQUEST = re.compile(r"Bad Request: (.*)", re.DOTALL)
_FORMAT = re.compile(r"application/vnd\.kafka\.(\w+)\.v2\+json")
_REGISTRATION = "Error when registering schema"
_UNDECODABLE = re.compile(r"Error deserializing (KEY|VALUE) for partition .*? at offset \d+\. [^.]*\. (.*)", re.DOTALL)


def word_missing(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Answer 40401 for a topic that is not there, and name what is missing."""
    request = exchange.request
    topic, partition = request.match_info.get("topic"), request.match_info.get("partition")
    if refusal.code == 40403:
        is_description = request.method == "GET" and "/partitions" not in request.path
        return Refusal(404, 40403 if is_description else 40401, f"Topic {topic} not found")
    if refusal.code == 40402 or (refusal.code == 404 and partition is not None):
        return refusal._replace(message=f"Partition {partition} not found")
    return refusal


def word_unfit_data(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Answer 42205 for data that does not fit its schema."""
    schema_format = _find_format(exchange)
    if schema_format is None or refusal.code != 400 or not isinstance(refusal.message, str):
        return refusal
    match = _BAD_REQUEST.fullmatch(refusal.message)
    if match is None:
        return refusal
    sentence = match.group(1) if schema_format == "JSON" else "Object does not fit to stored schema"
    return Refusal(422, _INVALID_DATA, sentence)


def word_unusable_schema(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Answer 42205 for a schema that is not valid here, and 40801 for one that the registry does not take."""
    schema_format = _find_format(exchange)
    if schema_format is None or not isinstance(refusal.message, str):
        return refusal
    if refusal.code == 42207 and _REGISTRATION in refusal.message:
        part, _ = _find_schema(exchange.document)
        topic = exchange.request.match_info.get("topic")
        return Refusal(408, 40801, f"{_REGISTRATION}.format = {schema_format}, subject = {topic}-{part}")
    if refusal.code == 42207 or (refusal.code == _INVALID_DATA and refusal.message.startswith("Invalid schema: ")):
        _, schema = _find_schema(exchange.document)
        return Refusal(422, _INVALID_DATA, f"Invalid schema. format = {schema_format}, {schema}")
    return refusal


def _find_format(exchange: Exchange) -> str | None:
    """Return the schema type of the request's records; None where they have none."""
    match = _FORMAT.match(exchange.request.headers.get("Content-Type", ""))
    return {"avro": "AVRO", "jsonschema": "JSON", "protobuf": "PROTOBUF"}.get(match.group(1)) if match else None


def _find_schema(document: Any) -> tuple[str, str]:
    """Return the part of the record that has a schema, and how an error shows it."""
    sent = document if isinstance(document, dict) else {}
    for part in ("key", "value"):
        for field, shown in ((f"{part}_schema_id", "schema_id"), (f"{part}_schema", "schema")):
            if field in sent:
                return part, f"{shown} = {sent[field]}"
    return "value", "schema = None"


def word_malformed_records(_: Exchange, refusal: Refusal) -> Refusal:
    """Say of a body with unknown fields, or without records, only that."""
    if refusal.code != 422 or not isinstance(refusal.message, str):
        return refusal
    if refusal.message.startswith(("Unrecognized field", "records must not be empty")):
        return refusal._replace(message="Invalid request format")
    return refusal


def word_consumer_config(_: Exchange, refusal: Refusal) -> Refusal:
    """Answer 42204 for every value of an instance that is not allowed."""
    if refusal.code == 40001 or (refusal.code == 422 and str(refusal.message).startswith("Invalid format type")):
        message = "Invalid format type" if refusal.code == 422 else refusal.message
        return Refusal(422, 42204, message)
    return refusal


def word_undecodable(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Answer 422 for a record that cannot be decoded."""
    if refusal.code != 40801 or not isinstance(refusal.message, str):
        return refusal
    match = _UNDECODABLE.match(refusal.message)
    accepted = _FORMAT.match(exchange.request.headers.get("Accept", ""))
    part, reason = match.groups() if match else ("VALUE", refusal.message)
    form = accepted.group(1) if accepted else "binary"
    return Refusal(422, 422, f"{part.lower()} deserialization error for format {form}: {reason}")


def render_result(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of one record: its place, or 2 for a failure that a retry may mend and 1 for another."""
    if str(result.get("error")).startswith(_TOO_LARGE):
        return {"error_code": 1, "error": _TOO_LARGE_SENTENCE}
    if result.get("error_code") is None:
        return {"offset": result["offset"], "partition": result["partition"]}
    return {"error_code": 2 if result["error_code"] == _RETRIABLE else 1, "error": result["error"]}

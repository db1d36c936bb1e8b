"""Parse one record of a v3 produce request: JSON text -> RecordRequest, or the error that is the record's result.

A typed decoder parses nearly all records. A record that it rejects is parsed again, slowly, by code that converts
scalars as Confluent REST Proxy does, or explains the fault.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.errors import describe_unknown_field
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.json_faults import find_faults
from karapace_like.proxy.v3.records import DataType, RecordData, RecordHeader, RecordRequest
from karapace_like.web.http import bodies
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.requests import schema_text

_decoder = msgspec.json.Decoder(RecordRequest)
_fields_of = msgspec.json.Decoder(dict[str, msgspec.Raw])


class MalformedJsonError(ApiError):
    """The text is malformed JSON: neither the record nor the rest of the stream can be parsed."""

    def __init__(self, text: bytes) -> None:
        messages = find_faults(text)
        self.ending = errors.broken_stream(messages[-1])
        """The error that ends the stream."""
        self.has_two_faults = len(messages) > 1
        super().__init__(400, messages[0])


def parse(text: bytes) -> RecordRequest | ApiError:
    """Parse one record; raise MalformedJsonError."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        return _explain(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJsonError(text) from error
    except RecursionError:
        return errors.malformed_request("The record has too many levels of nesting")


def _explain(text: bytes) -> RecordRequest | ApiError:
    """Return the record with its scalars converted, or the error that explains the fault; raise MalformedJsonError."""
    try:
        value = msgspec.json.decode(text)
        if not isinstance(value, dict):
            return _make_not_an_object_error("A record", value)
        return record_from_object(value, _fields_of.decode(text))
    except ApiError as error:
        return error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJsonError(text) from error
    except RecursionError:
        return errors.malformed_request("The record has too many levels of nesting")


def record_from_object(value: dict[str, Any], raw: dict[str, msgspec.Raw]) -> RecordRequest:
    """Return the record in a JSON object, whose fields are texts in `raw`; raise ApiError."""
    _check_fields(value, RecordRequest.__struct_fields__, "a record")
    json_object = JsonObject(value, "record")
    partition = json_object.integer("partition_id")
    if partition is not None and partition < 0:
        raise errors.malformed_request(f"partition_id {partition} is negative; expected 0 or more")
    return RecordRequest(
        partition_id=partition,
        headers=tuple(_parse_header(header) for header in json_object.objects("headers", "header") or ()),
        key=_parse_data("key", value.get("key"), raw.get("key")),
        value=_parse_data("value", value.get("value"), raw.get("value")),
        timestamp=_parse_timestamp(value.get("timestamp")),
    )


def _parse_data(part: str, value: Any, raw: msgspec.Raw | None) -> RecordData | None:
    if value is None or raw is None:
        return None
    if not isinstance(value, dict):
        raise _make_not_an_object_error(part, value)
    _check_fields(value, RecordData.__struct_fields__, part)
    json_object = JsonObject(value, part)
    return RecordData(
        type=None if value.get("type") is None else _parse_data_type(json_object),
        subject=json_object.string("subject"),
        subject_name_strategy=_parse_strategy(json_object),
        schema_id=json_object.integer("schema_id"),
        schema_version=json_object.integer("schema_version"),
        schema=schema_text(json_object, "schema"),
        data=_fields_of.decode(raw).get("data", ABSENT),
    )


def _parse_data_type(json_object: JsonObject) -> DataType:
    spelled = json_object.string("type")
    if spelled not in set(DataType):
        raise errors.unknown_choice("type", spelled or "", DataType)
    return DataType(spelled)


def _parse_strategy(json_object: JsonObject) -> SubjectNameStrategy | None:
    spelled = json_object.string("subject_name_strategy")
    if spelled is None:
        return None
    if spelled not in set(SubjectNameStrategy):
        raise errors.unknown_choice("subject_name_strategy", spelled, SubjectNameStrategy)
    return SubjectNameStrategy(spelled)


def _parse_header(json_object: JsonObject) -> RecordHeader:
    _check_fields(json_object, RecordHeader.__struct_fields__, "a header")
    name = json_object.string("name")
    if name is None:
        raise errors.missing_field("name", "each header")
    try:
        return msgspec.convert({"name": name, "value": json_object.string("value")}, RecordHeader)
    except msgspec.ValidationError as error:
        raise errors.malformed_request(
            f"Record header value contains invalid base64 encoding: the value of header {name!r} must be base64"
        ) from error


def _parse_timestamp(value: Any) -> Any:
    try:
        return msgspec.convert(value, RecordRequest.__annotations__["timestamp"])
    except msgspec.ValidationError as error:
        raise errors.malformed_request(
            f"timestamp {bodies.show(value)} is not a point in time; expected ISO 8601, such as 2026-01-01T00:00:00Z, "
            "or milliseconds since the epoch"
        ) from error


def _check_fields(names: Iterable[str], fields: Iterable[str], place: str) -> None:
    for name in names:
        if name not in fields:
            raise errors.malformed_request(f"{describe_unknown_field(name, fields)} in {place}")


def _make_not_an_object_error(place: str, value: Any) -> ApiError:
    return errors.malformed_request(f"{place} must be a JSON object (was {bodies.show(value)})")

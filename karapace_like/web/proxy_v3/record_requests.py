"""Reading one record of a v3 produce request: JSON text -> RecordRequest, or the error that is this record's result.

Nearly all records take the quick way. What it refuses is looked at again, slowly, by code that knows why; the
messages are those that clients of the reference proxy know.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.json_faults import faults
from karapace_like.proxy.v3.records import DataType, RecordData, RecordHeader, RecordRequest
from karapace_like.web.bodies import JsonObject

_ENTITIES = "io.confluent.kafkarest.entities"
_REQUEST = f"{_ENTITIES}.v3.ProduceRequest$Builder"
_DATA = f"{_ENTITIES}.v3.ProduceRequest$ProduceRequestData"
_decoder = msgspec.json.Decoder(RecordRequest)
_fields_of = msgspec.json.Decoder(dict[str, msgspec.Raw])

_KNOWN = {
    "AutoValue_ProduceRequest$Builder": ("value", "originalSize", "partitionId", "headers", "key", "timestamp"),
    "AutoValue_ProduceRequest_ProduceRequestData": (
        "schema",
        "subject_name_strategy",
        "schema_id",
        "type",
        "subject",
        "schema_version",
        "data",
    ),
    "AutoValue_ProduceRequest_ProduceRequestHeader": ("name", "value"),
}
"""What the reference says of a field that it does not know: its class, and the fields that it does know."""


class MalformedJsonError(ApiError):
    """The text is no JSON: the record has no meaning, and neither has what comes after it in a stream."""

    def __init__(self, text: bytes) -> None:
        found = faults(text)
        self.ending = errors.broken_stream(found[-1])
        """What tells that the stream ends here."""
        self.is_told_twice = len(found) > 1
        super().__init__(400, found[0])


def parsed(text: bytes) -> RecordRequest | ApiError:
    """One record; raises MalformedJsonError."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        return _explained(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJsonError(text) from error
    except RecursionError:
        return errors.malformed("The record is nested too deeply")


def _explained(text: bytes) -> RecordRequest | ApiError:
    """The request, its scalars converted as the reference does it, or what is wrong with it; MalformedJsonError."""
    try:
        value = msgspec.json.decode(text)
        if not isinstance(value, dict):
            return errors.malformed(_no_object(_REQUEST, value))
        return request_of(value, _fields_of.decode(text))
    except ApiError as error:
        return error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJsonError(text) from error
    except RecursionError:
        return errors.malformed("The record is nested too deeply")


def request_of(value: dict[str, Any], raw: dict[str, msgspec.Raw]) -> RecordRequest:
    """The record in a JSON object, `raw` being its fields as text; raises ApiError."""
    _check_fields(value, RecordRequest.__struct_fields__, "AutoValue_ProduceRequest$Builder")
    found = JsonObject(value, _REQUEST)
    partition = found.integer("partition_id")
    if partition is not None and partition < 0:
        raise errors.malformed("Cannot construct instance of `ProduceRequest`, problem: negative partition_id")
    return RecordRequest(
        partition_id=partition,
        headers=tuple(_header(each) for each in found.objects("headers", "ProduceRequestHeader") or ()),
        key=_data(value.get("key"), raw.get("key")),
        value=_data(value.get("value"), raw.get("value")),
        timestamp=_timestamp(value.get("timestamp")),
    )


def _data(value: Any, raw: msgspec.Raw | None) -> RecordData | None:
    if value is None or raw is None:
        return None
    if not isinstance(value, dict):
        raise errors.malformed(_no_object(_DATA, value))
    _check_fields(value, RecordData.__struct_fields__, "AutoValue_ProduceRequest_ProduceRequestData")
    found = JsonObject(value, _DATA)
    return RecordData(
        type=None if value.get("type") is None else _data_type(found),
        subject=found.string("subject"),
        subject_name_strategy=_strategy(found),
        schema_id=found.integer("schema_id"),
        schema_version=found.integer("schema_version"),
        schema=found.string("schema"),
        data=_fields_of.decode(raw).get("data", ABSENT),
    )


def _data_type(found: JsonObject) -> DataType:
    spelled = found.string("type")
    if spelled not in set(DataType):
        raise errors.malformed(_no_member(f"{_ENTITIES}.EmbeddedFormat", spelled, _FORMATS))
    return DataType(spelled)


def _strategy(found: JsonObject) -> SubjectNameStrategy | None:
    spelled = found.string("subject_name_strategy")
    if spelled is None:
        return None
    if spelled not in set(SubjectNameStrategy):
        raise errors.malformed(_no_member(f"{_ENTITIES}.EnumSubjectNameStrategy", spelled, SubjectNameStrategy))
    return SubjectNameStrategy(spelled)


_FORMATS = ("BINARY", "AVRO", "JSON", "JSONSCHEMA", "PROTOBUF", "STRING")


def _header(found: JsonObject) -> RecordHeader:
    _check_fields(found, RecordHeader.__struct_fields__, "AutoValue_ProduceRequest_ProduceRequestHeader")
    name = found.string("name")
    if name is None:
        raise errors.malformed("Cannot construct instance of `ProduceRequestHeader`, problem: Null name")
    try:
        return msgspec.convert({"name": name, "value": found.string("value")}, RecordHeader)
    except msgspec.ValidationError as error:
        raise errors.malformed("Record header value contains invalid base64 encoding") from error


def _timestamp(value: Any) -> Any:
    try:
        return msgspec.convert(value, RecordRequest.__annotations__["timestamp"])
    except msgspec.ValidationError as error:
        raise errors.malformed(
            f"Cannot deserialize value of type `java.time.Instant` from {msgspec.json.encode(value).decode()}"
        ) from error


def _check_fields(found: Iterable[str], fields: Iterable[str], owner: str) -> None:
    for name in found:
        if name not in fields:
            known = ", ".join(f'"{each}"' for each in _KNOWN[owner])
            raise errors.malformed(
                f'Unrecognized field "{name}" (class {_ENTITIES}.v3.{owner}), '
                f"not marked as ignorable ({len(_KNOWN[owner])} known properties: {known})"
            )


def _no_member(owner: str, spelled: str | None, members: Iterable[str]) -> str:
    return (
        f'Cannot deserialize value of type `{owner}` from String "{spelled}": '
        f"not one of the values accepted for Enum class: [{', '.join(members)}]"
    )


def _no_object(wanted: str, value: Any) -> str:
    """What the reference says of another value where it wants an object."""
    if isinstance(value, list):
        return f"Cannot deserialize value of type `{wanted}` from Array value (token `JsonToken.START_ARRAY`)"
    if isinstance(value, str):
        kind, shown = "String", f"String value ('{value}')"
    elif isinstance(value, bool):
        kind, shown = "boolean/Boolean", f"boolean value ({str(value).lower()})"
    elif isinstance(value, int):
        kind, shown = "int/Int", f"Number value ({value})"
    elif isinstance(value, float):
        kind, shown = "double/Double", f"Number value ({value})"
    else:
        return f"Cannot construct instance of `{wanted}` from null"
    return (
        f"Cannot construct instance of `{wanted}` (although at least one Creator exists): "
        f"no {kind}-argument constructor/factory method to deserialize from {shown}"
    )

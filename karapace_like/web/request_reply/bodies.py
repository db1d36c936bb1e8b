"""Parse the bodies of requests and replies: one record, as a produce request would have it, and fields beside it."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.proxy import errors
from karapace_like.proxy.formats import AUTO
from karapace_like.proxy.produce import ProduceRequest
from karapace_like.proxy.reading import RecordFormats
from karapace_like.proxy.request_reply.correlation import OWN_HEADERS
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, Undecodable
from karapace_like.web.http import bodies
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.produce import parse_produce_request
from karapace_like.web.proxy.requests import check_fields, optional_read_format

_PRODUCE_FIELDS = tuple(field for field in ProduceRequest.__struct_fields__ if field != "records")
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
REPLY_FORMATS = ("reply_format", "reply_key_format", "reply_value_format")


class RecordBody(NamedTuple):
    """A body with one record."""

    produce: ProduceRequest
    fields: JsonObject
    """The others."""


def parse_record_body(text: bytes, name: str, fields: Collection[str], example: str) -> RecordBody:
    """Return the record, with how it is encoded, and the other `fields` of the body; `name` is that of its type.

    Raises ApiError: 400 for malformed JSON and wrong types, 422 for missing, unknown or invalid fields.
    """
    value = bodies.decode(text)
    if value is None:
        raise errors.ProxyError(422, f"The request has no body; expected JSON such as {example}")
    body = JsonObject.of(value, name)
    check_fields(body, ("record", *fields, *_PRODUCE_FIELDS))
    record = body.object("record", "ProduceRecord")
    if record is None:
        raise errors.violation("record", f"must be there; expected JSON such as {example}", "null")
    try:
        raws = _raw_fields.decode(bodies.recode_as_utf8(text))
    except NOT_JSON as error:
        raise errors.bad_request(f"Malformed JSON: {error}") from error
    produced: dict[str, object] = {field: raws[field] for field in _PRODUCE_FIELDS if field in raws}
    parsed = parse_produce_request(msgspec.json.encode(produced | {"records": [raws["record"]]}))
    for header in parsed.records[0].headers or ():
        if header.key in OWN_HEADERS:
            raise errors.violation("record.headers", "must not have a header that this call sets itself", header.key)
    return RecordBody(parsed, body)


def parse_milliseconds(body: JsonObject, field: str, default: int) -> int:
    """Return a time of the body, in milliseconds; 422 for one that is too long or negative."""
    number = body.integer(field, low=-(2**63), high=2**63)
    if number is None:
        return default
    if not 0 <= number <= MAX_TIMEOUT_MS:
        raise errors.violation(field, f"must be from 0 to {MAX_TIMEOUT_MS}", str(number))
    return number


def choose_reply_formats(both: str | None, key: str | None, value: str | None) -> RecordFormats:
    """Return the formats in which a reply is answered: recognised, unless they are named; 422 for an unknown one."""
    of_both, of_key, of_value = REPLY_FORMATS
    default = optional_read_format(of_both, both) or AUTO
    return RecordFormats(
        key=optional_read_format(of_key, key) or default,
        value=optional_read_format(of_value, value) or default,
        undecodable=Undecodable.REPORT,
    )

"""The messages of WebSocket connections, as JSON texts: what clients send, and what they get."""

from typing import NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.proxy import bounds, errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import AUTO
from karapace_like.proxy.push.subscriptions import Wanted
from karapace_like.proxy.reading import RecordFormats, Start
from karapace_like.proxy.settings import Undecodable
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.objects import RecordResult
from karapace_like.web.proxy.requests import MAX_NAME, check_fields, check_name, optional_read_format

KINDS = ("subscribe", "credit", "ack", "produce")
MAX_CREDIT = 1_000_000
_MAX_ID = 100
"""Characters of the id of a produce message."""
_SUBSCRIBE = ("from", "timestamp", "resume", "group", "credit", "format", "key_format", "value_format")
_STARTS = {"earliest": False, "latest": True}
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder()


class Message(NamedTuple):
    """One message of a client."""

    kind: str
    value: msgspec.Raw


def parse_message(text: str) -> Message:
    """Return the message; raise ApiError for any other text."""
    try:
        fields = _raw.decode(text)
    except NOT_JSON as error:
        raise errors.bad_request(f"Malformed JSON: {error}") from error
    if len(fields) != 1 or next(iter(fields)) not in KINDS:
        named = errors.cut(", ".join(fields)) or "empty"
        raise ProxyError(422, f"A message is an object with one of the fields {', '.join(KINDS)} (was {named})")
    return Message(*fields.popitem())


class Subscribe(NamedTuple):
    """The message `subscribe`."""

    wanted: Wanted
    credit: int


def parse_subscribe(topic: str, value: msgspec.Raw) -> Subscribe:
    """Return the subscription that is asked for; raise ApiError (400, 422)."""
    body = JsonObject.of(msgspec.json.decode(value), "subscribe")
    check_fields(body, _SUBSCRIBE)
    group = body.string("group")
    if group is not None:
        check_name("group", group, MAX_NAME)
    both = optional_read_format("format", body.string("format")) or AUTO
    formats = RecordFormats(
        key=optional_read_format("key_format", body.string("key_format")) or both,
        value=optional_read_format("value_format", body.string("value_format")) or both,
        undecodable=Undecodable.REPORT,
    )
    credit = body.integer("credit")
    return Subscribe(
        Wanted(topic, _parse_start(body), group, formats), 0 if credit is None else check_credit("credit", credit)
    )


def _parse_start(body: JsonObject) -> Start:
    start, resume = body.string("from") or "latest", body.string("resume")
    if start not in _STARTS:
        raise errors.violation("from", "must be earliest or latest", start)
    time = body.integer("timestamp", low=-(2**63), high=2**63)
    if time is not None and not 0 <= time <= bounds.MAX_LONG:
        raise errors.violation("timestamp", "must be milliseconds since the epoch", str(time))
    return Start(at_end=_STARTS[start], time=time, positions=None if resume is None else parse_id("resume", resume))


def parse_id(field: str, text: str) -> dict[int, int]:
    """Return partition -> next offset from the id of a record; 422 for another text."""
    try:
        return bounds.parse_positions(text)
    except ValueError as error:
        raise errors.violation(field, "must be the id of a record, such as 0:42,1:7", text) from error


def parse_acknowledged_positions(value: msgspec.Raw) -> dict[int, int]:
    """Return what the message `ack` acknowledges."""
    text = JsonObject({"ack": msgspec.json.decode(value)}, "ack").string("ack")
    return parse_id("ack", text or "")


def parse_credit(value: msgspec.Raw) -> int:
    """Return the records that the message `credit` allows to be sent."""
    number = JsonObject({"credit": msgspec.json.decode(value)}, "credit").integer("credit")
    return check_credit("credit", -1 if number is None else number)


def check_credit(field: str, number: int) -> int:
    """Return the number; 422 for one that is negative or too large."""
    if not 0 <= number <= MAX_CREDIT:
        raise errors.violation(field, f"must be from 0 to {MAX_CREDIT}", str(number))
    return number


def split_produce(value: msgspec.Raw) -> tuple[str | None, bytes]:
    """Return (id, body of a produce request) of the message `produce`; raise ApiError."""
    try:
        fields = _raw.decode(value)
    except NOT_JSON as error:
        raise errors.bad_request(f"produce must be a JSON object: {error}") from error
    raw = fields.pop("id", None)
    name = None if raw is None else JsonObject({"id": msgspec.json.decode(raw)}, "produce").string("id")
    if name is not None and len(name) > _MAX_ID:
        raise errors.violation("id", f"must have at most {_MAX_ID} characters", name)
    return name, msgspec.json.encode(fields)


def render_error(error: ApiError, name: str | None = None) -> str:
    """Return the message about an error; `name` is the id of the message that is refused."""
    described: dict[str, object] = {"error_code": error.code, "message": error.message}
    return render({"error": described if name is None else {"id": name, **described}})


def render_produced_records(name: str | None, offsets: list[RecordResult]) -> str:
    """Return the message about produced records."""
    described: dict[str, object] = {"offsets": offsets}
    return render({"produced": described if name is None else {"id": name, **described}})


def render(value: object) -> str:
    """Return a message as text."""
    return _encoder.encode(value).decode()

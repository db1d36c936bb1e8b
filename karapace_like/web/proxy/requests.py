"""Reading what proxy requests say: path, query and body -> the proxy room's types."""

import hashlib
from collections.abc import Collection, Mapping

from aiohttp import web

from karapace_like.proxy import errors
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import Undecodable
from karapace_like.records import MAX_PARTITION, TopicPartition
from karapace_like.web import bodies, media_types
from karapace_like.web.access import caller
from karapace_like.web.bodies import JsonObject

PROXY = web.AppKey("proxy", Proxy)
PROXY_OF_CALLER = web.RequestKey("proxy_of_caller", Proxy)
"""Where callers are somebody in Kafka."""

EMBEDDED = {f"application/vnd.kafka.{each}.v2+json": each for each in EmbeddedFormat}
"""Media type -> embedded format."""
_TAKEN = frozenset({media_types.KAFKA_V2, *EMBEDDED})
"""What requests about consumers may be written in; no Content-Type at all counts as JSON."""
_MAX_LONG = 2**63 - 1


def proxy(request: web.Request) -> Proxy:
    """The proxy of the application, or of the caller."""
    found = request.get(PROXY_OF_CALLER)
    return request.app[PROXY] if found is None else found


def user(request: web.Request) -> str | None:
    """Whose the request is: who has proved it, or else whoever has these credentials; None if there are none."""
    found = caller(request)
    if found is not None:
        return found.principal.name
    credentials = request.headers.get("Authorization")
    return None if credentials is None else hashlib.sha256(credentials.encode()).hexdigest()


def number(text: str, *, bits: int) -> int:
    """A number of the path or query; as in the reference, 404 for what is none or too large."""
    try:
        found = int(text)
    except ValueError as error:
        raise errors.no_such_path() from error
    if not -(2 ** (bits - 1)) <= found < 2 ** (bits - 1):
        raise errors.no_such_path()
    return found


def partition(request: web.Request) -> TopicPartition:
    """The partition of the path; 40402 for a number that no partition has."""
    found = number(request.match_info["partition"], bits=32)
    if found < 0:
        raise errors.partition_not_found()
    return TopicPartition(request.match_info["topic"], found)


def embedded_format(spelled: str) -> EmbeddedFormat:
    """The format of this name, in any case; 422 if there is none."""
    try:
        return EmbeddedFormat(spelled.lower())
    except ValueError as error:
        raise errors.invalid_format() from error


def undecodable(request: web.Request) -> Undecodable | None:
    """What the query says of records that cannot be decoded; 422 for another word."""
    spelled = request.query.get("undecodable")
    return None if spelled is None else undecodable_named(spelled)


def undecodable_named(spelled: str) -> Undecodable:
    """The choice of this name; 422 if there is none."""
    try:
        return Undecodable(spelled)
    except ValueError as error:
        raise errors.violation("undecodable", "must be refuse or report", spelled) from error


def positive(request: web.Request, name: str) -> int | None:
    """A number of the query; None if it is absent or not above zero."""
    found = number(request.query.get(name, "0"), bits=64)
    return found if found > 0 else None


def not_negative(request: web.Request, name: str) -> int | None:
    """A number of the query, None if it is absent; 422 for one below zero."""
    if name not in request.query:
        return None
    found = number(request.query[name], bits=64)
    if found < 0:
        raise errors.violation(name, "must be greater than or equal to 0", str(found))
    return found


def spelled_positions(positions: Mapping[int, int]) -> str:
    """Where reading goes on, partition by partition, as a text that clients hand back."""
    return ",".join(f"{number}:{offset}" for number, offset in sorted(positions.items()))


def positions(spelled: str) -> dict[int, int]:
    """What such a text says; raises ValueError for another one."""
    pairs = [each.split(":") for each in spelled.split(",")]
    return {int(number): int(offset) for number, offset in pairs}


async def body(request: web.Request, name: str, fields: Collection[str]) -> JsonObject | None:
    """The body, None if there is none; 415 for another media type, 422 for a field that is not among `fields`."""
    content_type = request.headers.get("Content-Type")
    if content_type is not None and media_types.essence(content_type) not in _TAKEN:
        raise errors.unsupported_media_type()
    found = await bodies.read_object(request, name)
    if found is not None:
        check_fields(found, fields)
    return found


async def needed_body(request: web.Request, name: str, fields: Collection[str], place: str) -> JsonObject:
    """The body; 422 if there is none. `place` is what the reference calls it there."""
    found = await body(request, name, fields)
    if found is None:
        raise errors.violation(place, "must not be null", "null")
    return found


def check_fields(found: JsonObject, fields: Collection[str]) -> None:
    """422 for a field that is not among these."""
    for field in found:
        if field not in fields:
            raise errors.unknown_field(field)


def topic_partition(found: JsonObject, place: str) -> TopicPartition:
    """The partition that an object names; the first one if it gives only the topic."""
    topic = found.string("topic")
    if not topic:
        raise errors.violation(f"{place}.topic", "must not be empty", "null" if topic is None else topic)
    partition_number = found.integer("partition") or 0
    if not 0 <= partition_number <= MAX_PARTITION:
        raise errors.violation(f"{place}.partition", "must be greater than or equal to 0", str(partition_number))
    return TopicPartition(topic, partition_number)


def topic_partitions(found: JsonObject, place: str) -> list[TopicPartition]:
    """The partitions that a body lists; 422 if it has no list."""
    listed = found.objects("partitions", "TopicPartition")
    if listed is None:
        raise errors.violation(f"{place}.partitions", "must not be null", "null")
    partitions = []
    for at, each in enumerate(listed):
        check_fields(each, ("topic", "partition"))
        partitions.append(topic_partition(each, f"{place}.partitions[{at}]"))
    return partitions


def offset(found: JsonObject, place: str) -> int:
    """The offset that an object names; the first one if it gives none."""
    found_offset = found.integer("offset", low=-_MAX_LONG, high=_MAX_LONG) or 0
    if found_offset < 0:
        raise errors.violation(f"{place}.offset", "must be greater than or equal to 0", str(found_offset))
    return found_offset

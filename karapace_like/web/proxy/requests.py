"""Parse proxy requests: path, query and body into the types of the proxy room."""

import hashlib
from collections.abc import Collection, Mapping

from aiohttp import web

from karapace_like.proxy import bounds, errors
from karapace_like.proxy.consumers import InstanceUser
from karapace_like.proxy.formats import AUTO, EmbeddedFormat, ReadFormat
from karapace_like.proxy.migrations import ReaderVersion
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import Undecodable
from karapace_like.records import MAX_PARTITION, Isolation, TopicPartition
from karapace_like.serde.codec import JsonReading
from karapace_like.web.callers.access import caller
from karapace_like.web.callers.credential_checks import find_network
from karapace_like.web.http import bodies, media_types
from karapace_like.web.http.bodies import JsonObject

PROXY = web.AppKey("proxy", Proxy)
PROXY_OF_CALLER = web.RequestKey("proxy_of_caller", Proxy)
"""Set where callers have an identity in Kafka."""
KAFKA_USER = web.RequestKey("kafka_user", str)
"""Names that identity, also after its token was renewed; set with `PROXY_OF_CALLER` unless a token has no subject."""

EMBEDDED = {f"application/vnd.kafka.{embedded}.v2+json": embedded for embedded in EmbeddedFormat}
"""Media type -> embedded format."""
_TAKEN = frozenset({media_types.KAFKA_V2, *EMBEDDED})
"""The media types of requests about consumers; no Content-Type counts as JSON."""
_MAX_PROPERTIES = 20
MAX_LONG = bounds.MAX_LONG
MAX_NAME = 255
"""Characters of the name of a group or an instance: this service's limit, Kafka's is 32,767 bytes."""
MAX_METADATA = 4_096
"""Characters of an offset's metadata (Kafka's default of offset.metadata.max.bytes)."""


def proxy(request: web.Request) -> Proxy:
    """Return the proxy of the caller if there is one, else that of the application."""
    proxy_of_caller = request.get(PROXY_OF_CALLER)
    return request.app[PROXY] if proxy_of_caller is None else proxy_of_caller


def user(request: web.Request) -> str | None:
    """Return the identity of the authenticated caller, else a hash of the credentials; None without credentials."""
    authenticated = caller(request)
    if authenticated.is_authenticated:
        return authenticated.principal.key
    credentials = request.headers.get("Authorization")
    return None if credentials is None else hashlib.sha256(credentials.encode("utf-8", "surrogateescape")).hexdigest()


def instance_user(request: web.Request) -> InstanceUser:
    """Return the caller as a user of consumer instances; without access control, their address is counted."""
    name = user(request)
    is_proved = caller(request).is_authenticated or PROXY_OF_CALLER in request
    if name is not None and is_proved:
        return InstanceUser(name, name)
    return InstanceUser(name, f"address:{find_network(request.transport)}")


def partition(request: web.Request) -> TopicPartition:
    """Return the partition of the path; 40402 for a negative number."""
    at = bounds.parse_partition(request.match_info["topic"], request.match_info["partition"])
    if at.partition < 0:
        raise errors.partition_not_found_error(at.partition, at.topic)
    return at


def embedded_format(field: str, spelling: str) -> EmbeddedFormat:
    """Return the format of this name, in any case; raise ProxyError (422), which names the field, if there is none."""
    try:
        return EmbeddedFormat(spelling.lower())
    except ValueError as error:
        raise errors.invalid_format(field, spelling, EmbeddedFormat) from error


def optional_format(field: str, spelling: str | None) -> EmbeddedFormat | None:
    """Return the format of this name; None where it is not given."""
    return None if spelling is None else embedded_format(field, spelling)


def optional_read_format(field: str, spelling: str | None) -> ReadFormat | None:
    """Return the format of this name for reading, which may be `auto`; None where it is not given."""
    if spelling is not None and spelling.lower() == AUTO:
        return AUTO
    try:
        return None if spelling is None else EmbeddedFormat(spelling.lower())
    except ValueError as error:
        raise errors.invalid_format(field, spelling or "", (*EmbeddedFormat, AUTO)) from error


def parse_isolation(place: str, spelled: str | None) -> Isolation:
    """Return which records are read, committed ones if none is named; 422 for an unknown word."""
    if spelled is None:
        return Isolation.READ_COMMITTED
    try:
        return Isolation(spelled)
    except ValueError as error:
        raise errors.violation(place, f"must be {' or '.join(Isolation)}", spelled) from error


def find_reader(spelled: Mapping[str, str], value: ReadFormat, separator: str = "_") -> ReaderVersion | None:
    """Return the version as which values are to be read, None if none is named; raise ProxyError (422).

    `spelled` has the parameters of the request, whose words have `separator` between them.
    """
    version_name, metadata_name = f"reader{separator}version", f"reader{separator}metadata"
    number, metadata = spelled.get(version_name), spelled.get(metadata_name)
    if number is None and metadata is None:
        return None
    if number is not None and metadata is not None:
        raise errors.violation(version_name, f"cannot be used together with {metadata_name}", number)
    if isinstance(value, EmbeddedFormat) and value.schema_type is None:
        raise errors.violation(
            version_name if metadata is None else metadata_name,
            f"needs values of a format with schemas (avro, jsonschema, protobuf) or auto, not {value}",
            number or metadata or "",
        )
    if metadata is not None:
        return ReaderVersion(metadata=_parse_properties(metadata_name, metadata))
    if number == "latest":
        return ReaderVersion()
    try:
        return ReaderVersion(bounds.parse_integer(number or "", low=1, high=MAX_PARTITION))
    except ValueError as error:
        raise errors.violation(version_name, "must be latest or the number of a version", number or "") from error


def _parse_properties(name: str, text: str) -> tuple[tuple[str, str], ...]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if len(pairs) > _MAX_PROPERTIES or not all(key and equals for key, equals, _ in pairs):
        raise errors.violation(name, f"must be 1 to {_MAX_PROPERTIES} properties such as major=2,region=eu", text)
    return tuple((key, value) for key, _, value in pairs)


def find_reading(request: web.Request) -> JsonReading | None:
    """Return how the request has objects read: with `lenient_json=true`, absent fields of Avro get their defaults."""
    return _LENIENT if request.query.get("lenient_json", "").lower() == "true" else None


_LENIENT = JsonReading(fills_defaults=True)


def schema_text(json_object: JsonObject, field: str) -> str | None:
    """Return the schema in the field; raise ProxyError (400) for JSON that is not put into a string."""
    value = json_object.raw(field)
    if isinstance(value, dict | list):
        raise errors.schema_not_text(field, "an object" if isinstance(value, dict) else "an array")
    return json_object.string(field)


def undecodable_choice(request: web.Request) -> Undecodable | None:
    """Return the `undecodable` of the query, None if it has none; 422 for an unknown word."""
    spelled = request.query.get("undecodable")
    return None if spelled is None else parse_undecodable(spelled)


def parse_undecodable(spelled: str) -> Undecodable:
    """Return the choice of this name; 422 if there is none."""
    try:
        return Undecodable(spelled)
    except ValueError as error:
        raise errors.violation("undecodable", "must be refuse or report", spelled) from error


def positive(request: web.Request, name: str) -> int | None:
    """Return a number of the query; None if it is absent or not positive."""
    parsed = bounds.parse_number(request.query.get(name, "0"), bits=64)
    return parsed if parsed > 0 else None


def not_negative(request: web.Request, name: str) -> int | None:
    """Return a number of the query, None if it is absent; 422 for a negative one."""
    if name not in request.query:
        return None
    parsed = bounds.parse_number(request.query[name], bits=64)
    if parsed < 0:
        raise errors.violation(name, "must be greater than or equal to 0", str(parsed))
    return parsed


def format_positions(positions: Mapping[int, int]) -> str:
    """Render partition -> next offset as the token that clients send back to resume (`bounds.parse_positions`)."""
    return ",".join(f"{number}:{offset}" for number, offset in sorted(positions.items()))


async def body(request: web.Request, name: str, fields: Collection[str]) -> JsonObject | None:
    """Return the body, None if there is none; 415 for another media type, 422 for a field that is not in `fields`."""
    content_type = request.headers.get("Content-Type")
    if content_type is not None and media_types.essence(content_type) not in _TAKEN:
        raise errors.unsupported_media_type(content_type, (media_types.KAFKA_V2, *EMBEDDED))
    json_object = await bodies.read_object(request, name)
    if json_object is not None:
        check_fields(json_object, fields)
    return json_object


async def require_body(request: web.Request, name: str, fields: Collection[str]) -> JsonObject:
    """Return the body, as `body`; raise ProxyError (422) if there is none."""
    json_object = await body(request, name, fields)
    if json_object is None:
        raise errors.body_missing(fields)
    return json_object


def check_fields(json_object: JsonObject, fields: Collection[str]) -> None:
    """Raise ProxyError (422) for a field that is not in `fields`."""
    for field in json_object:
        if field not in fields:
            raise errors.unknown_field(field, fields)


def check_length(place: str, name: str, longest: int) -> None:
    """Raise ProxyError (422) for a text that is too long."""
    if len(name) > longest:
        raise errors.violation(place, f"must have at most {longest} characters", f"{name[:50]}…")


def check_name(place: str, name: str, longest: int) -> None:
    """Raise ProxyError (422) for a text that is too long, or that Kafka's protocol cannot carry."""
    check_length(place, name, longest)
    if bounds.find_fault(name) is not None:
        raise errors.violation(place, "must have neither a null character nor an unpaired surrogate", ascii(name)[:100])


def topic_partition(json_object: JsonObject, place: str) -> TopicPartition:
    """Return the partition that an object names; partition 0 if it names only the topic."""
    topic = json_object.string("topic")
    if not topic:
        raise errors.violation(f"{place}.topic", "must not be empty", "null" if topic is None else topic)
    check_length(f"{place}.topic", topic, bounds.MAX_TOPIC)
    partition_number = json_object.integer("partition") or 0
    if not 0 <= partition_number <= MAX_PARTITION:
        raise errors.violation(f"{place}.partition", "must be greater than or equal to 0", str(partition_number))
    return TopicPartition(topic, partition_number)


def topic_partitions(json_object: JsonObject) -> list[TopicPartition]:
    """Return the partitions that a body lists; raise ProxyError (422) if it has no list."""
    listed = json_object.objects("partitions", "TopicPartition")
    if listed is None:
        raise errors.violation("partitions", "must not be null", "null")
    partitions = []
    for at, entry in enumerate(listed):
        check_fields(entry, ("topic", "partition"))
        partitions.append(topic_partition(entry, f"partitions[{at}]"))
    return partitions


def offset(json_object: JsonObject, place: str, *, low: int = 0) -> int:
    """Return the offset of an object, `low` or more; 0 if it has none."""
    found_offset = json_object.integer("offset", low=-MAX_LONG, high=MAX_LONG) or 0
    if found_offset < low:
        raise errors.violation(f"{place}.offset", f"must be greater than or equal to {low}", str(found_offset))
    return found_offset

"""Choose the formats of a request whose media type is `application/json`: it must leave no doubt what is written."""

from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING

from karapace_like.proxy import errors
from karapace_like.proxy.contracts.gate import Gate
from karapace_like.proxy.encoding import has_content
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache, registry_call

if TYPE_CHECKING:
    from karapace_like.proxy.produce import ProduceRequest

_MEDIA_TYPES = tuple(f"application/vnd.kafka.{embedded}.v2+json" for embedded in EmbeddedFormat)
_FORMATS = {embedded.schema_type: embedded for embedded in EmbeddedFormat if embedded.schema_type is not None}


async def choose_formats(
    request: "ProduceRequest",
    named: Mapping[RecordPart, EmbeddedFormat | None],
    topics: Collection[str],
    gate: Gate,
    schemas: SchemaCache,
    rights: SubjectRights,
) -> Mapping[RecordPart, EmbeddedFormat]:
    """Return the format of each part: `named` are those of the query; the body's own go before.

    A schema id decides by the schema's type. Plain JSON is meant where the policy of every topic validates or encodes
    it. Raises ProxyError 415 where neither decides and a record has the part, ApiError for a schema that is not found.
    """
    return {role: named[role] or await _choose(role, request, topics, gate, schemas, rights) for role in RecordPart}


async def _choose(
    role: RecordPart,
    request: "ProduceRequest",
    topics: Collection[str],
    gate: Gate,
    schemas: SchemaCache,
    rights: SubjectRights,
) -> EmbeddedFormat:
    read_id, read_format = attrgetter(f"{role}_schema_id"), attrgetter(f"{role}_format")
    schema_id: int | None = read_id(request)
    if (named := read_format(request)) is not None:
        return EmbeddedFormat(named)
    if schema_id is not None and topics:
        with registry_call(f"fetching schema by id. schemaId = {schema_id}"):
            registered = await schemas.by_id(schema_id, role.subject(next(iter(topics))), rights)
        return _FORMATS[registered.schema.type]
    if not any(map(has_content, map(attrgetter(role), request.records))):
        return EmbeddedFormat.BINARY
    if all(gate.expects_plain_json(topic, role) for topic in topics):
        return EmbeddedFormat.JSON
    raise errors.doubtful_format(role, _MEDIA_TYPES)

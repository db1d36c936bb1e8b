"""/schemas: reading by id and guid, listing across subjects (Confluent API, "Schemas")."""

from collections.abc import Callable, Sequence
from functools import partial

from aiohttp import web

from karapace_like.registry import errors, lookups
from karapace_like.registry.associations import Association, Lifecycle
from karapace_like.registry.registry import CacheValidity, Registry
from karapace_like.registry.store import StoredVersion
from karapace_like.schema.model import SchemaType
from karapace_like.web.callers import access
from karapace_like.web.callers.access import Caller
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import BOOLEAN, array, one_of, ref, text
from karapace_like.web.http.media_types import REGISTRY_OFFER
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import rendering, requests, visibility
from karapace_like.web.registry.association_requests import parse_filter
from karapace_like.web.registry.associations import ASSOCIATION_FILTERS
from karapace_like.web.registry.objects import (
    DELETED,
    DELETED_ONLY,
    FIND_TAGS,
    FORMAT,
    PAGE,
    PREFIX,
    REFERENCE_FORMAT,
    SCHEMA_OBJECT,
    SUBJECT,
    SUBJECT_NAME,
)
from karapace_like.web.routing import Call, Parameter, Route
from karapace_like.web.server.caching import BySegment, TaggedBody

_MOST_SCHEMAS = 1000
"""In one answer of GET /schemas."""
_NO_LIFECYCLE = "NONE"
_MAX_DIGITS = 9
"""Of an id that is looked for without aiohttp's help."""
_MAX_AGE = 3600
"""Seconds for which clients may keep what an id stands for; a deletion is seen after them at the latest."""


async def list_schemas(request: web.Request) -> web.Response:
    """GET /schemas: List the versions of all subject; without `subjectPrefix` those of the default context."""
    store, prefix = visibility.store(request), requests.prefix(request, default="")
    aliases = lookups.aliases(store, prefix) if requests.flag(request, "aliases") else {}
    associations = _select_associations(request)
    shown = await lookups.list_versions(
        store,
        prefix,
        requests.read_deleted_filter(request),
        requests.page(request, at_most=_MOST_SCHEMAS),
        also=aliases,
        latest_only=requests.flag(request, "latestOnly"),
        rule_type=request.query.get("ruleType"),
        selects=lambda subject: associations is None or associations(subject) is not None,
    )
    return respond_as_registry(
        request,
        [
            rendering.extended_schema(
                version,
                aliases.get(version.subject),
                None if associations is None else associations(version.subject),
            )
            for version in shown
        ],
    )


def _select_associations(request: web.Request) -> Callable[[str], Sequence[Association] | None] | None:
    """Return the function that returns a subject's associations by the query, None for a subject that it leaves out.

    None where the query does not ask for associations.
    """
    if not any(parameter.name in request.query for parameter in (*ASSOCIATION_FILTERS, _LIFECYCLE)):
        return None
    lifecycles = request.query.getall("lifecycle", [])
    selected = parse_filter(request, [spelled for spelled in lifecycles if spelled != _NO_LIFECYCLE])
    index = requests.registry(request).read().associations
    takes_associated = bool(selected.lifecycles) or _NO_LIFECYCLE not in lifecycles

    def select(subject: str) -> Sequence[Association] | None:
        associations = index.of_subject(subject)
        matching = [one for one in associations if takes_associated and selected.selects(one)]
        return matching if matching or (_NO_LIFECYCLE in lifecycles and not associations) else None

    return select


async def list_types(request: web.Request) -> web.Response:
    """GET /schemas/types: List the schema types."""
    visibility.store(request)
    return respond_as_registry(request, ["JSON", "PROTOBUF", "AVRO"])


async def get_schema(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}: Return the schema with this id."""
    store = visibility.store(request)
    first = await _find_schema(request)
    text = await _format_text(request, first)
    max_id = store.max_id(first.subject) if requests.flag(request, "fetchMaxId") else None
    answer = rendering.schema_string(first, text, tags=await requests.find_tags(request, first), max_id=max_id)
    if requests.wants_qualified_references(request):
        # The guid stays that of the schema as it is stored; only /versions answers with another one.
        answer |= lookups.with_qualified_references(first).content.attachments
    if requests.flag(request, "includeSubjects"):
        answer["subjects"] = list(dict.fromkeys(sharer.subject for sharer in _list_sharers(request)))
    return await _respond_cacheable(request, first, responses.encode(answer), answers_other_ids=True)


async def get_schema_text(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}/schema: Return the text of the schema with this id."""
    first = await _find_schema(request)
    return await _respond_cacheable(request, first, (await _format_text(request, first)).encode())


async def list_subjects(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}/subjects: List the subjects that have the schema."""
    names = sorted({version.subject for version in _list_visible_versions(request)})
    return respond_as_registry(request, requests.page(request).of(names))


async def list_versions(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}/versions: List the subjects and versions that have the schema."""
    places = sorted((version.subject, version.version) for version in _list_visible_versions(request))
    pairs = [{"subject": subject, "version": version} for subject, version in places]
    return respond_as_registry(request, requests.page(request).of(pairs))


async def _respond_cacheable(
    request: web.Request, first: StoredVersion, body: bytes, *, answers_other_ids: bool = False
) -> web.Response:
    """Return a response that clients may cache: the content of an id never changes, only its deletion mark.

    `answers_other_ids`: whether other ids are answered likewise, by `_find_body`.
    """
    if not request.query_string and requests.context(request) is None:
        registry = requests.registry(request)
        validity = requests.cache_validity(request, registry.read().context("").ids.get(first.id))
        caching: CacheValidity | BySegment | None = validity
        if answers_other_ids and validity is not None and "If-None-Match" not in request.headers:
            media_type = responses.negotiate_media_type(request, REGISTRY_OFFER)
            caching = BySegment(validity, partial(_find_body, registry, access.caller(request), media_type))
        requests.allow_caching(request, caching)
    return await responses.respond_conditionally(request, body, max_age=0 if request.query_string else _MAX_AGE)


def _find_body(registry: Registry, caller: Caller, media_type: str, segment: bytes) -> TaggedBody | None:
    """Return the response to `get_schema` for the id in the path, without a query; None where it needs more thought."""
    if not segment.isdigit() or len(segment) > _MAX_DIGITS or not registry.is_readable:
        return None
    store, schema_id = registry.read(), int(segment)
    first = lookups.find_plain_schema(visibility.restrict(store, caller), schema_id)
    if first is None:
        return None
    body = responses.encode(rendering.schema_string(first, first.content.text))
    validity = registry.cache_validity(store.context("").ids[schema_id])
    return TaggedBody(validity, responses.make_entity_tag(body, media_type), body)


async def _find_schema(request: web.Request) -> StoredVersion:
    store, engines = visibility.store(request), requests.engines(request)
    schema_id, subject = requests.schema_id(request), requests.wanted_subject(request)
    return await lookups.schema_by_id(store, engines, schema_id, subject, retired=requests.flag(request, "retired"))


async def _format_text(request: web.Request, stored: StoredVersion) -> str:
    """Return the version's text in the form that the query's `format` names."""
    store, form = visibility.store(request), request.query.get("format")
    return await rendering.text(store, requests.engines(request), stored.content, stored.subject, form)


def _list_sharers(request: web.Request) -> Sequence[StoredVersion]:
    store = visibility.store(request)
    return lookups.sharers(store, requests.schema_id(request), requests.wanted_subject(request))


def _list_visible_versions(request: web.Request) -> list[StoredVersion]:
    """Return the id's versions, on request with soft-deleted ones; 40403 if none has the id."""
    deleted = requests.read_deleted_flag(request)
    sharers = _list_sharers(request)
    if not sharers:
        raise errors.schema_not_found_error()
    return [version for version in sharers if version.deleted in deleted.states]


async def get_by_guid(request: web.Request) -> web.Response:
    """GET /schemas/guids/{guid}: Return the schema with this GUID, from any context."""
    store = visibility.store(request)
    stored = (await lookups.by_guid(store, request.match_info["guid"]))[0]
    text = await _format_text(request, stored)
    body = responses.encode(rendering.schema_string(stored, text, named=False))
    return await responses.respond_conditionally(request, body, max_age=_MAX_AGE)


async def list_ids_of_guid(request: web.Request) -> web.Response:
    """GET /schemas/guids/{guid}/ids: List the id of the schema in each context."""
    holders = await lookups.by_guid(visibility.store(request), request.match_info["guid"])
    return respond_as_registry(request, [rendering.context_id(holder) for holder in holders])


_FILTERS = (
    Parameter("latestOnly", BOOLEAN, "Only the latest version of each subject."),
    Parameter("aliases", BOOLEAN, "Include the aliases of the subjects."),
    Parameter("ruleType", text("CEL"), "Only versions with a rule of this type."),
)
_LIFECYCLE = Parameter(
    "lifecycle",
    array(one_of([*Lifecycle, _NO_LIFECYCLE])),
    "Only versions of subjects with such associations; NONE: of those without any.",
)
_RETIRED = Parameter(
    "retired",
    BOOLEAN,
    "Also where the id's last version was deleted permanently, as long as this node remembers it.",
)
_BY_ID = (
    SUBJECT,
    FORMAT,
    _RETIRED,
    REFERENCE_FORMAT,
    FIND_TAGS,
    Parameter("fetchMaxId", BOOLEAN, "Include the largest id of the context."),
    Parameter("includeSubjects", BOOLEAN, "Include the subjects that have the schema."),
)

ROUTES = (
    Route(
        "GET",
        "/schemas",
        list_schemas,
        ApiRole.REGISTRY,
        Call(
            (PREFIX, *_FILTERS, *ASSOCIATION_FILTERS, _LIFECYCLE, DELETED, DELETED_ONLY, *PAGE),
            None,
            array(ref("ExtendedSchema")),
        ),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/types",
        list_types,
        ApiRole.REGISTRY,
        Call(response=array(one_of(SchemaType))),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}",
        get_schema,
        ApiRole.REGISTRY,
        Call(_BY_ID, None, ref("SchemaString")),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}/schema",
        get_schema_text,
        ApiRole.REGISTRY,
        Call((SUBJECT, FORMAT, _RETIRED), None, SCHEMA_OBJECT),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}/subjects",
        list_subjects,
        ApiRole.REGISTRY,
        Call((SUBJECT, DELETED, *PAGE), None, array(SUBJECT_NAME)),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}/versions",
        list_versions,
        ApiRole.REGISTRY,
        Call((SUBJECT, DELETED, *PAGE), None, array(ref("SubjectVersion"))),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/guids/{guid}",
        get_by_guid,
        ApiRole.REGISTRY,
        Call((FORMAT,), None, ref("SchemaString")),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/guids/{guid}/ids",
        list_ids_of_guid,
        ApiRole.REGISTRY,
        Call(response=array(ref("ContextId"))),
        permission=AUTHENTICATED,
    ),
)

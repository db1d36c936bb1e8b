"""/schemas: reading by id and guid, listing across subjects (Confluent API, "Schemas")."""

from collections.abc import Sequence

from aiohttp import web

from karapace_like.registry import errors, lookups
from karapace_like.registry.lookups import Deleted
from karapace_like.registry.remembering import off_the_loop
from karapace_like.registry.store import StoredVersion
from karapace_like.schema.model import SchemaType
from karapace_like.web import answers
from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import BOOLEAN, array, one_of, ref, text
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.registry import rendering, requests, visibility
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

_MOST_SCHEMAS = 1000
"""In one answer of GET /schemas."""
_MAX_AGE = 3600
"""Seconds for which clients may keep what an id stands for; a deletion is seen after them at the latest."""


async def list_schemas(request: web.Request) -> web.Response:
    """GET /schemas: every version of every subject."""
    store, prefix = visibility.store(request), requests.prefix(request)
    aliases = lookups.aliases(store, prefix) if requests.flag(request, "aliases") else {}
    found = lookups.listed(
        store,
        prefix,
        requests.deleted(request),
        also=aliases,
        latest_only=requests.flag(request, "latestOnly"),
        rule_type=request.query.get("ruleType"),
    )
    shown = requests.page(request, at_most=_MOST_SCHEMAS).of(found)
    return registry_answer(request, [rendering.extended_schema(each, aliases.get(each.subject)) for each in shown])


async def list_types(request: web.Request) -> web.Response:
    """GET /schemas/types: the formats."""
    visibility.store(request)
    return registry_answer(request, ["JSON", "PROTOBUF", "AVRO"])


@off_the_loop
async def get_schema(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}: a schema by its id."""
    store = visibility.store(request)
    first = _schema(request)
    text = rendering.text(store, first.content, first.subject, request.query.get("format"))
    max_id = store.context(first.subject).max_id if requests.flag(request, "fetchMaxId") else None
    answer = rendering.schema_string(first, text, tags=requests.found_tags(request, first), max_id=max_id)
    if requests.wants_qualified_references(request):
        # The guid stays that of the schema as it is stored; only /versions answers with another one.
        answer |= lookups.with_qualified_references(first).content.attached
    if requests.flag(request, "includeSubjects"):
        answer["subjects"] = list(dict.fromkeys(each.subject for each in _sharers(request)))
    return _found(request, first, answers.encoded(answer))


@off_the_loop
async def get_schema_text(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}/schema: the schema itself, not wrapped."""
    first = _schema(request)
    store = visibility.store(request)
    text = rendering.text(store, first.content, first.subject, request.query.get("format"))
    return _found(request, first, text.encode())


async def list_subjects(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}/subjects: those that have it."""
    names = sorted({each.subject for each in _shown(request)})
    return registry_answer(request, requests.page(request).of(names))


async def list_versions(request: web.Request) -> web.Response:
    """GET /schemas/ids/{id}/versions: the subjects and versions that have it."""
    found = sorted((each.subject, each.version) for each in _shown(request))
    pairs = [{"subject": subject, "version": version} for subject, version in found]
    return registry_answer(request, requests.page(request).of(pairs))


def _found(request: web.Request, first: StoredVersion, body: bytes) -> web.Response:
    """What an id stands for: it never changes, only whether and where it is deleted."""
    if not request.query_string and requests.context(request) is None:
        requests.remember(request, requests.registry(request).read().context("").ids[first.id])
    return answers.conditional(request, body, max_age=0 if request.query_string else _MAX_AGE)


def _schema(request: web.Request) -> StoredVersion:
    store = visibility.store(request)
    return lookups.schema_by_id(store, requests.schema_id(request), requests.wanted_subject(request))


def _sharers(request: web.Request) -> Sequence[StoredVersion]:
    store = visibility.store(request)
    return lookups.sharers(store, requests.schema_id(request), requests.wanted_subject(request))


def _shown(request: web.Request) -> list[StoredVersion]:
    """The id's versions, the soft-deleted ones on request; 40403 if nothing has the id."""
    deleted = Deleted.ALSO if requests.flag(request, "deleted") else Deleted.NO
    found = _sharers(request)
    if not found:
        raise errors.schema_not_found()
    return [each for each in found if deleted.keeps(each.deleted)]


@off_the_loop
async def get_by_guid(request: web.Request) -> web.Response:
    """GET /schemas/guids/{guid}: a schema by what it is, in any context."""
    store = visibility.store(request)
    found = lookups.by_guid(store, request.match_info["guid"])[0]
    text = rendering.text(store, found.content, found.subject, request.query.get("format"))
    body = answers.encoded(rendering.schema_string(found, text, named=False))
    return answers.conditional(request, body, max_age=_MAX_AGE)


async def list_ids_of_guid(request: web.Request) -> web.Response:
    """GET /schemas/guids/{guid}/ids: the id in each context."""
    found = lookups.by_guid(visibility.store(request), request.match_info["guid"])
    return registry_answer(request, [rendering.context_id(each) for each in found])


_FILTERS = (
    Parameter("latestOnly", BOOLEAN, "The latest version of each subject only."),
    Parameter("aliases", BOOLEAN, "With the subjects' aliases."),
    Parameter("ruleType", text("CEL"), "Those with a rule of this type."),
)
_BY_ID = (
    SUBJECT,
    FORMAT,
    REFERENCE_FORMAT,
    FIND_TAGS,
    Parameter("fetchMaxId", BOOLEAN, "With the largest id of the context."),
    Parameter("includeSubjects", BOOLEAN, "With the subjects that have it."),
)

ROUTES = (
    Route(
        "GET",
        "/schemas",
        list_schemas,
        Call((PREFIX, *_FILTERS, DELETED, DELETED_ONLY, *PAGE), None, array(ref("ExtendedSchema"))),
        needs=AUTHENTICATED,
    ),
    Route("GET", "/schemas/types", list_types, Call(answer=array(one_of(SchemaType))), needs=AUTHENTICATED),
    Route(
        "GET", "/schemas/ids/{id:-?[0-9]+}", get_schema, Call(_BY_ID, None, ref("SchemaString")), needs=AUTHENTICATED
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}/schema",
        get_schema_text,
        Call((SUBJECT, FORMAT), None, SCHEMA_OBJECT),
        needs=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}/subjects",
        list_subjects,
        Call((SUBJECT, DELETED, *PAGE), None, array(SUBJECT_NAME)),
        needs=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/schemas/ids/{id:-?[0-9]+}/versions",
        list_versions,
        Call((SUBJECT, DELETED, *PAGE), None, array(ref("SubjectVersion"))),
        needs=AUTHENTICATED,
    ),
    Route("GET", "/schemas/guids/{guid}", get_by_guid, Call((FORMAT,), None, ref("SchemaString")), needs=AUTHENTICATED),
    Route(
        "GET", "/schemas/guids/{guid}/ids", list_ids_of_guid, Call(answer=array(ref("ContextId"))), needs=AUTHENTICATED
    ),
)

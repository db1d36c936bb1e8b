"""/subjects: registering, looking up, listing and deleting versions (Confluent API, "Subjects")."""

from functools import partial

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.registry import deletion, lookups, registration, tagging
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.errors import IncompatibleSchemaError
from karapace_like.registry.planning import Planner
from karapace_like.registry.registration import Registered, Submission
from karapace_like.registry.registry import CacheValidity, Registry
from karapace_like.registry.store import Deleted, Store, StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.replication.planning import Plan, without_engines
from karapace_like.web.callers import access
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.cluster.writing import write_here
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import NUMBER, array, ref, text
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import rendering, requests, subject_calls, visibility, writing
from karapace_like.web.registry.objects import (
    DELETED,
    DELETED_ONLY,
    EXPLICIT,
    FIND_TAGS,
    FORCE,
    FORMAT,
    NEGATIVE,
    NORMALIZE,
    PAGE,
    PERMANENT,
    PREFIX,
    REFERENCE_FORMAT,
    SCHEMA_OBJECT,
    SUBJECT_NAME,
)
from karapace_like.web.registry.permissions import on_subject, refuse_registration
from karapace_like.web.registry.subject_calls import SubjectAnswer
from karapace_like.web.routing import Call, Parameter, Route

DESCRIBE, READ, WRITE, DELETE = Operation.DESCRIBE, Operation.READ, Operation.WRITE, Operation.DELETE
REGISTER_EXISTING = Operation.REGISTER_EXISTING


async def list_subjects(request: web.Request) -> web.Response:
    """GET /subjects: List the names of the subjects."""
    store = visibility.store(request, DESCRIBE)
    deleted, page = requests.read_deleted_filter(request), requests.page(request)
    return respond_as_registry(request, await lookups.subjects(store, requests.prefix(request), deleted, page))


@requests.mentions_misspelt_fields
async def look_up(request: web.Request) -> web.Response:
    """POST /subjects/{subject}: Return the version with this schema."""
    submission = await requests.submission(request)
    store = visibility.store(request, READ, REGISTER_EXISTING)
    subject, deleted = requests.subject(request), requests.read_deleted_flag(request)
    stored, validity = await _look_up(requests.registry(request), store, subject, submission, deleted)
    subject_calls.offer(request, validity, _answer_look_up)
    return respond_as_registry(request, rendering.render_lookup(stored, await _format_text(request, stored)))


async def _answer_look_up(registry: Registry, subject: str, submission: Submission) -> SubjectAnswer:
    stored, validity = await _look_up(registry, registry.read(), subject, submission)
    return SubjectAnswer(rendering.render_lookup(stored, stored.content.text), validity)


async def _look_up(
    registry: Registry, store: RegistryView, subject: str, submission: Submission, deleted: Deleted = Deleted.EXCLUDE
) -> tuple[StoredVersion, CacheValidity | None]:
    """Return the version with this schema, and the validity of a response that shows it."""
    validity = requests.find_validity(registry, store.versions_by_number(subject), submission)
    stored = await lookups.look_up(store, registry.engines, subject, submission, deleted)
    # That of another subject follows from other subjects, too.
    return stored, validity if stored.subject == subject else None


async def delete_subject(request: web.Request) -> web.Response:
    """DELETE /subjects/{subject}: Delete all versions of a subject and return their numbers."""
    plan = partial(deletion.subject, name=requests.subject(request), permanent=requests.flag(request, "permanent"))
    return await writing.respond(request, without_engines(plan), writing.as_json(request))


async def list_versions(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions: List the version numbers of a subject."""
    store = visibility.store(request, DESCRIBE)
    listed = lookups.version_numbers(store, requests.subject(request), requests.read_deleted_filter(request))
    numbers = requests.page(request).of(listed)
    if requests.flag(request, "deletedAsNegative"):
        live = {version.version for version in store.versions(requests.subject(request))}
        numbers = [number if number in live else -number for number in numbers]
    return respond_as_registry(request, numbers)


@requests.mentions_misspelt_fields
async def register(request: web.Request) -> web.Response:
    """POST /subjects/{subject}/versions: Register a schema, or return the version that has it already."""
    submission = msgspec.structs.replace(await requests.submission(request), force=requests.flag(request, "force"))
    registry = requests.registry(request)
    subject = requests.subject(request)
    if submission.force:
        access.caller(request).require((Operation.CONFIG,), (access.resource_names(subject),))
    subject_calls.offer(request, _find_validity(registry, subject, submission), _answer_registration)
    planner = partial(registration.plan, subject=subject, submission=submission, rules=registry.rules)
    refusal = refuse_registration(request, subject, chooses_id=submission.id is not None)
    if refusal is not None:
        planner = partial(_plan_existing_only, planner=planner, refusal=refusal)
    return await writing.respond(request, planner, partial(_render_registration, request), subject=subject)


async def _answer_registration(registry: Registry, subject: str, submission: Submission) -> SubjectAnswer:
    validity = _find_validity(registry, subject, submission)
    planner = partial(registration.plan, subject=subject, submission=submission, rules=registry.rules)
    registered = await write_here(registry, planner, key=subject)
    return SubjectAnswer(rendering.render_registration(registered, registered.content.text), validity)


def _find_validity(registry: Registry, subject: str, submission: Submission) -> CacheValidity | None:
    versions = registry.read().versions_by_number(subject)
    return requests.find_validity(registry, versions, submission, needs_term=True)


async def _plan_existing_only(
    store: Store, engines: EngineAccess, *, planner: Planner[Registered], refusal: ApiError
) -> Plan[Registered]:
    """Return the plan if it writes nothing; a schema that is not compatible is a new one."""
    try:
        plan = await planner(store, engines)
    except IncompatibleSchemaError as error:
        raise refusal from error
    if plan.records:
        raise refusal
    return plan


async def tag_version(request: web.Request) -> web.Response:
    """POST /subjects/{subject}/versions/{version}/tags: Register a version again with other tags, as the newest one."""
    number = requests.version(request)
    changes = await requests.tagging(request)
    registry = requests.registry(request)
    subject = requests.subject(request)
    access.caller(request).require((READ,), (access.resource_names(subject),))  # the response shows the text
    plan = partial(tagging.plan, subject=subject, number=number, request=changes, rules=registry.rules)
    return await writing.respond(request, plan, partial(_render_registration, request), subject=subject)


async def _render_registration(request: web.Request, answer: Registered) -> web.Response:
    return respond_as_registry(request, rendering.render_registration(answer, await _format_text(request, answer)))


async def _format_text(request: web.Request, version: StoredVersion | Registered) -> str:
    """Return the version's text in the form that the query's `format` names."""
    store, form = visibility.store(request), request.query.get("format")
    return await rendering.text(store, requests.engines(request), version.content, version.subject, form)


async def _find_version(request: web.Request) -> tuple[StoredVersion, str]:
    """Return the version of the path, and its text in the wanted form."""
    store, subject = visibility.store(request), requests.subject(request)
    stored = lookups.version_in_any_context(
        store, subject, requests.version(request), requests.read_deleted_flag(request)
    )
    if stored.subject == subject:
        requests.allow_caching(request, requests.cache_validity(request, store.versions_by_number(subject)))
    return stored, await _format_text(request, stored)


async def get_version(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}: Return a version; `latest` and -1 are the newest one."""
    stored, text = await _find_version(request)
    tags = await requests.find_tags(request, stored)
    if requests.wants_qualified_references(request):
        stored = lookups.with_qualified_references(stored)
    return await responses.respond_conditionally(request, responses.encode(rendering.version(stored, text, tags)))


async def get_version_text(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}/schema: Return the text of a version."""
    _, text = await _find_version(request)
    return await responses.respond_conditionally(request, text.encode())


async def delete_version(request: web.Request) -> web.Response:
    """DELETE /subjects/{subject}/versions/{version}: Delete a version and return its number."""
    plan = partial(
        deletion.version,
        name=requests.subject(request),
        number=requests.version(request),
        permanent=requests.flag(request, "permanent"),
    )
    return await writing.respond(request, without_engines(plan), writing.as_json(request))


async def list_referrers(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}/referencedby: List the ids of the schemas that refer to a version."""
    referrers = lookups.list_referrers(
        visibility.store(request, DESCRIBE),
        requests.subject(request),
        requests.version(request),
        requests.read_deleted_flag(request),
    )
    return respond_as_registry(request, requests.page(request).of(referrers))


async def get_by_metadata(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/metadata: Return the newest version whose metadata has the properties of the query."""
    wanted = zip(request.query.getall("key", []), request.query.getall("value", []), strict=False)
    store = visibility.store(request)
    stored = lookups.latest_with_metadata(
        store, requests.subject(request), list(wanted), requests.read_deleted_flag(request)
    )
    return respond_as_registry(request, rendering.version(stored, await _format_text(request, stored)))


_SUBMISSION = ref("RegisterSchemaRequest")
_REGISTERED = ref("RegisterSchemaResponse")
_PROPERTY = (
    Parameter("key", array(text("owner")), "Names of metadata properties."),
    Parameter("value", array(text("lifts-team")), "Values of the properties, in the same order."),
)

ROUTES = (
    Route(
        "GET",
        "/subjects",
        list_subjects,
        ApiRole.REGISTRY,
        Call((PREFIX, DELETED, DELETED_ONLY, *PAGE), None, array(SUBJECT_NAME)),
        permission=AUTHENTICATED,
    ),
    Route(
        "POST",
        "/subjects/{subject}",
        look_up,
        ApiRole.REGISTRY,
        Call((NORMALIZE, DELETED, FORMAT), _SUBMISSION, ref("Schema")),
        permission=on_subject(READ, REGISTER_EXISTING),
    ),
    Route(
        "DELETE",
        "/subjects/{subject}",
        delete_subject,
        ApiRole.REGISTRY,
        Call((PERMANENT,), None, array(NUMBER)),
        permission=on_subject(DELETE),
    ),
    Route(
        "GET",
        "/subjects/{subject}/metadata",
        get_by_metadata,
        ApiRole.REGISTRY,
        Call((*_PROPERTY, DELETED, FORMAT), None, ref("Schema")),
        permission=on_subject(READ),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions",
        list_versions,
        ApiRole.REGISTRY,
        Call((DELETED, DELETED_ONLY, NEGATIVE, *PAGE), None, array(NUMBER)),
        permission=on_subject(DESCRIBE),
    ),
    Route(
        "POST",
        "/subjects/{subject}/versions",
        register,
        ApiRole.REGISTRY,
        Call((NORMALIZE, FORMAT, FORCE, EXPLICIT), _SUBMISSION, _REGISTERED),
        permission=on_subject(WRITE, REGISTER_EXISTING),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}",
        get_version,
        ApiRole.REGISTRY,
        Call((FORMAT, REFERENCE_FORMAT, DELETED, FIND_TAGS), None, ref("Schema")),
        permission=on_subject(READ),
    ),
    Route(
        "DELETE",
        "/subjects/{subject}/versions/{version}",
        delete_version,
        ApiRole.REGISTRY,
        Call((PERMANENT,), None, NUMBER),
        permission=on_subject(DELETE),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}/schema",
        get_version_text,
        ApiRole.REGISTRY,
        Call((FORMAT, DELETED), None, SCHEMA_OBJECT),
        permission=on_subject(READ),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}/referencedby",
        list_referrers,
        ApiRole.REGISTRY,
        Call((DELETED, *PAGE), None, array(NUMBER)),
        permission=on_subject(DESCRIBE),
    ),
    Route(
        "POST",
        "/subjects/{subject}/versions/{version}/tags",
        tag_version,
        ApiRole.REGISTRY,
        Call((), ref("TagSchemaRequest"), _REGISTERED),
        permission=on_subject(WRITE),
    ),
)

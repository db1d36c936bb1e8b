"""/subjects: registering, looking up, listing and deleting versions (Confluent API, "Subjects")."""

from collections.abc import Callable
from functools import partial

from aiohttp import web

from karapace_like.access import errors as access_errors
from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.registry import deletion, lookups, registration, tagging
from karapace_like.registry.planning import Plan
from karapace_like.registry.registration import Registered
from karapace_like.registry.remembering import off_the_loop
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.web import access, answers
from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import NUMBER, array, ref, text
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.registry import rendering, requests, visibility
from karapace_like.web.registry.needs import on_subject
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
from karapace_like.web.routing import Call, Parameter, Route

DESCRIBE, READ, WRITE, DELETE = Operation.DESCRIBE, Operation.READ, Operation.WRITE, Operation.DELETE
REGISTER_EXISTING = Operation.REGISTER_EXISTING


async def list_subjects(request: web.Request) -> web.Response:
    """GET /subjects: their names."""
    store = visibility.store(request, DESCRIBE)
    found = lookups.subjects(store, requests.prefix(request), requests.deleted(request))
    return registry_answer(request, requests.page(request).of(found))


@off_the_loop
async def look_up(request: web.Request) -> web.Response:
    """POST /subjects/{subject}: the version that has this schema."""
    submission = await requests.submission(request)
    store = visibility.store(request, READ, REGISTER_EXISTING)
    subject = requests.subject(request)
    found = lookups.look_up(store, subject, submission, deleted=requests.flag(request, "deleted"))
    if found.subject == subject:
        requests.remember(request, store.kept(subject), submission)
    text = rendering.text(store, found.content, found.subject, request.query.get("format"))
    return registry_answer(request, rendering.looked_up(found, text))


async def delete_subject(request: web.Request) -> web.Response:
    """DELETE /subjects/{subject}: with all its versions; answers their numbers."""
    plan = partial(deletion.subject, name=requests.subject(request), permanent=requests.flag(request, "permanent"))
    return registry_answer(request, await requests.registry(request).write(plan))


async def list_versions(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions: their numbers."""
    store = visibility.store(request, DESCRIBE)
    found = lookups.version_numbers(store, requests.subject(request), requests.deleted(request))
    numbers = requests.page(request).of(found)
    if requests.flag(request, "deletedAsNegative"):
        live = {each.version for each in store.versions(requests.subject(request))}
        numbers = [each if each in live else -each for each in numbers]
    return registry_answer(request, numbers)


@off_the_loop
async def register(request: web.Request) -> web.Response:
    """POST /subjects/{subject}/versions: register a schema, or find it registered."""
    submission = await requests.submission(request)
    registry = requests.registry(request)
    subject = requests.subject(request)
    requests.remember(request, registry.read().kept(subject), submission, needs_term=True)
    plan = partial(registration.plan, subject=subject, submission=submission, rules=registry.rules)
    caller = access.caller(request)
    if caller is not None and not caller.may(WRITE, *access.spelled(subject)):
        plan = partial(_existing_only, plan=plan, refusal=access_errors.only_existing(caller.principal.name, subject))
    return _registered(request, await registry.write(plan))


def _existing_only(store: Store, plan: Callable[[Store], Plan[Registered]], refusal: ApiError) -> Plan[Registered]:
    """The plan where it would write nothing."""
    found = plan(store)
    if found.records:
        raise refusal
    return found


@off_the_loop
async def tag_version(request: web.Request) -> web.Response:
    """POST /subjects/{subject}/versions/{version}/tags: the version again, with other tags, as the newest one."""
    number = requests.version(request)
    changes = await requests.tagging(request)
    registry = requests.registry(request)
    plan = partial(
        tagging.plan, subject=requests.subject(request), number=number, request=changes, rules=registry.rules
    )
    return _registered(request, await registry.write(plan))


def _registered(request: web.Request, answer: Registered) -> web.Response:
    store = visibility.store(request)
    text = rendering.text(store, answer.content, answer.subject, request.query.get("format"))
    return registry_answer(request, rendering.registered(answer, text))


def _version(request: web.Request) -> tuple[StoredVersion, str]:
    """The version of the path, and its text in the wanted form."""
    store, subject = visibility.store(request), requests.subject(request)
    found = lookups.version_in_any_context(
        store, subject, requests.version(request), deleted=requests.flag(request, "deleted")
    )
    if found.subject == subject:
        requests.remember(request, store.kept(subject))
    return found, rendering.text(store, found.content, found.subject, request.query.get("format"))


@off_the_loop
async def get_version(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}: one version; `latest` and -1 are the newest."""
    found, text = _version(request)
    tags = requests.found_tags(request, found)
    if requests.wants_qualified_references(request):
        found = lookups.with_qualified_references(found)
    return answers.conditional(request, answers.encoded(rendering.version(found, text, tags)))


@off_the_loop
async def get_version_text(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}/schema: the schema itself, not wrapped."""
    _, text = _version(request)
    return answers.conditional(request, text.encode())


async def delete_version(request: web.Request) -> web.Response:
    """DELETE /subjects/{subject}/versions/{version}: answers its number."""
    plan = partial(
        deletion.version,
        name=requests.subject(request),
        number=requests.version(request),
        permanent=requests.flag(request, "permanent"),
    )
    return registry_answer(request, await requests.registry(request).write(plan))


async def referenced_by(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}/referencedby: the ids of the schemas that refer to it."""
    found = lookups.referenced_by(
        visibility.store(request, DESCRIBE),
        requests.subject(request),
        requests.version(request),
        deleted=requests.flag(request, "deleted"),
    )
    return registry_answer(request, requests.page(request).of(found))


@off_the_loop
async def get_by_metadata(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/metadata: the newest version whose metadata has the properties."""
    wanted = zip(request.query.getall("key", []), request.query.getall("value", []), strict=False)
    store = visibility.store(request)
    found = lookups.latest_with_metadata(
        store, requests.subject(request), list(wanted), deleted=requests.flag(request, "deleted")
    )
    text = rendering.text(store, found.content, found.subject, request.query.get("format"))
    return registry_answer(request, rendering.version(found, text))


_SUBMISSION = ref("RegisterSchemaRequest")
_REGISTERED = ref("RegisterSchemaResponse")
_PROPERTY = (
    Parameter("key", array(text("owner")), "Names of metadata properties."),
    Parameter("value", array(text("lifts-team")), "Their values, in the same order."),
)

ROUTES = (
    Route(
        "GET",
        "/subjects",
        list_subjects,
        Call((PREFIX, DELETED, DELETED_ONLY, *PAGE), None, array(SUBJECT_NAME)),
        needs=AUTHENTICATED,
    ),
    Route(
        "POST",
        "/subjects/{subject}",
        look_up,
        Call((NORMALIZE, DELETED, FORMAT), _SUBMISSION, ref("Schema")),
        needs=on_subject(READ, REGISTER_EXISTING),
    ),
    Route(
        "DELETE",
        "/subjects/{subject}",
        delete_subject,
        Call((PERMANENT,), None, array(NUMBER)),
        needs=on_subject(DELETE),
    ),
    Route(
        "GET",
        "/subjects/{subject}/metadata",
        get_by_metadata,
        Call((*_PROPERTY, DELETED, FORMAT), None, ref("Schema")),
        needs=on_subject(READ),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions",
        list_versions,
        Call((DELETED, DELETED_ONLY, NEGATIVE, *PAGE), None, array(NUMBER)),
        needs=on_subject(DESCRIBE),
    ),
    Route(
        "POST",
        "/subjects/{subject}/versions",
        register,
        Call((NORMALIZE, FORMAT, FORCE, EXPLICIT), _SUBMISSION, _REGISTERED),
        needs=on_subject(WRITE, REGISTER_EXISTING),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}",
        get_version,
        Call((FORMAT, REFERENCE_FORMAT, DELETED, FIND_TAGS), None, ref("Schema")),
        needs=on_subject(READ),
    ),
    Route(
        "DELETE",
        "/subjects/{subject}/versions/{version}",
        delete_version,
        Call((PERMANENT,), None, NUMBER),
        needs=on_subject(DELETE),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}/schema",
        get_version_text,
        Call((FORMAT, DELETED), None, SCHEMA_OBJECT),
        needs=on_subject(READ),
    ),
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}/referencedby",
        referenced_by,
        Call((DELETED, *PAGE), None, array(NUMBER)),
        needs=on_subject(DESCRIBE),
    ),
    Route(
        "POST",
        "/subjects/{subject}/versions/{version}/tags",
        tag_version,
        Call((), ref("TagSchemaRequest"), _REGISTERED),
        needs=on_subject(WRITE),
    ),
)

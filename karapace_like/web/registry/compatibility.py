"""/compatibility: may this schema follow what is registered? (Confluent API, "Compatibility")."""

from collections.abc import Sequence

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import checks, errors, registration
from karapace_like.registry.store import StoredVersion
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import ref
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.objects import NORMALIZE, VERBOSE
from karapace_like.web.registry.permissions import on_subject
from karapace_like.web.routing import Call, Route


@requests.mentions_misspelt_fields
async def check_version(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/versions/{version}: Check a schema against one version."""
    number = requests.version(request)
    store = visibility.store(request)
    subject = requests.subject(request)
    if number == -1:
        return await _answer(request, store.versions(subject)[-1:])
    stored = store.version(subject, number)
    if stored is None:
        raise errors.version_not_found_error(number)
    return await _answer(request, [stored])


@requests.mentions_misspelt_fields
async def check_all(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/versions: Check a schema as a registration would."""
    return await _answer(request, visibility.store(request).versions(requests.subject(request)))


async def _answer(request: web.Request, candidates: Sequence[StoredVersion]) -> web.Response:
    submission = await requests.submission(request)
    registry = requests.registry(request)
    store, subject = registry.read(), requests.subject(request)
    config = store.config(subject)
    basis = requests.cache_validity(request, store.versions_by_number(subject), submission)
    is_verbose = requests.flag(request, "verbose")
    try:
        resolved, content = await registration.understand(
            store, registry.engines, subject, submission, registry.rules.strictness, config
        )
        registration.require_live_references(store, subject, submission)
    except errors.RejectedSchemaError as error:
        if not is_verbose:
            raise
        # A check that asks for reasons gets this one in the same place, as from Confluent's registry.
        return respond_as_registry(request, {"is_compatible": False, "messages": [error.message]})
    judgement = await checks.check(
        store, registry.engines, resolved, content.metadata, candidates, config, registry.rules.compatibility
    )
    requests.allow_caching(request, basis)
    answer: dict[str, object] = {"is_compatible": judgement.is_compatible}
    if is_verbose:
        answer["messages"] = judgement.messages
    return respond_as_registry(request, answer)


_CHECK = Call((NORMALIZE, VERBOSE), ref("RegisterSchemaRequest"), ref("CompatibilityCheckResponse"))

ROUTES = (
    Route(
        "POST",
        "/compatibility/subjects/{subject}/versions/{version}",
        check_version,
        ApiRole.REGISTRY,
        _CHECK,
        permission=on_subject(Operation.READ),
    ),
    Route(
        "POST",
        "/compatibility/subjects/{subject}/versions",
        check_all,
        ApiRole.REGISTRY,
        _CHECK,
        permission=on_subject(Operation.READ),
    ),
)

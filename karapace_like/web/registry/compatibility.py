"""/compatibility: may this schema follow what is registered? (Confluent API, "Compatibility")."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import checks, errors, registration
from karapace_like.registry.registration import Submission
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import ref
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, subject_calls, visibility
from karapace_like.web.registry.objects import NORMALIZE, VERBOSE
from karapace_like.web.registry.permissions import on_subject
from karapace_like.web.registry.subject_calls import SubjectAnswer
from karapace_like.web.routing import Call, Route


@requests.mentions_misspelt_fields
async def check_version(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/versions/{version}: Check a schema against one version."""
    return await _respond(request, partial(_select_version, requests.version(request)))


@requests.mentions_misspelt_fields
async def check_all(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/versions: Check a schema as a registration would."""
    return await _respond(request, _select_all)


_Select: TypeAlias = Callable[[RegistryView, str], Sequence[StoredVersion]]
"""Returns the versions of a subject that are compared with; raises RegistryError."""


def _select_version(number: int, store: RegistryView, subject: str) -> Sequence[StoredVersion]:
    if number == -1:
        return store.versions(subject)[-1:]
    stored = store.version(subject, number)
    if stored is None:
        raise errors.version_not_found_error(number)
    return [stored]


def _select_all(store: RegistryView, subject: str) -> Sequence[StoredVersion]:
    return store.versions(subject)


async def _respond(request: web.Request, select: _Select) -> web.Response:
    subject = requests.subject(request)
    candidates = select(visibility.store(request), subject)
    submission, is_verbose = await requests.submission(request), requests.flag(request, "verbose")
    answer = await _check(requests.registry(request), subject, submission, candidates, is_verbose=is_verbose)
    subject_calls.offer(request, answer.validity, partial(_answer_check, select))
    return respond_as_registry(request, answer.value)


async def _answer_check(select: _Select, registry: Registry, subject: str, submission: Submission) -> SubjectAnswer:
    return await _check(registry, subject, submission, select(registry.read(), subject), is_verbose=False)


async def _check(
    registry: Registry, subject: str, submission: Submission, candidates: Sequence[StoredVersion], *, is_verbose: bool
) -> SubjectAnswer:
    store = registry.read()
    config = store.config(subject)
    validity = requests.find_validity(registry, store.versions_by_number(subject), submission)
    try:
        resolved, content = await registration.understand(
            store, registry.engines, subject, submission, registry.rules.strictness, config
        )
        registration.require_live_references(store, subject, submission)
    except errors.RejectedSchemaError as error:
        if not is_verbose:
            raise
        # A check that asks for reasons gets this one in the same place, as from Confluent's registry.
        return SubjectAnswer({"is_compatible": False, "messages": [error.message]}, None)
    judgement = await checks.check(
        store, registry.engines, resolved, content.metadata, candidates, config, registry.rules.compatibility
    )
    answer: dict[str, object] = {"is_compatible": judgement.is_compatible}
    if is_verbose:
        answer["messages"] = judgement.messages
    return SubjectAnswer(answer, validity)


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

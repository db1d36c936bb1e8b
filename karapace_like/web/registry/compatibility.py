"""/compatibility: may this schema follow what is registered? (Confluent API, "Compatibility")."""

from collections.abc import Sequence

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import checks, errors, registration
from karapace_like.registry.remembering import off_the_loop
from karapace_like.registry.store import StoredVersion
from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import ref
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.needs import on_subject
from karapace_like.web.registry.objects import NORMALIZE, VERBOSE
from karapace_like.web.routing import Call, Route


@off_the_loop
async def check_version(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/versions/{version}: against this one version only."""
    number = requests.version(request)
    store = visibility.store(request)
    subject = requests.subject(request)
    if number == -1:
        return await _answer(request, store.versions(subject)[-1:])
    found = store.version(subject, number)
    if found is None:
        raise errors.version_not_found(number)
    return await _answer(request, [found])


@off_the_loop
async def check_all(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/versions: as a registration would be checked."""
    return await _answer(request, visibility.store(request).versions(requests.subject(request)))


async def _answer(request: web.Request, candidates: Sequence[StoredVersion]) -> web.Response:
    submission = await requests.submission(request)
    registry = requests.registry(request)
    store, subject = registry.read(), requests.subject(request)
    config = store.config(subject)
    parsed, content = registration.understood(store, subject, submission, registry.rules.strictness, config)
    requests.remember(request, store.kept(subject), submission)
    judgement = checks.check(store, parsed, content.metadata, candidates, config, registry.rules.compatibility)
    answer: dict[str, object] = {"is_compatible": judgement.is_compatible}
    if requests.flag(request, "verbose"):
        answer["messages"] = judgement.messages
    return registry_answer(request, answer)


_CHECK = Call((NORMALIZE, VERBOSE), ref("RegisterSchemaRequest"), ref("CompatibilityCheckResponse"))

ROUTES = (
    Route(
        "POST",
        "/compatibility/subjects/{subject}/versions/{version}",
        check_version,
        _CHECK,
        needs=on_subject(Operation.READ),
    ),
    Route("POST", "/compatibility/subjects/{subject}/versions", check_all, _CHECK, needs=on_subject(Operation.READ)),
)

"""/dek-registry/v1/keks/{kek}/deks: data encryption keys of subjects (Confluent API, "DEK registry")."""

from functools import partial

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.keys import dek_planning, lookups
from karapace_like.keys.dek_planning import KeyWrapping
from karapace_like.keys.keys import Dek
from karapace_like.keys.store import KeyStore
from karapace_like.replication.planning import Plan, without_engines
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import NUMBER, array, ref
from karapace_like.web.keys import rendering, requests
from karapace_like.web.keys.objects import ALGORITHM, CONTEXT, DELETED, PERMANENT, REWRAP, SUBJECT_NAME
from karapace_like.web.keys.permissions import CREATES_DEK, may_describe_subject, on_dek, on_kek, require_subject
from karapace_like.web.keys.services import BASE, find_services, read_keys, respond, respond_empty, write
from karapace_like.web.registry.objects import PAGE
from karapace_like.web.registry.requests import flag, page
from karapace_like.web.routing import Call, Route

_FIRST_VERSION = 1


async def list_dek_subjects(request: web.Request) -> web.Response:
    """GET /dek-registry/v1/keks/{kek}/deks: List the subjects that have DEKs of a KEK."""
    store, kek_name = read_keys(request), request.match_info["kek"]
    subjects = lookups.list_dek_subjects(store, kek_name, deleted=flag(request, "deleted"))
    visible = [subject for subject in subjects if may_describe_subject(request, subject)]
    return respond(request, page(request).of(visible))


async def create_dek(request: web.Request) -> web.Response:
    """POST /dek-registry/v1/keks/{kek}/deks/{subject}: Create a DEK; for a shared KEK, have the service generate it."""
    submission = await requests.dek_submission(request)
    require_subject(request, submission.id.subject)
    services = find_services(request)
    wrapping = KeyWrapping(services.kms)

    async def planner(store: KeyStore, _: None) -> Plan[bytes | None]:
        return await dek_planning.create(store, submission, wrapping, services.rules)

    written = await write(request, planner)
    if isinstance(written, web.Response):
        return written
    stored = lookups.find_dek(read_keys(request), submission.id, deleted=True)
    return respond(request, rendering.dek(stored, written.answer))


async def get_dek(request: web.Request) -> web.Response:
    """GET /dek-registry/v1/keks/{kek}/deks/{subject}: Return version 1 of a DEK."""
    return await _respond_with(request, _FIRST_VERSION)


async def list_dek_versions(request: web.Request) -> web.Response:
    """GET /dek-registry/v1/keks/{kek}/deks/{subject}/versions: List the versions of a DEK."""
    versions = lookups.list_versions(
        read_keys(request),
        request.match_info["kek"],
        requests.subject(request),
        requests.algorithm(request),
        deleted=flag(request, "deleted"),
    )
    return respond(request, page(request).of(versions))


async def get_dek_version(request: web.Request) -> web.Response:
    """GET /dek-registry/v1/keks/{kek}/deks/{subject}/versions/{version}: Return a version; `latest` is the newest."""
    return await _respond_with(request, requests.version(request))


async def delete_deks(request: web.Request) -> web.Response:
    """DELETE /dek-registry/v1/keks/{kek}/deks/{subject}: Delete all versions of one algorithm."""
    plan = partial(
        dek_planning.delete_subject,
        kek_name=request.match_info["kek"],
        subject=requests.subject(request),
        algorithm=requests.algorithm(request),
        permanent=flag(request, "permanent"),
    )
    written = await write(request, without_engines(plan))
    return written if isinstance(written, web.Response) else respond_empty(request)


async def delete_dek_version(request: web.Request) -> web.Response:
    """DELETE /dek-registry/v1/keks/{kek}/deks/{subject}/versions/{version}: Delete a version."""
    key_id = requests.dek_id(request, requests.version(request))
    plan = partial(dek_planning.delete_version, key_id=key_id, permanent=flag(request, "permanent"))
    written = await write(request, without_engines(plan))
    return written if isinstance(written, web.Response) else respond_empty(request)


async def undelete_deks(request: web.Request) -> web.Response:
    """POST /dek-registry/v1/keks/{kek}/deks/{subject}/undelete: Restore all versions of one algorithm."""
    plan = partial(
        dek_planning.undelete_subject,
        kek_name=request.match_info["kek"],
        subject=requests.subject(request),
        algorithm=requests.algorithm(request),
    )
    written = await write(request, without_engines(plan))
    return written if isinstance(written, web.Response) else respond_empty(request)


async def undelete_dek_version(request: web.Request) -> web.Response:
    """POST /dek-registry/v1/keks/{kek}/deks/{subject}/versions/{version}/undelete: Restore a version."""
    key_id = requests.dek_id(request, requests.version(request))
    written = await write(request, without_engines(partial(dek_planning.undelete_version, key_id=key_id)))
    return written if isinstance(written, web.Response) else respond_empty(request)


async def _respond_with(request: web.Request, version: int) -> web.Response:
    """Respond with the DEK; with its key in the clear, if the KEK is shared."""
    store = read_keys(request)
    dek = lookups.find_dek(store, requests.dek_id(request, version), deleted=flag(request, "deleted"))
    return respond(request, rendering.dek(dek, await _unwrap(request, store, dek)))


async def _unwrap(request: web.Request, store: KeyStore, dek: Dek) -> bytes | None:
    kek = lookups.find_kek(store, dek.id.kek_name, deleted=True)
    return await find_services(request).kms.unwrap(kek, dek.id.subject, dek.wrapped) if kek.shared else None


_ROLE = ApiRole.REGISTRY
_DEKS = BASE + "/{kek}/deks"
_SUBJECT = _DEKS + "/{subject}"
_VERSION = _SUBJECT + "/versions/{version}"
_CREATE = Call((REWRAP, CONTEXT), ref("CreateDekRequest"), ref("Dek"))
_GET = Call((ALGORITHM, DELETED, CONTEXT), None, ref("Dek"))
_DELETE = Call((ALGORITHM, PERMANENT, CONTEXT), status=204)
_UNDELETE = Call((ALGORITHM, CONTEXT), status=204)
ROUTES = (
    Route(
        "GET",
        _DEKS,
        list_dek_subjects,
        _ROLE,
        Call((DELETED, *PAGE), None, array(SUBJECT_NAME)),
        permission=on_kek(Operation.DESCRIBE),
    ),
    Route("POST", _DEKS, create_dek, _ROLE, _CREATE, permission=on_kek(*CREATES_DEK)),
    Route("GET", _SUBJECT, get_dek, _ROLE, _GET, permission=on_dek(Operation.READ)),
    Route("POST", _SUBJECT, create_dek, _ROLE, _CREATE, permission=on_dek(*CREATES_DEK)),
    Route("DELETE", _SUBJECT, delete_deks, _ROLE, _DELETE, permission=on_dek(Operation.DELETE)),
    Route("POST", f"{_SUBJECT}/undelete", undelete_deks, _ROLE, _UNDELETE, permission=on_dek(Operation.DELETE)),
    Route(
        "GET",
        f"{_SUBJECT}/versions",
        list_dek_versions,
        _ROLE,
        Call((ALGORITHM, DELETED, CONTEXT, *PAGE), None, array(NUMBER)),
        permission=on_dek(Operation.DESCRIBE),
    ),
    Route("GET", _VERSION, get_dek_version, _ROLE, _GET, permission=on_dek(Operation.READ)),
    Route("DELETE", _VERSION, delete_dek_version, _ROLE, _DELETE, permission=on_dek(Operation.DELETE)),
    Route("POST", f"{_VERSION}/undelete", undelete_dek_version, _ROLE, _UNDELETE, permission=on_dek(Operation.DELETE)),
)

"""/dek-registry/v1/keks: key encryption keys (Confluent API, "DEK registry")."""

from functools import partial

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.keys import envelope, errors, kek_planning, lookups, rules
from karapace_like.keys.keys import DEFAULT_ALGORITHM, Kek
from karapace_like.replication.planning import without_engines
from karapace_like.web.callers import access
from karapace_like.web.callers.permissions import AUTHENTICATED, RequiredPermission
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import array, ref
from karapace_like.web.keys import rendering, requests
from karapace_like.web.keys.objects import CONTEXT, DELETED, KEK_NAME, PERMANENT, SUBJECT_PREFIX, TEST_SHARING
from karapace_like.web.keys.permissions import may_see_secrets, on_kek
from karapace_like.web.keys.services import BASE, find_services, read_keys, respond, respond_empty, write
from karapace_like.web.registry.objects import PAGE
from karapace_like.web.registry.requests import flag, page
from karapace_like.web.routing import Call, Route


async def list_keks(request: web.Request) -> web.Response:
    """GET /dek-registry/v1/keks: List the names of the KEKs."""
    prefixes = [prefix for prefix in request.query.getall("subjectPrefix", []) if prefix]
    names = lookups.list_keks(read_keys(request), prefixes, deleted=flag(request, "deleted"))
    visible = [name for name in names if access.is_allowed(request, Operation.DESCRIBE, ResourceKind.KEK, name)]
    return respond(request, page(request).of(visible))


async def create_kek(request: web.Request) -> web.Response:
    """POST /dek-registry/v1/keks: Create a KEK, or restore a soft-deleted one that is the same."""
    kek = await requests.new_kek(request)
    access.require(request, Operation.WRITE, ResourceKind.KEK, [kek.name])
    if flag(request, "testSharing") and kek.shared:
        rules.check_kek(kek)
        await _test_sharing(request, kek)
    plan = partial(kek_planning.create, kek=kek, limits=find_services(request).rules)
    written = await write(request, without_engines(plan))
    return written if isinstance(written, web.Response) else _respond_with(request, kek.name)


async def get_kek(request: web.Request) -> web.Response:
    """GET /dek-registry/v1/keks/{kek}: Return a KEK."""
    return _respond_with(request, request.match_info["kek"], deleted=flag(request, "deleted"))


async def update_kek(request: web.Request) -> web.Response:
    """PUT /dek-registry/v1/keks/{kek}: Set the properties, the description, or the sharing of a KEK."""
    name, changes = request.match_info["kek"], await requests.kek_changes(request)
    if flag(request, "testSharing"):
        updated = msgspec.structs.replace(lookups.find_kek(read_keys(request), name, deleted=False), **changes)
        if updated.shared:
            rules.check_details(updated)
            await _test_sharing(request, updated)
    written = await write(request, without_engines(partial(kek_planning.update, name=name, changes=changes)))
    return written if isinstance(written, web.Response) else _respond_with(request, name)


async def delete_kek(request: web.Request) -> web.Response:
    """DELETE /dek-registry/v1/keks/{kek}: Delete a KEK without DEKs."""
    plan = partial(kek_planning.delete, name=request.match_info["kek"], permanent=flag(request, "permanent"))
    written = await write(request, without_engines(plan))
    return written if isinstance(written, web.Response) else respond_empty(request)


async def undelete_kek(request: web.Request) -> web.Response:
    """POST /dek-registry/v1/keks/{kek}/undelete: Restore a soft-deleted KEK."""
    written = await write(request, without_engines(partial(kek_planning.undelete, name=request.match_info["kek"])))
    return written if isinstance(written, web.Response) else respond_empty(request)


async def check_kek(request: web.Request) -> web.Response:
    """POST /dek-registry/v1/keks/{kek}/test: Have the KMS of a shared KEK wrap a key that is not kept."""
    kek = lookups.find_kek(read_keys(request), request.match_info["kek"], deleted=False)
    if not kek.shared:
        raise errors.invalid_key("shared", "only a shared KEK can be tested")
    await _test_sharing(request, kek)
    return respond(request, rendering.stored_kek(kek, with_secrets=may_see_secrets(request, kek.name)))


async def _test_sharing(request: web.Request, kek: Kek) -> None:
    """Raise ApiError unless the KMS wraps with the KEK."""
    kek = msgspec.structs.replace(kek, kms_type=rules.normalize_kms_type(kek.kms_type))
    await find_services(request).kms.wrap(kek, kek.name, envelope.generate_key(DEFAULT_ALGORITHM))


def _respond_with(request: web.Request, name: str, *, deleted: bool = True) -> web.Response:
    kek = lookups.find_kek(read_keys(request), name, deleted=deleted)
    return respond(request, rendering.kek(kek, with_secrets=may_see_secrets(request, name)))


_ROLE = ApiRole.REGISTRY
_KEK = BASE + "/{kek}"
_CREATES = RequiredPermission(is_write=True)
"""The body names the KEK."""
ROUTES = (
    Route(
        "GET",
        BASE,
        list_keks,
        _ROLE,
        Call((SUBJECT_PREFIX, DELETED, *PAGE), None, array(KEK_NAME)),
        permission=AUTHENTICATED,
    ),
    Route(
        "POST",
        BASE,
        create_kek,
        _ROLE,
        Call((TEST_SHARING, CONTEXT), ref("CreateKekRequest"), ref("Kek")),
        permission=_CREATES,
    ),
    Route("GET", _KEK, get_kek, _ROLE, Call((DELETED, CONTEXT), None, ref("Kek")), permission=on_kek(Operation.READ)),
    Route(
        "PUT",
        _KEK,
        update_kek,
        _ROLE,
        Call((TEST_SHARING, CONTEXT), ref("UpdateKekRequest"), ref("Kek")),
        permission=on_kek(Operation.CONFIG),
    ),
    Route("DELETE", _KEK, delete_kek, _ROLE, Call((PERMANENT,), status=204), permission=on_kek(Operation.DELETE)),
    Route("POST", f"{_KEK}/undelete", undelete_kek, _ROLE, Call(status=204), permission=on_kek(Operation.CONFIG)),
    Route(
        "POST",
        f"{_KEK}/test",
        check_kek,
        _ROLE,
        Call((), None, ref("StoredKek")),
        permission=on_kek(Operation.CONFIG),
    ),
)

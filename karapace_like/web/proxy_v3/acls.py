"""Search, create and delete access control lists (ACLs)."""

from typing import Any

from aiohttp import web
from yarl import URL

from karapace_like.access.policy import Operation as Doing
from karapace_like.access.policy import ResourceKind
from karapace_like.administration import Acl, AclFilter, Operation, PatternType, Permission, ResourceType
from karapace_like.proxy.v3 import errors
from karapace_like.web.callers.permissions import on_every
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import CREATE_ACL, CREATE_ACLS, DELETE_ACLS, SEARCH_ACLS
from karapace_like.web.proxy_v3.links import link_to_cluster, render_list
from karapace_like.web.proxy_v3.requests import answer, body, cluster, management, member, require_objects, require_text
from karapace_like.web.routing import Route


async def search_acls(request: web.Request) -> web.Response:
    """GET .../acls: List the ACLs that match the query."""
    wanted = _parse_filter(request)
    acls = await management(request).acls.search(cluster(request), wanted)
    return answer(
        request,
        render_list(request, "KafkaAclList", _acl_url(request, wanted), [_render_acl(request, acl) for acl in acls]),
    )


async def create_acl(request: web.Request) -> web.Response:
    """POST .../acls: Create an ACL."""
    acl = _parse_acl(await body(request, "CreateAclRequest", Acl._fields))
    await management(request).acls.create(cluster(request), [acl])
    return web.Response(status=201, headers={"Location": _acl_url(request, acl)})


async def create_acls(request: web.Request) -> web.Response:
    """POST .../acls:batch: Create several ACLs."""
    json_object = await body(request, "CreateAclBatchRequest", ("data",))
    listed = require_objects(json_object, "data", "data")
    for entry in listed:
        check_fields(entry, Acl._fields)
    await management(request).acls.create(cluster(request), [_parse_acl(entry) for entry in listed])
    return web.Response(status=201)


async def delete_acls(request: web.Request) -> web.Response:
    """DELETE .../acls: Delete the ACLs that match the query, and return them."""
    for name in ("resource_type", "pattern_type", "operation", "permission"):
        if not request.query.get(name):
            raise errors.missing_field(name, "the query")
    deleted = await management(request).acls.delete(cluster(request), _parse_filter(request))
    return answer(request, {"data": [_render_acl(request, acl) for acl in deleted]})


def _parse_filter(request: web.Request) -> AclFilter:
    query = request.query
    return AclFilter(
        member(ResourceType, "resource_type", query.get("resource_type"), ResourceType.ANY),
        query.get("resource_name") or None,
        member(PatternType, "pattern_type", query.get("pattern_type"), PatternType.ANY),
        query.get("principal") or None,
        query.get("host") or None,
        member(Operation, "operation", query.get("operation"), Operation.ANY),
        member(Permission, "permission", query.get("permission"), Permission.ANY),
    )


def _parse_acl(json_object: JsonObject) -> Acl:
    return Acl(
        member(ResourceType, "resource_type", json_object.string("resource_type"), None),
        require_text(json_object, "resource_name"),
        member(PatternType, "pattern_type", json_object.string("pattern_type"), None),
        require_text(json_object, "principal"),
        require_text(json_object, "host"),
        member(Operation, "operation", json_object.string("operation"), None),
        member(Permission, "permission", json_object.string("permission"), None),
    )


def _build_url(request: web.Request) -> str:
    return link_to_cluster(request).child_url("acls")


def _acl_url(request: web.Request, acl: Acl | AclFilter) -> str:
    """Return the address of the ACL, or of those that match the filter; unset parameters are empty."""
    query = {name: "" if value is None else str(value) for name, value in acl._asdict().items()}
    return str(URL(_build_url(request)).with_query(query))


def _render_acl(request: web.Request, acl: Acl) -> dict[str, Any]:
    return {
        "kind": "KafkaAcl",
        "metadata": {"self": _acl_url(request, acl)},
        "cluster_id": cluster(request),
        **acl._asdict(),
    }


_ACLS = "/v3/clusters/{cluster}/acls"
ROUTES = (
    Route(
        "GET",
        _ACLS,
        search_acls,
        ApiRole.MANAGEMENT,
        SEARCH_ACLS,
        permission=on_every(ResourceKind.CLUSTER, Doing.DESCRIBE),
    ),
    Route(
        "POST",
        _ACLS,
        create_acl,
        ApiRole.MANAGEMENT,
        CREATE_ACL,
        permission=on_every(ResourceKind.CLUSTER, Doing.CONFIG),
    ),
    Route(
        "POST",
        f"{_ACLS}:batch",
        create_acls,
        ApiRole.MANAGEMENT,
        CREATE_ACLS,
        permission=on_every(ResourceKind.CLUSTER, Doing.CONFIG),
    ),
    Route(
        "DELETE",
        _ACLS,
        delete_acls,
        ApiRole.MANAGEMENT,
        DELETE_ACLS,
        permission=on_every(ResourceKind.CLUSTER, Doing.CONFIG),
    ),
)

"""Access control lists: search, create, delete."""

from typing import Any

from aiohttp import web
from yarl import URL

from karapace_like.access.policy import Kind
from karapace_like.access.policy import Operation as Doing
from karapace_like.administration import Acl, AclFilter, Operation, PatternType, Permission, ResourceType
from karapace_like.proxy.v3 import errors
from karapace_like.web.bodies import JsonObject
from karapace_like.web.needs import on_every
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import CREATE_ACL, CREATE_ACLS, DELETE_ACLS, SEARCH_ACLS
from karapace_like.web.proxy_v3.links import cluster_place, listing
from karapace_like.web.proxy_v3.requests import answer, body, cluster, management, member, needed, needed_objects
from karapace_like.web.routing import Route


async def search(request: web.Request) -> web.Response:
    """GET .../acls: those that match the query."""
    wanted = _filter(request)
    found = await management(request).acls.search(cluster(request), wanted)
    return answer(
        request, listing(request, "KafkaAclList", _acl_url(request, wanted), [_acl(request, each) for each in found])
    )


async def create(request: web.Request) -> web.Response:
    """POST .../acls: 201 without a body."""
    acl = _requested(await body(request, "CreateAclRequest", Acl._fields))
    await management(request).acls.create(cluster(request), [acl])
    return web.Response(status=201, headers={"Location": _acl_url(request, acl)})


async def create_several(request: web.Request) -> web.Response:
    """POST .../acls:batch: 201 without a body."""
    found = await body(request, "CreateAclBatchRequest", ("data",))
    listed = needed_objects(found, "data", "CreateAclRequest")
    for each in listed:
        check_fields(each, Acl._fields)
    await management(request).acls.create(cluster(request), [_requested(each) for each in listed])
    return web.Response(status=201)


async def delete(request: web.Request) -> web.Response:
    """DELETE .../acls: those that match the query, which must say of what kind; they are shown a last time."""
    for name in ("resource_type", "pattern_type", "operation", "permission"):
        if not request.query.get(name):
            raise errors.malformed(f"{name} is required")
    deleted = await management(request).acls.delete(cluster(request), _filter(request))
    return answer(request, {"data": [_acl(request, each) for each in deleted]})


def _filter(request: web.Request) -> AclFilter:
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


def _requested(found: JsonObject) -> Acl:
    return Acl(
        member(ResourceType, "resource_type", found.string("resource_type"), None),
        needed(found, "resource_name"),
        member(PatternType, "pattern_type", found.string("pattern_type"), None),
        needed(found, "principal"),
        needed(found, "host"),
        member(Operation, "operation", found.string("operation"), None),
        member(Permission, "permission", found.string("permission"), None),
    )


def _url(request: web.Request) -> str:
    return cluster_place(request).beside("acls")


def _acl_url(request: web.Request, acl: Acl | AclFilter) -> str:
    """Where the ACL, or those that match, are found; what is not said is empty."""
    query = {name: "" if value is None else str(value) for name, value in acl._asdict().items()}
    return str(URL(_url(request)).with_query(query))


def _acl(request: web.Request, acl: Acl) -> dict[str, Any]:
    return {
        "kind": "KafkaAcl",
        "metadata": {"self": _acl_url(request, acl)},
        "cluster_id": cluster(request),
        **acl._asdict(),
    }


_ACLS = "/v3/clusters/{cluster}/acls"
ROUTES = (
    Route("GET", _ACLS, search, SEARCH_ACLS, needs=on_every(Kind.CLUSTER, Doing.DESCRIBE)),
    Route("POST", _ACLS, create, CREATE_ACL, needs=on_every(Kind.CLUSTER, Doing.CONFIG)),
    Route("POST", f"{_ACLS}:batch", create_several, CREATE_ACLS, needs=on_every(Kind.CLUSTER, Doing.CONFIG)),
    Route("DELETE", _ACLS, delete, DELETE_ACLS, needs=on_every(Kind.CLUSTER, Doing.CONFIG)),
)

"""Who calls, what they may do, and what this listener serves: what the console shows and offers depends on it."""

from collections.abc import Iterator, Mapping

from aiohttp import web

from karapace_like import __version__
from karapace_like.access.policy import Grant, Operation, Policy, ResourceKind
from karapace_like.access.principals import Principal
from karapace_like.errors import ApiError
from karapace_like.process.loopback import is_loopback
from karapace_like.registry import names
from karapace_like.web.callers import access
from karapace_like.web.callers.access import ACCESS, Access, Caller
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.console.settings import CONSOLE
from karapace_like.web.http.api_roles import ApiRole, ApiRoles
from karapace_like.web.http.json_schemas import BOOLEAN, array, one_of, text, whole
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.routing import REGISTERED_ROUTES, Call, Parameter, Route

_PARTS: Mapping[str, tuple[str, str]] = {
    "registry": ("GET", "/subjects"),
    "topics": ("GET", "/topics"),
    "records": ("GET", "/topics/{topic}/partitions/{partition}/records"),
    "produce": ("POST", "/topics/{topic}"),
    "groups": ("GET", "/v3/clusters/{cluster}/consumer-groups"),
    "queues": ("GET", "/queues"),
    "policies": ("GET", "/policies/{policy}"),
    "connect": ("GET", "/connectors"),
    "metrics": ("GET", "/metrics"),
    "health": ("GET", "/health/ready"),
    "docs": ("GET", "/docs"),
}
"""Name of a part of the console -> the call of the API that it needs above all."""
_METHODS: Mapping[Operation, str] = {
    Operation.DESCRIBE: "GET",
    Operation.READ: "GET",
    Operation.READ_SECRETS: "GET",
    Operation.WRITE: "POST",
    Operation.REGISTER_EXISTING: "POST",
    Operation.DELETE: "DELETE",
    Operation.CONFIG: "PUT",
}
"""Operation -> the method of its calls: roles of tokens may allow methods."""
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "Via")


async def get_caller(request: web.Request) -> web.Response:
    """GET /console/caller: Return who calls, their grants, and the parts of the API that this listener serves."""
    calling = access.caller(request)
    answer = {
        "principal": calling.principal.name if calling.is_authenticated else "",
        "authenticatedBy": str(calling.principal.method),
        "accessControl": isinstance(request.app[ACCESS], Access),
        "writes": _offers_writes(request),
        "serves": [name for name, call in _PARTS.items() if _is_served(request, *call)],
        "grants": [_render_grant(grant) for grant in _list_grants(calling)],
        "version": __version__,
    }
    return respond_as_registry(request, answer)


async def list_permissions(request: web.Request) -> web.Response:
    """GET /console/permissions: List the operations that the caller may perform on one resource."""
    kind, name = request.query.get("kind", ""), request.query.get("name", "")
    if kind not in set(ResourceKind):
        expected = ", ".join(ResourceKind)
        raise ApiError(
            422, f"The query parameter kind is {kind!r}, which is no kind of resource. Expected: {expected}."
        )
    resource = ResourceKind(kind)
    spellings = (
        access.resource_names(names.canonical(name))
        if resource is ResourceKind.SUBJECT
        else (resource.name_resource(name),)
    )
    calling = access.caller(request)
    allowed = [operation for operation in Operation if _may(request, calling.principal, operation, spellings)]
    return respond_as_registry(request, {"kind": kind, "name": name, "operations": allowed})


def _may(request: web.Request, principal: Principal, operation: Operation, spellings: tuple[str, ...]) -> bool:
    control = request.app[ACCESS]
    policy = control.find_policy(principal, _METHODS[operation]) if isinstance(control, Access) else None
    return policy is None or policy.allows(principal, operation, *spellings)


def _offers_writes(request: web.Request) -> bool:
    """Whether the console offers changes to the caller; the API decides about each of them anyway."""
    writes = request.app[CONSOLE].writes
    if writes is not None:
        return writes
    return isinstance(request.app[ACCESS], Access) or _is_local(request)


def _is_local(request: web.Request) -> bool:
    """Whether the client is on this machine, as far as can be seen: no proxy has forwarded the request."""
    if request.remote is None or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    return is_loopback(request.remote) and is_loopback(request.host.rpartition(":")[0] or request.host)


def _is_served(request: web.Request, method: str, path: str) -> bool:
    roles: ApiRoles = request.protocol.roles  # type: ignore[attr-defined] # of web/server/connection.py
    return any(
        route.method == method and route.path == path and route.role in roles
        for route, _ in request.app[REGISTERED_ROUTES]
    )


def _list_grants(calling: Caller) -> Iterator[Grant]:
    if isinstance(calling.policy, Policy):
        yield from (grant for grant in calling.policy.grants if grant.is_for(calling.principal))


def _render_grant(grant: Grant) -> dict[str, object]:
    return {"operations": sorted(grant.operations), "resources": grant.literal or grant.resources.pattern or "*"}


_CALLER = whole(
    principal=text("alice"),
    authenticatedBy=text("password"),
    accessControl=BOOLEAN,
    writes=BOOLEAN,
    serves=array(one_of(_PARTS)),
    grants=array(whole(operations=array(one_of(Operation)), resources=text("Subject:lifts-value"))),
    version=text(__version__),
)
_PERMISSIONS = whole(kind=one_of(ResourceKind), name=text("lifts-value"), operations=array(one_of(Operation)))
_RESOURCE = (
    Parameter("kind", one_of(ResourceKind), "Kind of the resource.", required=True),
    Parameter("name", text("lifts-value"), "Name of the resource; a subject may be qualified by its context."),
)

ROUTES = (
    Route("GET", "/console/caller", get_caller, ApiRole.CONSOLE, Call(response=_CALLER), AUTHENTICATED),
    Route(
        "GET",
        "/console/permissions",
        list_permissions,
        ApiRole.CONSOLE,
        Call(_RESOURCE, None, _PERMISSIONS),
        AUTHENTICATED,
    ),
)

"""Access control: authenticates the caller, checks the route's permission, and writes a line to the audit log.

Every request has a `Caller`. Without access control that is `ANYONE`, whom an application must name explicitly by
`OpenAccess`; a request whose caller was not established is refused.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, MutableMapping
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, unquote

from aiohttp import web

from karapace_like.access import errors
from karapace_like.access.authfile import Authfile
from karapace_like.access.policy import (
    EVERYTHING,
    UNRESTRICTED,
    Decision,
    Operation,
    Policy,
    ResourceKind,
    Unrestricted,
)
from karapace_like.access.principals import Method, Principal
from karapace_like.errors import ApiError
from karapace_like.process import logs
from karapace_like.registry import names
from karapace_like.web.callers import quotas, usage
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.callers.permissions import RequiredPermission
from karapace_like.web.http import request_ids
from karapace_like.web.http.errors import Handler
from karapace_like.web.http.targets import hide_values

audit_logger = logging.getLogger("karapace_like.audit")
_REFUSED = frozenset({401, 403})
_NOBODY = Policy(())
_CERTIFIED = "X-Worker-Certified"
"""Between our own processes: the principal of the caller's certificate. It is ignored in requests of others."""


def resource_names(subject: str) -> tuple[str, str]:
    """Return the names of a subject as a resource: its own, and that of its context."""
    return ResourceKind.SUBJECT.name_resource(subject), ResourceKind.CONTEXT.name_resource(names.context_of(subject))


class Caller(NamedTuple):
    """The caller of a request, with the policy that decides about them."""

    principal: Principal
    policy: Decision

    @property
    def is_restricted(self) -> bool:
        """Whether there is anything that a policy could deny."""
        return not isinstance(self.policy, Unrestricted)

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller was authenticated."""
        return self.principal.method is not Method.NONE

    def is_allowed(self, operation: Operation, *resources: str) -> bool:
        """Whether the caller may do this with a resource that has all of these names."""
        return self.policy.allows(self.principal, operation, *resources)

    def may_read(self, subject: str) -> bool:
        """Whether the caller may read the schemas of the subject, by its canonical name."""
        return self.is_allowed(Operation.READ, *resource_names(subject))

    def require(self, operations: Iterable[Operation], resources: Iterable[tuple[str, ...]]) -> None:
        """Raise ForbiddenError unless the caller may do one of the operations with all of the resources."""
        for spellings in resources:
            if not any(self.is_allowed(operation, *spellings) for operation in operations):
                raise errors.forbidden(self.principal.name, " or ".join(operations), spellings[0])


ANYONE = Caller(usage.NOBODY, UNRESTRICTED)
"""The caller where credentials are not asked for: without access control, and on open paths."""
_CALLER = web.RequestKey("caller", Caller)
_NEED = web.RequestKey("need", RequiredPermission)
_FROM_NODE = web.RequestKey("from_node", bool)
_AUDITED_ELSEWHERE = web.RequestKey("audited_elsewhere", bool)
_ITSELF = Principal("(node)", Method.NODE)


def caller(request: web.Request) -> Caller:
    """Return the caller; raise UnauthenticatedError if none was established, such as for a route without a guard."""
    caller_ = request.get(_CALLER)
    return request.app[ACCESS].find_default_caller() if caller_ is None else caller_


def is_authorised(request: web.BaseRequest) -> bool:
    """Whether the caller was authorised for what the request names: not so where credentials are not asked for."""
    return _NEED in request


async def recheck(request: web.Request) -> bool:
    """Check the caller of a request that lasts again; return whether the principal or the policy has changed.

    Raises UnauthenticatedError or ForbiddenError if the caller could not make the request any more.
    """
    return await request.app[ACCESS].recheck(request)


def require(request: web.Request, operation: Operation, kind: ResourceKind, names: Iterable[str]) -> None:
    """Raise ForbiddenError unless the caller may do this with all of these resources, which the body names."""
    caller(request).require((operation,), ((kind.name_resource(name),) for name in names))


def is_from_worker(request: web.BaseRequest) -> bool:
    """Whether another worker of this node has sent the request: only the peers of Unix sockets have no address."""
    return request.remote == ""


def leave_audit_to_primary(request: web.Request) -> None:
    """Write no audit line here: the primary has answered the request, and has written one."""
    request[_AUDITED_ELSEWHERE] = True


def trust(request: web.Request) -> None:
    """Note that another node has proved that it forwarded the request."""
    request[_FROM_NODE] = True


def is_from_inside(request: web.BaseRequest) -> bool:
    """Whether another process of this service has sent the request, and has proved it."""
    return is_from_worker(request) or request.get(_FROM_NODE, False)


def vouch(request: web.Request, headers: MutableMapping[str, str]) -> None:
    """Add the principal of the caller's certificate to the headers for another process, which cannot see that."""
    headers.pop(_CERTIFIED, None)  # a client could have set it
    caller_ = request.get(_CALLER)
    if caller_ is not None and caller_.principal.method is Method.CERTIFICATE:
        headers[_CERTIFIED] = quote(caller_.principal.name)


def is_allowed(request: web.Request, operation: Operation, kind: ResourceKind, name: str) -> bool:
    """Whether the caller may do this, for lists to leave out what they may not see."""
    return caller(request).is_allowed(operation, kind.name_resource(name))


def may_describe(request: web.Request, kind: ResourceKind) -> Callable[[str], bool]:
    """Return whether the caller may see a resource of this kind, by its name: lists describe no others."""
    return lambda name: is_allowed(request, Operation.DESCRIBE, kind, name)


def _find_vouched_principal(request: web.Request) -> Principal | None:
    """Return the caller that another process of this service names, which may be itself; None if it names none."""
    if not is_from_inside(request):
        return None
    certified = request.headers.get(_CERTIFIED)
    if certified is not None:
        return Principal(unquote(certified), Method.CERTIFICATE)
    return None if "Authorization" in request.headers else _ITSELF


class Access:
    """Users, policy and the checks by them; `use` replaces both while requests are served."""

    def __init__(
        self,
        authentication: Authentication,
        *,
        open_paths: Iterable[str] = (),
        method_roles: Mapping[str, Iterable[str]] | None = None,
        is_reserved: Callable[[str], bool] | None = None,
    ) -> None:
        """`open_paths` need no credentials; `method_roles`: HTTP method -> the token roles that may call with it.

        `is_reserved`: whether a resource needs a literal grant, whatever the token's roles; None: no resource does.
        """
        self.authentication = authentication
        self._open_paths = frozenset(open_paths)
        self._method_roles = None if method_roles is None else {a: frozenset(b) for a, b in method_roles.items()}
        self._policy: Decision = UNRESTRICTED if method_roles is None else _NOBODY
        """Without an authfile and method roles, whoever is authenticated may do everything."""
        self._is_reserved = is_reserved
        self._policy_of_roles = self._with_everything(_NOBODY)
        """The policy of callers that have a role for the method."""

    def use(self, authfile: Authfile) -> None:
        """Replace users and policy."""
        self._policy = Policy(authfile.policy.grants, self._is_reserved)
        self._policy_of_roles = self._with_everything(authfile.policy)
        self.authentication.use(authfile.users)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Run authentication while the application runs; a cleanup context of aiohttp."""
        async with self.authentication.run():
            yield

    async def authorise(self, request: web.Request, need: RequiredPermission) -> Caller:
        """Return the caller; raises UnauthenticatedError, ForbiddenError, or ApiError 42901 beyond their quota."""
        calling = await self._establish(request)
        request[_NEED] = need
        if not is_from_inside(request):
            quotas.admit(request, calling.principal.key)
        calling.require(need.operations, need.resources(request))
        return calling

    async def _establish(self, request: web.Request) -> Caller:
        principal = _find_vouched_principal(request) or await self.authentication.authenticate(
            request.headers.get("Authorization"), request.transport
        )
        usage.identify(request, principal)
        request[_CALLER] = calling = Caller(principal, self.find_policy(principal, request.method))
        return calling

    async def recheck(self, request: web.Request) -> bool:
        """Check the caller of a request again; see the function `recheck`."""
        before, need = request.get(_CALLER), request.get(_NEED)
        if need is None:  # of an open path
            return False
        calling = await self._establish(request)
        calling.require(need.operations, need.resources(request))
        return calling != before

    def recognise(self, request: web.BaseRequest) -> Callable[[asyncio.BaseTransport], bool]:
        """Return the check of later requests with the same headers: the same caller, with the same policy as now.

        It keeps the caller and their credentials, and nothing else of the request.
        """
        if request.path in self._open_paths:
            return lambda _: True
        caller = request.get(_CALLER)
        if caller is None:
            return lambda _: False
        return partial(self._is_still, caller, request.method, request.headers.get("Authorization"))

    def _is_still(self, caller: Caller, method: str, header: str | None, transport: asyncio.BaseTransport) -> bool:
        principal = (
            self.authentication.find_certified_principal(transport)
            if header is None
            else self.authentication.find_cached_principal(header)
        )
        return principal == caller.principal and self.find_policy(caller.principal, method) is caller.policy

    def guard(self, handler: Handler, need: RequiredPermission, parameters: Collection[str] = ()) -> Handler:
        """Return the handler behind the check of the permission, with the audit log.

        `parameters` are the query parameters whose values the log shows.
        """

        async def guard(request: web.Request) -> web.StreamResponse:
            try:
                if need.is_public or request.path in self._open_paths:
                    request[_CALLER] = ANYONE
                else:
                    await self.authorise(request, need)
                answer = await handler(request)
            except Exception as error:
                status = error.status if isinstance(error, ApiError | web.HTTPException) else 500
                if need.changes_something or status in _REFUSED:
                    audit(request, need, parameters, status)
                raise
            if need.changes_something and not request.get(_AUDITED_ELSEWHERE, False):
                audit(request, need, parameters, answer.status)
            return answer

        return guard

    def find_default_caller(self) -> Caller:
        """Raise UnauthenticatedError: a caller that `guard` has not established is rejected."""
        raise errors.no_credentials()

    def find_policy(self, principal: Principal, method: str) -> Decision:
        """Return the policy that decides about the principal's calls with this HTTP method."""
        if principal is _ITSELF:
            return UNRESTRICTED
        if self._method_roles is not None and principal.method is Method.TOKEN:
            wanted = self._method_roles.get("GET" if method == "HEAD" else method, frozenset())
            if not wanted.isdisjoint(principal.roles):
                return self._policy_of_roles
        return self._policy

    def _with_everything(self, policy: Policy) -> Decision:
        return UNRESTRICTED if self._is_reserved is None else Policy((*policy.grants, EVERYTHING), self._is_reserved)


class OpenAccess:
    """No access control: every caller may do everything."""

    def guard(self, handler: Handler, _: RequiredPermission, __: Collection[str] = ()) -> Handler:
        """Return the handler as it is."""
        return handler

    def find_default_caller(self) -> Caller:
        """Return ANYONE."""
        return ANYONE

    async def recheck(self, _: web.Request) -> bool:
        """Return False: nothing can change."""
        return False


ACCESS: web.AppKey[Access | OpenAccess] = web.AppKey("access", object)  # type: ignore[arg-type]


def audit(request: web.Request, need: RequiredPermission, parameters: Collection[str], status: int) -> None:
    """Write one line to the audit log: principal, origin, call and result."""
    caller_ = request.get(_CALLER)
    refused = status in _REFUSED
    line = {
        "principal": None if caller_ is None else caller_.principal.name,
        "authenticated_by": None if caller_ is None else caller_.principal.method,
        "remote": request.remote,
        "forwarded_for": request.headers.get("X-Forwarded-For"),
        "request_id": request.headers.get(request_ids.HEADER),
        "method": request.method,
        "path": hide_values(request.rel_url.raw_path_qs, parameters),
        "operation": need.operations,
        "result": "refused" if refused else "done" if status < web.HTTPBadRequest.status_code else "failed",
        "status": status,
    }
    audit_logger.log(logging.WARNING if refused else logging.INFO, "%s", logs.format_json_line(line))

"""Holding callers to what they may do: who is it, may he do this, and one line in the audit log.

Where nothing of this is set up, routes are served as they are, and what handlers ask here is allowed: `caller` is None.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from aiohttp import web

from karapace_like import logs
from karapace_like.access import errors
from karapace_like.access.authfile import Authfile
from karapace_like.access.policy import Kind, Operation, Policy
from karapace_like.access.principals import Method, Principal
from karapace_like.errors import ApiError
from karapace_like.proxy import rights
from karapace_like.registry import names
from karapace_like.registry.errors import NotPrimaryError
from karapace_like.web import quotas, request_ids
from karapace_like.web.authentication import Authentication
from karapace_like.web.errors import Handler
from karapace_like.web.needs import Need

audit_logger = logging.getLogger("karapace_like.audit")
_REFUSED = frozenset({401, 403})
_NOBODY = Policy(())
_CERTIFIED = "X-Worker-Certified"
"""Between workers, and nodes that share a secret: whom the caller's certificate names. Nobody else is believed."""


def spelled(subject: str) -> tuple[str, str]:
    """The subject as a resource: by its own name, and by that of its context."""
    return Kind.SUBJECT.named(subject), Kind.CONTEXT.named(names.context_of(subject))


class Caller(NamedTuple):
    """Who calls, and what he may do."""

    principal: Principal
    policy: Policy | None
    """None: everything."""

    def may(self, operation: Operation, *resources: str) -> bool:
        """Whether he may do this with a resource that has all of these spellings."""
        return self.policy is None or self.policy.allows(self.principal, operation, *resources)

    def require(self, operations: Iterable[Operation], resources: Iterable[tuple[str, ...]]) -> None:
        """Raise ForbiddenError unless he may do one of the operations with all of the resources."""
        for spellings in resources:
            if not any(self.may(each, *spellings) for each in operations):
                raise errors.forbidden(self.principal.name, " or ".join(operations), spellings[0])

    def use_subject(self, subject: str, registers: bool) -> None:  # noqa: FBT001 - proxy/rights.py's signature
        """Raise ForbiddenError unless he may produce with the subject's schemas, or register one there."""
        self.require((Operation.WRITE if registers else Operation.READ,), (spelled(names.canonical(subject)),))


_CALLER = web.RequestKey("caller", Caller)
_FROM_NODE = web.RequestKey("from_node", bool)
_ITSELF = Principal("(node)", Method.NODE)


def caller(request: web.Request) -> Caller | None:
    """Who calls; None where nobody needs to say it."""
    return request.get(_CALLER)


def require(request: web.Request, operation: Operation, kind: Kind, names: Iterable[str]) -> None:
    """Raise ForbiddenError unless the caller may do this with all of these: for what a body names."""
    found = request.get(_CALLER)
    if found is not None:
        found.require((operation,), ((kind.named(each),) for each in names))


def is_from_worker(request: web.BaseRequest) -> bool:
    """Whether another worker of this node has passed the request on: only Unix sockets have no address."""
    return request.remote == ""


def trust(request: web.Request) -> None:
    """Another node has proved that it has sent the request on."""
    request[_FROM_NODE] = True


def _is_from_inside(request: web.Request) -> bool:
    return is_from_worker(request) or request.get(_FROM_NODE, False)


def vouch(request: web.Request, headers: MutableMapping[str, str]) -> None:
    """Put the caller's certificate, which ends with his connection, into what a process is told that trusts us."""
    headers.pop(_CERTIFIED, None)  # nobody vouches for himself
    found = request.get(_CALLER)
    if found is not None and found.principal.method is Method.CERTIFICATE:
        headers[_CERTIFIED] = quote(found.principal.name)


def may(request: web.Request, operation: Operation, kind: Kind, name: str) -> bool:
    """Whether the caller may do this: for what a list shows."""
    found = request.get(_CALLER)
    return found is None or found.may(operation, kind.named(name))


def _vouched_for(request: web.Request) -> Principal | None:
    """Who calls, where another process of this service says it, or asks for itself."""
    if not _is_from_inside(request):
        return None
    certified = request.headers.get(_CERTIFIED)
    if certified is not None:
        return Principal(unquote(certified), Method.CERTIFICATE)
    return None if "Authorization" in request.headers else _ITSELF


class Access:
    """Who may call what. `use` replaces users and policy while requests are served."""

    def __init__(
        self,
        authentication: Authentication,
        *,
        open_paths: Iterable[str] = (),
        method_roles: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`open_paths` need no credentials; `method_roles`: HTTP method -> the token's roles that may call with it."""
        self.authentication = authentication
        self._open_paths = frozenset(open_paths)
        self._method_roles = None if method_roles is None else {a: frozenset(b) for a, b in method_roles.items()}
        self._policy = None if method_roles is None else _NOBODY

    def use(self, authfile: Authfile) -> None:
        """Take users and policy from here from now on."""
        self._policy = authfile.policy
        self.authentication.use(authfile.users)

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """What runs beside the application."""
        async with self.authentication.running():
            yield

    async def authorise(self, request: web.Request, need: Need) -> Caller:
        """Who calls; raises UnauthenticatedError, ForbiddenError if he may not, or 42901 if he asks too much."""
        found = _vouched_for(request) or await self.authentication.principal(
            request.headers.get("Authorization"), request.transport
        )
        calling = Caller(found, self._policy_for(found, request.method))
        request[_CALLER] = calling
        if not _is_from_inside(request):
            quotas.admit(request, found.name)
        rights.CHECK.set(calling.use_subject)
        calling.require(need.operations, need.resources(request))
        return calling

    def admits(self, earlier: web.BaseRequest, transport: asyncio.BaseTransport) -> bool:
        """Whether a request with the same headers is of the same caller, and what he may do is as it was then."""
        if earlier.path in self._open_paths:
            return True
        found, header = earlier.get(_CALLER), earlier.headers.get("Authorization")
        if found is None:
            return False
        known = self.authentication.certified(transport) if header is None else self.authentication.known(header)
        return known == found.principal and self._policy_for(found.principal, earlier.method) is found.policy

    def guarding(self, handler: Handler, need: Need) -> Handler:
        """The handler for those who may call it, with an audit log."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if request.path not in self._open_paths:
                    await self.authorise(request, need)
                answer = await handler(request)
            except NotPrimaryError:
                raise  # the primary answers, and writes the line
            except Exception as error:
                status = error.status if isinstance(error, ApiError | web.HTTPException) else 500
                if need.changes_something or status in _REFUSED:
                    audit(request, need, status)
                raise
            if need.changes_something:
                audit(request, need, answer.status)
            return answer

        return guarded

    def _policy_for(self, principal: Principal, method: str) -> Policy | None:
        if principal is _ITSELF:
            return None
        if self._method_roles is not None and principal.method is Method.TOKEN:
            wanted = self._method_roles.get("GET" if method == "HEAD" else method, frozenset())
            if not wanted.isdisjoint(principal.roles):
                return None
        return self._policy


ACCESS = web.AppKey("access", Access)


def audit(request: web.Request, need: Need, status: int) -> None:
    """Write the line: who, from where, what, and what became of it."""
    found = request.get(_CALLER)
    refused = status in _REFUSED
    line = {
        "principal": None if found is None else found.principal.name,
        "authenticated_by": None if found is None else found.principal.method,
        "remote": request.remote,
        "forwarded_for": request.headers.get("X-Forwarded-For"),
        "request_id": request.headers.get(request_ids.HEADER),
        "method": request.method,
        "path": request.rel_url.raw_path_qs,
        "operation": need.operations,
        "result": "refused" if refused else "done" if status < web.HTTPBadRequest.status_code else "failed",
        "status": status,
    }
    audit_logger.log(logging.WARNING if refused else logging.INFO, "%s", logs.json_line(line))

"""Parse requests about associations into the types of the registry room, and the rights of the caller."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.errors import ApiError
from karapace_like.registry import errors, names
from karapace_like.registry.association_planning import AssociationChange, AssociationOperation
from karapace_like.registry.associations import TOPIC, Association, Lifecycle, Resource
from karapace_like.registry.registration import Submission
from karapace_like.web.callers import access
from karapace_like.web.http import bodies
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.registry import requests
from karapace_like.web.registry.permissions import refuse_registration

_MOST_REQUESTS = 1000
"""In one batch, and changes in one of its requests."""


class AssociationFilter(NamedTuple):
    """The associations that a query selects."""

    resource_type: str
    types: frozenset[str]
    """Empty: all."""
    lifecycles: frozenset[Lifecycle]
    """Empty: all."""

    def selects(self, association: Association) -> bool:
        """Return whether the association is selected."""
        return (
            association.resource.type == self.resource_type
            and (not self.types or association.association_type in self.types)
            and (not self.lifecycles or association.lifecycle in self.lifecycles)
        )


def parse_filter(request: web.Request, lifecycles: Sequence[str]) -> AssociationFilter:
    """Return the filter of the query; 404 for a lifecycle that does not exist, as for an unknown route."""
    try:
        wanted = frozenset(map(Lifecycle, lifecycles))
    except ValueError as error:
        raise ApiError(404, "HTTP 404 Not Found") from error
    types = frozenset(filter(None, request.query.getall("associationType", [])))
    return AssociationFilter(request.query.get("resourceType") or TOPIC, types, wanted)


def list_requests(body: JsonObject) -> list[JsonObject]:
    """Return the requests of a batch; raises RegistryError 42212 for none, or too many."""
    listed = body.objects("requests", "AssociationRequest") or []
    if not listed:
        raise errors.invalid_association("requests", "it cannot be null or empty")
    if len(listed) > _MOST_REQUESTS:
        raise errors.invalid_association("requests", f"at most {_MOST_REQUESTS} are accepted (was {len(listed)})")
    return listed


def parse_operations(request: web.Request, body: JsonObject) -> list[AssociationChange]:
    """Return the changes of one request of a batch; 400 for an operation that does not exist."""
    listed = body.objects("associations", "AssociationOp") or []
    if len(listed) > _MOST_REQUESTS:
        raise errors.invalid_association("associations", f"at most {_MOST_REQUESTS} are accepted (was {len(listed)})")
    changes = []
    for info in listed:
        spelled = info.string("opType")
        if spelled not in set(AssociationOperation):
            choices = ", ".join(AssociationOperation)
            raise ApiError(bodies.MALFORMED, f"opType must be one of {choices} (was {bodies.show(spelled)})")
        changes.append(parse_change(request, info, AssociationOperation(spelled)))
    return changes


def parse_change(request: web.Request, info: JsonObject, operation: AssociationOperation) -> AssociationChange:
    """Return the change of one association; raises ApiError (400)."""
    subject, schema = info.string("subject"), info.object("schema", "RegisterSchemaRequest")
    submission: Submission | None = None
    if schema is not None:
        submission = requests.parse_submission(
            schema,
            access.caller(request),
            requests.registry(request).rules,
            normalize=bool(info.boolean("normalize")),
            explicit=requests.flag(request, "explicit"),
        )
    return AssociationChange(
        operation=operation,
        association_type=info.string("associationType") or None,
        subject=qualify(request, subject) if subject else None,
        lifecycle=parse_lifecycle(info),
        frozen=info.boolean("frozen"),
        submission=submission,
        cascade=bool(info.boolean("cascadeLifecycle")),
        guid=str(uuid.uuid4()),
    )


def parse_lifecycle(body: JsonObject) -> Lifecycle | None:
    """Return the lifecycle; raises ApiError (400) for one that does not exist."""
    spelled = body.string("lifecycle")
    if spelled is None:
        return None
    if spelled not in set(Lifecycle):
        raise ApiError(
            bodies.MALFORMED, f"lifecycle must be one of {', '.join(Lifecycle)} (was {bodies.show(spelled)})"
        )
    return Lifecycle(spelled)


def parse_resource(body: JsonObject, resource_id: str | None = None) -> Resource:
    """Return the resource that the body names, with the id of the path if that has one."""
    return Resource(
        body.string("resourceName") or "",
        body.string("resourceNamespace") or "",
        resource_id or body.string("resourceId") or None,
        body.string("resourceType") or TOPIC,
    )


def qualify(request: web.Request, subject: str) -> str:
    """Return the subject inside of the context that the path or the query names, unless it is qualified itself."""
    context = request.match_info.get("context") or request.query.get("context")
    return names.place_in_context(subject, context or None)


def require_topic(request: web.Request, resource: Resource) -> None:
    """Raise ForbiddenError for who may not configure the topic: its clients follow the association."""
    access.require(request, Operation.CONFIG, ResourceKind.TOPIC, [resource.name])


class CallerRights(NamedTuple):
    """Implements `registry.association_planning.AssociationRights`."""

    request: web.Request

    def require(
        self, resource: Resource, subject: str, *, submission: Submission | None = None, deletes: bool = False
    ) -> None:
        """Raise ApiError (403) for a caller without these rights."""
        require_topic(self.request, resource)
        caller, resources = access.caller(self.request), (access.resource_names(subject),)
        caller.require((Operation.CONFIG,), resources)
        if deletes:
            caller.require((Operation.DELETE,), resources)
        if submission is not None:
            refusal = refuse_registration(self.request, subject, chooses_id=submission.id is not None)
            if refusal is not None:
                raise refusal

"""/associations: which subjects the records of a resource, such as a topic, use (Confluent API, "Associations").

A serializer takes the subject of a topic from here, and from the topic's name after a 404 or an empty list.
Any other response fails the records that it is to write, so that a look-up refuses nobody by another status.
"""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.registry import association_planning, errors, names
from karapace_like.registry.association_planning import (
    AssociationChange,
    AssociationOperation,
    ChangedAssociation,
)
from karapace_like.registry.associations import TOPIC, Association, AssociationType, Lifecycle, Resource
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.store import Store
from karapace_like.replication.planning import Plan, without_engines
from karapace_like.replication.writes import Written
from karapace_like.schema.model import LATEST, Strictness
from karapace_like.web.callers.permissions import AUTHENTICATED, RequiredPermission
from karapace_like.web.cluster.forwarding import add_position
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.json_schemas import BOOLEAN, array, one_of, ref, text
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import association_requests, rendering, requests, visibility, writing
from karapace_like.web.registry.objects import PAGE
from karapace_like.web.routing import Call, Parameter, Route


async def list_by_subject(request: web.Request) -> web.Response:
    """GET /associations/subjects/{subject}: List the associations of a subject."""
    store = requests.registry(request).read()
    subject = names.canonical(association_requests.qualify(request, request.match_info["subject"]))
    return _list_visible_associations(request, store.associations.of_subject(subject))


async def list_by_name(request: web.Request) -> web.Response:
    """GET /associations/resources/{namespace}/{resource_name}: List a resource's associations; `-` stands for any."""
    path, store = request.match_info, requests.registry(request).read()
    requests.allow_caching(request, requests.cache_validity(request, ()))
    return _list_visible_associations(
        request, store.associations.find_by_name(path["namespace"], path["resource_name"])
    )


async def list_by_id(request: web.Request) -> web.Response:
    """GET /associations/resources/{resource_id}: List the associations of the resource with this id."""
    store = requests.registry(request).read()
    return _list_visible_associations(request, store.associations.of_resource(request.match_info["resource_id"]))


def _list_visible_associations(request: web.Request, associations: Sequence[Association]) -> web.Response:
    """Respond with a page of the selected associations; 404 for a caller who may see none of them."""
    selected = association_requests.parse_filter(request, request.query.getall("lifecycle", []))
    wanted = [association for association in associations if selected.selects(association)]
    view = visibility.store(request, Operation.DESCRIBE)
    visible = [association for association in wanted if view.shows(association.subject)]
    if wanted and not visible:
        raise errors.association_not_found_error(wanted[0].resource.name)
    return respond_as_registry(request, [rendering.association(shown) for shown in requests.page(request).of(visible)])


async def create_associations(request: web.Request) -> web.Response:
    """POST /associations: Create the associations of a resource."""
    body = await requests.body(request, "AssociationCreateOrUpdateRequest")
    return await _change(request, body, AssociationOperation.CREATE)


async def put_associations(request: web.Request) -> web.Response:
    """PUT /associations/resources/{resource_id}: Create or update the associations of a resource."""
    body = await requests.body(request, "AssociationCreateOrUpdateRequest")
    resource_id, named = request.match_info["resource_id"], body.string("resourceId")
    if named not in {None, "", resource_id}:
        raise errors.invalid_association("resourceId", f"expected that of the path, '{resource_id}' (was '{named}')")
    return await _change(request, body, AssociationOperation.UPSERT, resource_id=resource_id)


async def delete_associations(request: web.Request) -> web.Response:
    """DELETE /associations/resources/{resource_id}: Delete associations of a resource."""
    types = [spelled for spelled in request.query.getall("associationType", []) if spelled]
    association_planning.check_types(types)
    plan = partial(
        association_planning.plan_deletion,
        resource_id=request.match_info["resource_id"],
        resource_type=request.query.get("resourceType") or TOPIC,
        types=types,
        cascade=requests.flag(request, "cascadeLifecycle"),
        rights=association_requests.CallerRights(request),
    )

    async def render(_: None) -> web.Response:
        return web.Response(status=HTTPStatus.NO_CONTENT)

    planner = without_engines(plan)
    if requests.flag(request, "dryRun"):
        planner = writing.without_records(planner)
    return await writing.respond(request, planner, render)


async def get_batch(request: web.Request) -> web.Response:
    """POST /associations:batchGet: Return the associations of several resources; each has a result of its own."""
    listed = association_requests.list_requests(await requests.body(request, "AssociationBatchGetRequest"))
    results = []
    for wanted in listed:
        try:
            results.append({"result": _get_one(request, wanted)})
        except ApiError as error:
            results.append(_render_error(error))
    return _respond_to_batch(request, results)


async def mutate_batch(request: web.Request) -> web.Response:
    """POST /associations:batchMutate: Change the associations of several resources, in order; each has its own result.

    The changes of one request are carried out one by one: those before a refused one stay.
    """
    listed = association_requests.list_requests(await requests.body(request, "AssociationBatchRequest"))
    parsed = [(body, association_requests.parse_operations(request, body)) for body in listed]
    is_repeatable = all(
        change.operation is not AssociationOperation.DELETE for _, changes in parsed for change in changes
    )
    results = []
    for body, changes in parsed:
        try:
            forwarded = await _mutate_one(request, body, changes, is_repeatable=is_repeatable)
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            results.append(_render_error(error))
            continue
        if isinstance(forwarded, web.Response):
            return forwarded
        results.append({"result": forwarded})
    response = _respond_to_batch(request, results)
    add_position(request, response, requests.registry(request))
    return response


async def _change(
    request: web.Request, body: JsonObject, operation: AssociationOperation, *, resource_id: str | None = None
) -> web.Response:
    """Check all changes before the first one is written."""
    is_dry = requests.flag(request, "dryRun")
    resource = association_requests.parse_resource(body, resource_id)
    association_planning.check_resource(resource, needs_id=not is_dry)
    infos = body.objects("associations", "AssociationCreateOrUpdateInfo") or []
    changes = [association_requests.parse_change(request, info, operation) for info in infos]
    if not changes:
        raise errors.invalid_association("associations", "it cannot be null or empty")
    association_planning.check_distinct_types([change.part for change in changes])
    association_requests.require_topic(request, resource)
    planners = [_plan_change(request, resource, change) for change in changes]

    async def check(store: Store, engines: EngineAccess) -> Plan[None]:
        for planner in planners:
            await planner(store, engines)
        return Plan(None)

    changed: list[ChangedAssociation] = []
    if is_dry or len(planners) > 1:
        checked = await writing.write_or_forward(request, check, is_repeatable=True)
        if isinstance(checked, web.Response):
            return checked
    for planner in [] if is_dry else planners:
        written = await writing.write_or_forward(request, planner, is_repeatable=True)
        if isinstance(written, web.Response):
            return written
        changed += [] if written.answer is None else [written.answer]
    response = respond_as_registry(request, _render_changes(resource, changed))
    add_position(request, response, requests.registry(request))
    return response


async def _mutate_one(
    request: web.Request, body: JsonObject, changes: Sequence[AssociationChange], *, is_repeatable: bool
) -> dict[str, Any] | web.Response:
    """Carry out the changes; return what is associated with the resource now, or the primary's response to all."""
    is_dry = requests.flag(request, "dryRun")
    resource = association_requests.parse_resource(body)
    association_planning.check_resource(resource, needs_id=not is_dry)
    if not changes:
        raise errors.invalid_association("associations", "it cannot be null or empty")
    association_planning.check_types([change.association_type for change in changes if change.association_type])
    if requests.registry(request).rules.strictness is Strictness.STRICT:
        association_planning.check_distinct_types([part for change in changes for part in change.parts])
    association_requests.require_topic(request, resource)
    for change in changes:
        planner = _plan_change(request, resource, change)
        if is_dry:
            planner = writing.without_records(planner)
        written = await writing.write_or_forward(request, planner, is_repeatable=is_repeatable)
        if not isinstance(written, Written):
            return written
    return _render_resource(request, resource, with_schemas=False)


def _plan_change(request: web.Request, resource: Resource, change: AssociationChange) -> Any:
    """Return the planner of one change."""
    rights = association_requests.CallerRights(request)
    if change.operation is AssociationOperation.DELETE:
        types = [] if change.association_type is None else [change.association_type]
        return without_engines(
            partial(
                association_planning.plan_deletion,
                resource_id=resource.id or "",
                resource_type=resource.type,
                types=types,
                cascade=change.cascade,
                rights=rights,
            )
        )
    return partial(
        association_planning.plan_change,
        resource=resource,
        change=change,
        rules=requests.registry(request).rules,
        rights=rights,
    )


def _get_one(request: web.Request, body: JsonObject) -> dict[str, Any]:
    resource = association_requests.parse_resource(body)
    if not resource.id:
        association_planning.check_resource(resource, needs_id=False)
    types = body.strings("associationTypes") or []
    association_planning.check_types(types)
    lifecycle = association_requests.parse_lifecycle(body)
    return _render_resource(
        request,
        resource,
        association_requests.AssociationFilter(
            resource.type, frozenset(types), frozenset([lifecycle] if lifecycle else [])
        ),
        with_schemas=requests.flag(request, "includeSchemas"),
    )


def _render_resource(
    request: web.Request,
    resource: Resource,
    selected: association_requests.AssociationFilter | None = None,
    *,
    with_schemas: bool,
) -> dict[str, Any]:
    """AssociationResponse: all that the caller may see."""
    index, view = requests.registry(request).read().associations, visibility.store(request, Operation.DESCRIBE)
    associations = (
        index.of_resource(resource.id) if resource.id else index.find_by_name(resource.namespace, resource.name)
    )
    shown = [
        association
        for association in associations
        if view.shows(association.subject) and (selected is None or selected.selects(association))
    ]
    infos = []
    for association in shown:
        stored = visibility.store(request).version(association.subject, LATEST) if with_schemas else None
        schema = None if stored is None else rendering.render_lookup(stored, stored.content.text)
        infos.append(rendering.association_info(association, schema))
    named = shown[0].resource if shown else resource
    return {**rendering.resource(named), **({"associations": infos} if infos else {})}


def _render_changes(resource: Resource, changed: Sequence[ChangedAssociation]) -> dict[str, Any]:
    """AssociationResponse: what was written, and nothing of what was there already."""
    infos = []
    for change in changed:
        registered = change.registered
        schema = (
            None
            if registered is None
            else {
                "subject": registered.subject,
                **rendering.render_registration(registered, registered.content.text),
            }
        )
        infos.append(rendering.association_info(change.association, schema))
    return {**rendering.resource(resource), **({"associations": infos} if infos else {})}


def _render_error(error: ApiError) -> dict[str, Any]:
    return {"error": {"error_code": error.code, "message": error.message}}


def _respond_to_batch(request: web.Request, results: Sequence[Any]) -> web.Response:
    response = respond_as_registry(request, {"results": results})
    response.set_status(HTTPStatus.MULTI_STATUS)
    return response


_WRITES = RequiredPermission(is_write=True)
"""The body, or what is stored, names the subjects; their permissions are checked with the plan."""
_CONTEXT = Parameter("context", text(".test"), "The context of subjects that name none.")
_DRY_RUN = Parameter("dryRun", BOOLEAN, "Check the request, and write nothing.")
_RESOURCE_TYPE = Parameter("resourceType", one_of([TOPIC]), "The type of the resource.")
_TYPE = Parameter("associationType", array(one_of(AssociationType)), "Only associations of these types.")
ASSOCIATION_FILTERS = (_RESOURCE_TYPE, _TYPE)
_LIFECYCLE = Parameter("lifecycle", one_of(Lifecycle), "Only associations with this lifecycle.")
_CASCADE = Parameter(
    "cascadeLifecycle", BOOLEAN, "Delete frozen associations too, and the subjects of strong ones, permanently."
)
_LIST = Call((*ASSOCIATION_FILTERS, _LIFECYCLE, *PAGE), None, array(ref("Association")))
_CHANGE = ref("AssociationCreateOrUpdateRequest")
_CHANGED = ref("AssociationResponse")
_BY_ID = "/associations/resources/{resource_id}"

ROUTES = (
    Route(
        "GET",
        "/associations/subjects/{subject}",
        list_by_subject,
        ApiRole.REGISTRY,
        _LIST,
        permission=AUTHENTICATED,
        hides_refusals=True,
    ),
    Route(
        "GET",
        "/associations/resources/{namespace}/{resource_name}",
        list_by_name,
        ApiRole.REGISTRY,
        _LIST,
        permission=AUTHENTICATED,
        hides_refusals=True,
    ),
    Route("GET", _BY_ID, list_by_id, ApiRole.REGISTRY, _LIST, permission=AUTHENTICATED, hides_refusals=True),
    Route(
        "PUT",
        _BY_ID,
        put_associations,
        ApiRole.REGISTRY,
        Call((_CONTEXT, _DRY_RUN), _CHANGE, _CHANGED),
        permission=_WRITES,
    ),
    Route(
        "DELETE",
        _BY_ID,
        delete_associations,
        ApiRole.REGISTRY,
        Call((*ASSOCIATION_FILTERS, _CASCADE, _DRY_RUN), status=204),
        permission=_WRITES,
    ),
    Route(
        "POST",
        "/associations",
        create_associations,
        ApiRole.REGISTRY,
        Call((_CONTEXT, _DRY_RUN), _CHANGE, _CHANGED),
        permission=_WRITES,
    ),
    Route(
        "POST",
        "/associations:batchGet",
        get_batch,
        ApiRole.REGISTRY,
        Call(
            (Parameter("includeSchemas", BOOLEAN, "Include the latest schema of each subject."),),
            ref("AssociationBatchGetRequest"),
            ref("AssociationBatchResponse"),
            status=207,
        ),
        permission=AUTHENTICATED,
    ),
    Route(
        "POST",
        "/associations:batchMutate",
        mutate_batch,
        ApiRole.REGISTRY,
        Call((_CONTEXT, _DRY_RUN), ref("AssociationBatchRequest"), ref("AssociationBatchResponse"), status=207),
        permission=_WRITES,
    ),
)

"""/subjects/{subject}/versions/{version}/references: what a version refers to and what refers to it, in full."""

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import lookups, reference_graph
from karapace_like.registry.reference_graph import Edge
from karapace_like.registry.store import Deleted
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import BOOLEAN, NUMBER, array, fields, text, with_example
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.objects import DELETED, SUBJECT_NAME
from karapace_like.web.registry.permissions import on_subject
from karapace_like.web.routing import Call, Route


async def list_references(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}/references: List references from and to a version, indirect ones too.

    500 in each direction at most, the nearest first. `deleted`: soft-deleted versions are listed as referring, too.
    """
    view = visibility.store(request)
    stored = lookups.version(view, requests.subject(request), requests.version(request), Deleted.INCLUDE)
    graph = reference_graph.follow_references(view, stored, requests.read_deleted_flag(request))
    return respond_as_registry(
        request,
        {
            "subject": stored.subject,
            "version": stored.version,
            "references": [_render_edge(edge) for edge in graph.references],
            "referrers": [_render_edge(edge) for edge in graph.referrers],
            "isComplete": graph.is_complete,
        },
    )


def _render_edge(edge: Edge) -> dict[str, object]:
    return {
        "referrer": {"subject": edge.referrer.subject, "version": edge.referrer.version},
        "name": edge.name,
        "subject": edge.subject,
        "version": edge.version,
        "depth": edge.depth,
        **({"isMissing": True} if edge.is_missing else {}),
    }


_EDGES = array(
    fields(
        referrer=fields(subject=text("towers-value"), version=NUMBER),
        name=text("house.Lift"),
        subject=SUBJECT_NAME,
        version=NUMBER,
        depth={**NUMBER, "description": "1 for a direct reference."},
        isMissing=with_example(BOOLEAN, example=False),
    )
)

ROUTES = (
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}/references",
        list_references,
        ApiRole.REGISTRY,
        Call(
            (DELETED,),
            None,
            fields(subject=SUBJECT_NAME, version=NUMBER, references=_EDGES, referrers=_EDGES, isComplete=BOOLEAN),
        ),
        permission=on_subject(Operation.READ),
    ),
)

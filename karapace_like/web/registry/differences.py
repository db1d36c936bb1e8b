"""/subjects/{subject}/versions/{version}/diff: the differences between two versions."""

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import errors, lookups, parsing
from karapace_like.registry.engine_jobs import Differ
from karapace_like.registry.store import Deleted, StoredVersion
from karapace_like.schema.diffing import Change, Difference, Sign
from karapace_like.web.callers import access
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import array, fields, one_of, text
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.objects import DELETED, SUBJECT_NAME
from karapace_like.web.registry.permissions import on_subject
from karapace_like.web.routing import Call, Parameter, Route

_CHANGES = {Sign.ADDED: "added", Sign.REMOVED: "removed", Sign.CHANGED: "changed"}


async def diff_versions(request: web.Request) -> web.Response:
    """GET /subjects/{subject}/versions/{version}/diff/{other}: Return what has changed from one version to another.

    The other version may be of another subject, which the query names.
    """
    subject = requests.subject(request)
    named = request.query.get("subject")
    other = requests.registry(request).read().resolve_alias(requests.in_context(request, named)) if named else subject
    access.caller(request).require((Operation.READ,), (access.resource_names(other),))
    old = _find_version(request, subject, "version")
    new = _find_version(request, other, "other")
    if old.content.type is not new.content.type:
        raise errors.different_types(old.content.type, new.content.type)
    view = visibility.store(request)
    schemas = [parsing.resolve_stored_schema(view, stored.content, stored.subject) for stored in (new, old)]
    difference = await requests.engines(request).run(Differ(*schemas))
    return respond_as_registry(request, _render(difference))


def _find_version(request: web.Request, subject: str, name: str) -> StoredVersion:
    number = requests.version_number(request.match_info[name])
    deleted: Deleted = requests.read_deleted_flag(request)
    return lookups.version(visibility.store(request), subject, number, deleted)


def _render(difference: Difference) -> dict[str, object]:
    return {
        "changes": [_render_change(change) for change in difference.changes],
        "backward": difference.backward,
        "forward": difference.forward,
    }


def _render_change(change: Change) -> dict[str, object]:
    rendered: dict[str, object] = msgspec.to_builtins(change)
    rendered["sign"] = _CHANGES[change.sign]
    return {name: value for name, value in rendered.items() if value is not None and value != []}


_DIFFERENCE = fields(
    changes=array(
        fields(
            sign=one_of(_CHANGES.values()),
            kind=text("field"),
            name=text("Lift.floor"),
            attribute=text("type"),
            old=text("int"),
            new=text("long"),
            rules=array(text("TYPE_MISMATCH")),
        )
    ),
    backward=array(text("TYPE_MISMATCH: The type of the field has changed.")),
    forward=array(text("TYPE_MISMATCH: The type of the field has changed.")),
)
_OTHER = Parameter("subject", SUBJECT_NAME, "Subject of the other version; the same one without it.")

ROUTES = (
    Route(
        "GET",
        "/subjects/{subject}/versions/{version}/diff/{other}",
        diff_versions,
        ApiRole.REGISTRY,
        Call((_OTHER, DELETED), None, _DIFFERENCE),
        permission=on_subject(Operation.READ),
    ),
)

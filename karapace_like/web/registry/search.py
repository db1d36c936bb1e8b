"""/subjects:search: subjects by a part of their name, an id, a guid, a tag, or the name of a field."""

import asyncio
import enum
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import errors, names, subject_search
from karapace_like.registry.registry import Registry
from karapace_like.registry.settings import Mode
from karapace_like.registry.subject_search import SubjectHit, SubjectQuery
from karapace_like.schema.model import CompatibilityLevel, SchemaType
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import BOOLEAN, MILLISECONDS, NUMBER, array, fields, one_of, text
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.objects import DELETED, DELETED_ONLY, PAGE, SUBJECT_NAME
from karapace_like.web.routing import Call, Parameter, Route

E = TypeVar("E", bound=enum.StrEnum)

_MOST_SUBJECTS = 200
"""In one answer."""
_MAX_WAITING = 50
_SORTS: dict[str, Callable[[SubjectHit], object]] = {
    "name": lambda hit: hit.latest.subject,
    "id": lambda hit: hit.latest.id,
    "versions": lambda hit: hit.versions,
    "time": lambda hit: hit.latest.timestamp,
}


class Searches:
    """A thread that scans, so that searches keep nobody else waiting, and the number of those that wait for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="subject-search")
        self._waiting = 0

    async def scan(self, scan: Callable[[], list[SubjectHit]]) -> list[SubjectHit]:
        """Return what the function returns; raises RegistryError (503) where too many wait already."""
        if self._waiting >= _MAX_WAITING:
            raise errors.too_many_searches()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, scan)
        finally:
            self._waiting -= 1

    async def close(self, _: web.Application) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


SEARCHES = web.AppKey("searches", Searches)


async def search_subjects(request: web.Request) -> web.Response:
    """GET /subjects:search: Search subjects; the answer is a page of them, each with its latest version."""
    query, page = _parse_query(request), requests.page(request, at_most=_MOST_SUBJECTS)
    order, is_descending = _parse_sort(request)
    registry, view = requests.registry(request), visibility.store(request, Operation.DESCRIBE)
    if query.kind in {"field", "tag"}:  # fields and tags are a part of the text
        view = visibility.store(request)
    store = registry.read()
    query = await subject_search.find_guid(view, query)
    all_names = subject_search.list_names(store)
    hits = await request.app[SEARCHES].scan(lambda: subject_search.scan(view, store, all_names, query))
    is_complete = True
    if query.kind in {"field", "tag"}:
        hits, is_complete = await subject_search.confirm(
            view, requests.engines(request), hits, query, page.offset + page.limit
        )
    if order != "name" or is_descending:
        hits.sort(key=_SORTS[order], reverse=is_descending)  # type: ignore[arg-type] # each has keys of one type
    shown = [_render_hit(registry, hit) for hit in page.of(hits)]
    return respond_as_registry(request, {"total": len(hits), "isComplete": is_complete, "subjects": shown})


def _parse_query(request: web.Request) -> SubjectQuery:
    kind, word = subject_search.parse_query(request.query.get("query", ""))
    context = requests.context(request) or request.query.get("context") or None
    return SubjectQuery(
        kind,
        word,
        requests.read_deleted_filter(request),
        None if context is None else names.parse_context(context),
        _parse_choice(request, "schemaType", SchemaType),
        _parse_choice(request, "compatibility", CompatibilityLevel),
        _parse_choice(request, "mode", Mode),
        requests.registry(request).rules.compatibility,
    )


def _parse_choice(request: web.Request, name: str, choices: type[E]) -> E | None:
    value = request.query.get(name)
    if not value:
        return None
    try:
        return choices(value.upper())
    except ValueError as error:
        raise errors.malformed_query(f"has the {name} {value!r}", ", ".join(choices)) from error


def _parse_sort(request: web.Request) -> tuple[str, bool]:
    """Return the order, and whether it is descending: the name has a minus before it then."""
    sort = request.query.get("sort") or "name"
    if sort.removeprefix("-") not in _SORTS:
        raise errors.malformed_query(f"has the sort {sort!r}", f"{', '.join(_SORTS)}, or one with - before it")
    return sort.removeprefix("-"), sort.startswith("-")


def _render_hit(registry: Registry, hit: SubjectHit) -> dict[str, object]:
    store, latest = registry.read(), hit.latest
    return {
        "subject": latest.subject,
        "version": latest.version,
        "id": latest.id,
        "guid": latest.content.guid,
        "schemaType": latest.content.type,
        "versions": hit.versions,
        "compatibilityLevel": subject_search.find_level(store, latest.subject, registry.rules.compatibility),
        "mode": store.mode(latest.subject) or Mode.READWRITE,
        "ts": latest.timestamp,
        "deleted": latest.deleted,
        **({"fields": hit.fields} if hit.fields else {}),
    }


_HIT = fields(
    subject=SUBJECT_NAME,
    version=NUMBER,
    id=NUMBER,
    guid=text("7bf1f6e5-4d0c-6a0e-8a7a-0d3b0e6f9a11"),
    schemaType=one_of(SchemaType),
    versions=NUMBER,
    compatibilityLevel=one_of(CompatibilityLevel),
    mode=one_of(Mode),
    ts=MILLISECONDS,
    deleted=BOOLEAN,
    fields=array(text("house.Lift.floor")),
)
_QUERY = (
    Parameter(
        "query",
        text("lifts"),
        "A part of the name, an id or a guid; `tag:` and `field:` before a word search the schemas, "
        "`name:`, `id:` and `guid:` for one thing only.",
    ),
    Parameter("context", text("."), "Only subjects of this context."),
    Parameter("schemaType", one_of(SchemaType), "Only subjects with schemas of this type."),
    Parameter("compatibility", one_of(CompatibilityLevel), "Only subjects at this level."),
    Parameter("mode", one_of(Mode), "Only subjects in this mode."),
    Parameter("sort", text("-time"), "`name`, `id`, `versions` or `time`; descending with `-` before it."),
    DELETED,
    DELETED_ONLY,
    *PAGE,
)

ROUTES = (
    Route(
        "GET",
        "/subjects:search",
        search_subjects,
        ApiRole.REGISTRY,
        Call(_QUERY, None, fields(total=NUMBER, isComplete=BOOLEAN, subjects=array(_HIT))),
        permission=AUTHENTICATED,
    ),
)

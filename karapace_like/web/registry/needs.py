"""What the registry's calls need: operations on subjects, on contexts, and on the settings of everything."""

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.registry import names
from karapace_like.web import access
from karapace_like.web.needs import Need
from karapace_like.web.registry import requests


def on_subject(*operations: Operation) -> Need:
    """On the subject of the path, and on the one that it is an alias of."""
    return Need(operations, _subjects)


def on_place(*operations: Operation) -> Need:
    """On what the path's config or mode is for: a subject, a context, or everything."""
    return Need(operations, lambda request: (_place(requests.place(request)),))


def on_named_context(*operations: Operation) -> Need:
    """On the context that the path names, outside of any prefix."""
    return Need(operations, lambda request: ((Kind.CONTEXT.named(names.context_named(request.match_info["name"])),),))


def _subjects(request: web.Request) -> list[tuple[str, str]]:
    named = requests.named_subject(request)
    return [access.spelled(each) for each in dict.fromkeys((named, requests.subject(request)))]


def _place(place: str | None) -> tuple[str, ...]:
    if place is None or names.scope(place) is None:
        return Kind.CONFIG.named(""), Kind.CONTEXT.named(names.DEFAULT_CONTEXT)
    if place == names.GLOBAL_SCOPE:
        return (Kind.CONFIG.named(""),)
    return (Kind.CONTEXT.named(names.context_of(place)),) if names.is_context(place) else access.spelled(place)

"""How REST v3 shows things: their kind, where they are found, what they are related to, and lists of them page by page.

Source: Confluent REST Proxy API reference, v3. Its lists are one page; `page_size` and `page_token` are this
service's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web
from yarl import URL

from karapace_like.proxy.v3 import errors
from karapace_like.web import paths
from karapace_like.web.proxy.requests import proxy

_MAX_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: its address, and its name among all things (Confluent Resource Name)."""

    url: str
    name: str

    def into(self, collection: str, key: object, kind: str) -> "Place":
        """One thing in a collection of this one; `kind` is what resource names call it."""
        return Place(f"{self.url}/{collection}/{quote(str(key), safe='')}", f"{self.name}/{kind}={key}")

    def beside(self, path: str) -> str:
        """The address of something that belongs to this one."""
        return f"{self.url}/{path}"


def root(request: web.Request) -> str:
    """The address that all others begin with."""
    return f"{(proxy(request).settings.base_uri or paths.origin(request)).rstrip('/')}/v3"


def cluster_place(request: web.Request, cluster: str | None = None) -> Place:
    """The cluster that the path names, or that is given."""
    found = request.match_info["cluster"] if cluster is None else cluster
    return Place(f"{root(request)}/clusters/{quote(found, safe='')}", f"crn:///kafka={found}")


def topic_place(request: web.Request, topic: str | None = None) -> Place:
    """The topic that the path names, or that is given."""
    return cluster_place(request).into("topics", request.match_info["topic"] if topic is None else topic, "topic")


def broker_place(request: web.Request, broker: int) -> Place:
    """A broker."""
    return cluster_place(request).into("brokers", broker, "broker")


def related(url: str) -> dict[str, str]:
    """A link."""
    return {"related": url}


def entity(kind: str, place: Place, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One thing."""
    return {"kind": kind, "metadata": {"self": place.url, "resource_name": place.name}, **fields}


def listing(request: web.Request, kind: str, url: str, items: Iterable[Any]) -> dict[str, Any]:
    """A list at `url`: all of it, or the page that the request asks for with the address of the next one."""
    page, following = _page(request, list(items))
    address = None if following is None else str(URL(url).with_query(_query(request, following)))
    return {"kind": kind, "metadata": {"self": url, "next": address}, "data": page}


def _page(request: web.Request, items: Sequence[Any]) -> tuple[Sequence[Any], int | None]:
    size = _number(request, "page_size")
    if size is None:
        return items, None
    start = _number(request, "page_token") or 0
    end = start + min(max(size, 1), _MAX_PAGE)
    return items[start:end], end if end < len(items) else None


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > len(str(2**63)):
        raise errors.malformed(f"{name} must be a number")
    return int(text)


def _query(request: web.Request, following: int) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in request.query.items() if name != "page_token"]
    return [*kept, ("page_token", str(following))]

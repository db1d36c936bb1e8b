"""Render REST v3 resources: kind, address, resource name and related links; and lists of them in pages.

Source: Confluent REST Proxy API reference, v3. Its lists are one page; `page_size` and `page_token` are this
service's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web
from yarl import URL

from karapace_like.proxy import bounds
from karapace_like.proxy import errors as proxy_errors
from karapace_like.proxy.v3 import errors
from karapace_like.web.http import paths
from karapace_like.web.proxy.requests import proxy

_MAX_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class ResourceLink:
    """The address and the Confluent Resource Name of a resource."""

    url: str
    name: str

    def child(self, collection: str, key: object, kind: str) -> "ResourceLink":
        """Return the link of a resource in a collection of this one; `kind` is its word in resource names."""
        return ResourceLink(f"{self.url}/{collection}/{quote(str(key), safe='')}", f"{self.name}/{kind}={key}")

    def child_url(self, path: str) -> str:
        """Return the address of a path below this one."""
        return f"{self.url}/{path}"


def api_url(request: web.Request) -> str:
    """Return the address of the API, `http://host:port/v3`."""
    return f"{(proxy(request).settings.base_uri or paths.origin(request)).rstrip('/')}/v3"


def link_to_cluster(request: web.Request, cluster: str | None = None) -> ResourceLink:
    """Return the link of the cluster, by default that of the path."""
    cluster_id = request.match_info["cluster"] if cluster is None else cluster
    return ResourceLink(f"{api_url(request)}/clusters/{quote(cluster_id, safe='')}", f"crn:///kafka={cluster_id}")


def link_to_topic(request: web.Request, topic: str | None = None) -> ResourceLink:
    """Return the link of a topic, by default that of the path."""
    return link_to_cluster(request).child("topics", request.match_info["topic"] if topic is None else topic, "topic")


def link_to_partition(request: web.Request, number: int, topic_name: str | None = None) -> ResourceLink:
    """Return the link to a partition of the topic, by default that of the path."""
    return link_to_topic(request, topic_name).child("partitions", number, "partition")


def link_to_broker(request: web.Request, broker: int) -> ResourceLink:
    """Return the link of a broker."""
    return link_to_cluster(request).child("brokers", broker, "broker")


def render_link(url: str) -> dict[str, str]:
    """Render a link."""
    return {"related": url}


def render_entity(kind: str, link: ResourceLink, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Render a resource with these fields."""
    return {"kind": kind, "metadata": {"self": link.url, "resource_name": link.name}, **fields}


def render_list(request: web.Request, kind: str, url: str, items: Iterable[Any]) -> dict[str, Any]:
    """Render a list at `url`: all items, or the requested page with the address of the next one."""
    page, following = _select_page(request, list(items))
    address = None if following is None else str(URL(url).with_query(_build_query(request, following)))
    return {"kind": kind, "metadata": {"self": url, "next": address}, "data": page}


def _select_page(request: web.Request, items: Sequence[Any]) -> tuple[Sequence[Any], int | None]:
    size = _parse_number(request, "page_size")
    if size is None:
        return items, None
    start = _parse_number(request, "page_token") or 0
    end = start + min(max(size, 1), _MAX_PAGE)
    return items[start:end], end if end < len(items) else None


def _parse_number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return bounds.parse_integer(text)
    except ValueError as error:
        shown = proxy_errors.quote(text)
        raise errors.malformed_request(f"{name} must be a number of 0 or more (was {shown})") from error


def _build_query(request: web.Request, following: int) -> list[tuple[str, str]]:
    query = [(name, value) for name, value in request.query.items() if name != "page_token"]
    return [*query, ("page_token", str(following))]

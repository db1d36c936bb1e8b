"""The one aiohttp application: its middleware and its routes. What stands behind them is given from outside."""

from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from karapace_like.access.credentials import Credentials
from karapace_like.access.quotas import Quotas
from karapace_like.proxy.callers import Callers
from karapace_like.proxy.proxy import Proxy
from karapace_like.registry.registry import Registry
from karapace_like.web import connect, neighbours, openapi, request_ids, service
from karapace_like.web import exposition as exposition_api
from karapace_like.web import health as health_api
from karapace_like.web import proxy as proxy_api
from karapace_like.web import proxy_v3 as proxy_v3_api
from karapace_like.web import registry as registry_api
from karapace_like.web.access import ACCESS, Access
from karapace_like.web.connect import WORKERS, Workers
from karapace_like.web.draining import Draining
from karapace_like.web.errors import errors_middleware
from karapace_like.web.exposition import Exposition
from karapace_like.web.forwarding import forwarding_middleware
from karapace_like.web.health import HEALTH, Health
from karapace_like.web.keys import REGISTRY
from karapace_like.web.overload import bounded
from karapace_like.web.peers import PEERS, Peers, proof_middleware
from karapace_like.web.proxy.callers import CALLERS, as_caller
from karapace_like.web.proxy.owners import OWNERS, Owners
from karapace_like.web.proxy.requests import PROXY
from karapace_like.web.quotas import QUOTAS, charging_middleware
from karapace_like.web.registry.metadata import CLUSTER_IDS, ClusterIds
from karapace_like.web.routing import add_routes

DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024
DEFAULT_MAX_REQUESTS = 2000
MAX_LINE_BYTES = 65_536
"""Of a request's first line: a subject may have ten thousand characters, each up to twelve bytes when encoded."""


def make_app(
    registry: Registry | None,
    proxy: Proxy | Callers[Credentials] | None = None,
    *,
    health: Health | None = None,
    peers: Peers | None = None,
    owners: Owners | None = None,
    draining: Draining | None = None,
    has_neighbours: bool = False,
    cluster_ids: ClusterIds | None = None,
    access: Access | None = None,
    connect_urls: Sequence[str] = (),
    exposition: Exposition | None = None,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    max_requests: int = DEFAULT_MAX_REQUESTS,
    quotas: Quotas | None = None,
    outermost: Sequence[Middleware] = (),
) -> web.Application:
    """The application with the halves that are given.

    `proxy`: one for all, or one for each caller, who is somebody in Kafka. `quotas`: of each caller.
    `connect_urls`: Kafka Connect's workers; `access`: who may; `has_neighbours`: it is served by several workers;
    `outermost` stand around everything.
    """
    middlewares = [*outermost, errors_middleware, bounded(max_requests)]
    app = web.Application(middlewares=middlewares, client_max_size=max_body_bytes)
    app.on_response_prepare.append(request_ids.echo)
    if draining is not None:
        app.on_response_prepare.append(draining.hang_up)
    _guard(app, access, quotas)
    add_routes(app, service.ROUTES)
    if health is not None:
        app[HEALTH] = health
        add_routes(app, health_api.ROUTES)
    if exposition is not None:
        _add_exposition(app, exposition, has_neighbours=has_neighbours)
    if cluster_ids is not None:
        app[CLUSTER_IDS] = cluster_ids
    _add_peers(app, peers or Peers())
    if registry is not None:
        _add_registry(app, registry, has_neighbours=has_neighbours)
    if proxy is not None:
        _add_proxy(app, proxy)
        if owners is not None:
            app[OWNERS] = owners
    if connect_urls:
        _add_connect(app, connect_urls)
    openapi.describe(app)
    return app


def _guard(app: web.Application, access: Access | None, quotas: Quotas | None) -> None:
    """Before any route is added."""
    if access is not None:
        app[ACCESS] = access
        app.cleanup_ctx.append(access.running)
    if quotas is not None:
        app[QUOTAS] = quotas
        app.middlewares.insert(app.middlewares.index(errors_middleware), charging_middleware)


def _add_exposition(app: web.Application, exposition: Exposition, *, has_neighbours: bool) -> None:
    app[exposition_api.EXPOSITION] = exposition
    add_routes(app, exposition_api.ROUTES)
    if has_neighbours:
        app.router.add_get(exposition_api.WORKER_PATH, exposition_api.worker_metrics)


def _add_peers(app: web.Application, peers: Peers) -> None:
    app[PEERS] = peers
    app.on_cleanup.append(lambda _: peers.close())
    if peers.prove_themselves:
        app.middlewares.append(proof_middleware)


def _add_registry(app: web.Application, registry: Registry, *, has_neighbours: bool) -> None:
    app[REGISTRY] = registry
    app.middlewares.append(forwarding_middleware)
    if has_neighbours:
        app.router.add_get(neighbours.PATH, neighbours.applied)
    add_routes(app, registry_api.TOP_ROUTES)
    add_routes(app, registry_api.ROUTES, prefixes=("", "/contexts/{context}"))


def _add_proxy(app: web.Application, proxy: Proxy | Callers[Credentials]) -> None:
    routes = (*proxy_api.ROUTES, *proxy_v3_api.ROUTES)
    if isinstance(proxy, Proxy):
        app[PROXY] = proxy
        add_routes(app, routes)
    else:
        app[CALLERS] = proxy
        add_routes(app, (each._replace(handler=as_caller(each.handler)) for each in routes))


def _add_connect(app: web.Application, urls: Sequence[str]) -> None:
    app[WORKERS] = workers = Workers(urls)
    app.cleanup_ctx.append(workers.session)
    add_routes(app, connect.ROUTES)

"""The one aiohttp application: its middleware and its routes. The services behind them are passed in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from karapace_like.access.credentials import Credentials
from karapace_like.access.quotas import Quotas
from karapace_like.policies.topic_policies import TopicPolicies
from karapace_like.proxy.callers import CallerProxies
from karapace_like.proxy.deliveries import Deliveries
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.rule_processes import RuleProcesses
from karapace_like.receipts.receipts import Receipts
from karapace_like.registry.registry import Registry
from karapace_like.web import connect
from karapace_like.web import files as files_api
from karapace_like.web import keys as keys_api
from karapace_like.web import proxy as proxy_api
from karapace_like.web import proxy_v1 as proxy_v1_api
from karapace_like.web import proxy_v3 as proxy_v3_api
from karapace_like.web import queues as queues_api
from karapace_like.web import registry as registry_api
from karapace_like.web import request_reply as request_reply_api
from karapace_like.web import sockets as sockets_api
from karapace_like.web.callers.access import ACCESS, Access, OpenAccess
from karapace_like.web.callers.quotas import QUOTAS, charging_middleware
from karapace_like.web.callers.usage import USAGE, UsageTable
from karapace_like.web.cluster import sibling_workers
from karapace_like.web.cluster.peers import PEERS, Peers, proof_middleware
from karapace_like.web.cluster.sibling_workers import LOGS
from karapace_like.web.connect import CONNECT_WORKERS, ConnectWorkers
from karapace_like.web.console import pages as console_pages
from karapace_like.web.console.settings import ConsoleSettings
from karapace_like.web.dialect.applying import adapt_routes, translate_errors
from karapace_like.web.http import cors, hosts, request_ids
from karapace_like.web.http.app_keys import REGISTRY
from karapace_like.web.http.cors import CORS
from karapace_like.web.http.cors_policy import CorsPolicy
from karapace_like.web.http.errors import Middleware, errors_middleware
from karapace_like.web.http.overload import REQUEST_LIMIT, RequestLimit, limit_requests
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.http.streaming import STOPPING
from karapace_like.web.keys.services import KEYS, KeyHandling
from karapace_like.web.operations import docs_page, service
from karapace_like.web.operations import exposition as exposition_api
from karapace_like.web.operations import health as health_api
from karapace_like.web.operations import nodes as nodes_api
from karapace_like.web.operations import usage_export as usage_api
from karapace_like.web.operations.exposition import Exposition
from karapace_like.web.operations.health import HEALTH, Health
from karapace_like.web.operations.nodes import NODES, ServiceNodes
from karapace_like.web.proxy.callers import add_callers, as_caller
from karapace_like.web.proxy.deliveries import DELIVERIES
from karapace_like.web.proxy.idempotency import RECEIPTS
from karapace_like.web.proxy.instance_owners import OWNERS, InstanceOwners
from karapace_like.web.proxy.requests import PROXY
from karapace_like.web.proxy_v3 import policies as policy_api
from karapace_like.web.proxy_v3 import policy_verdicts as verdicts_api
from karapace_like.web.proxy_v3.policies import POLICIES, PolicyServices
from karapace_like.web.registry.metadata import CLUSTER_IDS, ClusterIds
from karapace_like.web.registry.rules import RULE_PROCESSES
from karapace_like.web.registry.search import SEARCHES, Searches
from karapace_like.web.routing import Route, add_routes, hide_other_roles, serve_only_operations
from karapace_like.web.server.draining import Draining

Application: TypeAlias = web.Application
_Adapt: TypeAlias = Callable[[Iterable[Route]], Iterable[Route]]
"""Changes routes before they are guarded and added."""

OPEN = OpenAccess()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHandling:
    """How every request is handled, whatever its route."""

    max_body_bytes: int = 16 * 1024 * 1024
    max_requests: int = 2000
    """Answered at the same time."""
    allowed_hosts: Sequence[str] | None = None
    """Names that requests may be addressed to, besides those of loopback; None: all."""
    cors: CorsPolicy | None = None
    """What web pages of other origins may do beyond sending reads; None: nothing."""
    hides_routes: bool = False
    """Whether any listener serves some roles only."""
    speaks_karapace: bool = False
    """Whether any listener has Karapace's dialect."""
    tracing: Sequence[Middleware] = ()
    is_reader: bool = False
    """Whether this process only reads the topic for the workers that follow it."""


def make_app(
    registry: Registry | None,
    proxy: Proxy | CallerProxies[Credentials] | None = None,
    *,
    health: Health | None = None,
    nodes: ServiceNodes | None = None,
    peers: Peers | None = None,
    owners: InstanceOwners | None = None,
    draining: Draining | None = None,
    has_siblings: bool = False,
    cluster_ids: ClusterIds | None = None,
    access: Access | OpenAccess = OPEN,
    connect_urls: Sequence[str] = (),
    exposition: Exposition | None = None,
    quotas: Quotas | None = None,
    usage: UsageTable | None = None,
    handling: RequestHandling | None = None,
    policies: PolicyServices | None = None,
    keys: KeyHandling | None = None,
    receipts: Receipts | None = None,
    deliveries: Deliveries[EncodedResponse] | None = None,
    console: ConsoleSettings | None = None,
) -> Application:
    """Return the application with the APIs of the parts that are passed.

    `proxy`: one for all callers, or one for each caller, who then has an identity in Kafka. `quotas`: of each caller.
    `connect_urls`: Kafka Connect's workers. `access`: who may call what; OPEN: every client may call everything.
    `receipts`: those of requests with an `Idempotency-Key`. `deliveries`: requests that are answered at once.
    `has_siblings`: whether other workers serve the same node. `console`: None for a service without one.
    """
    peers, handling = peers or Peers(), handling or RequestHandling()
    middlewares = _list_middlewares(handling, peers, quotas)
    app = web.Application(middlewares=middlewares, client_max_size=handling.max_body_bytes)
    app[REQUEST_LIMIT] = RequestLimit(handling.max_requests)
    app.on_response_prepare.append(request_ids.echo)
    if handling.cors is not None:
        app[CORS] = handling.cors
        app.on_response_prepare.append(cors.add_headers)
    if draining is not None:
        app.on_response_prepare.append(draining.close_after_response)
        app[STOPPING] = draining.stopping
    adapt: _Adapt = adapt_routes if handling.speaks_karapace else iter
    app[USAGE] = usage or UsageTable()
    # Routes are guarded as they are added, so that access comes before them.
    _add_access(app, access, quotas)
    _add_peers(app, peers)
    _add_operations(app, adapt, health, nodes, exposition, has_siblings=has_siblings)
    if registry is not None:
        _add_registry(app, adapt, registry, cluster_ids)
    if proxy is not None:
        _add_proxy(app, adapt, proxy, owners)
        _add_writing(app, receipts, deliveries)
    if policies is not None:
        app[POLICIES] = policies
        _add_proxy_routes(app, (*policy_api.ROUTES, *verdicts_api.ROUTES), proxy)
    if keys is not None and registry is not None:
        app[KEYS] = keys
        add_routes(app, adapt(keys_api.ROUTES), prefixes=("", registry_api.CONTEXT_PREFIX))
    if has_siblings:
        _add_logs(app, registry, policies, keys, receipts)
    if connect_urls:
        _add_connect(app, connect_urls)
    if console is not None:
        console_pages.add_console(app, console)
    docs_page.add_docs(app)
    if console is not None:
        console_pages.add_pages(app)
    return app


def _list_middlewares(handling: RequestHandling, peers: Peers, quotas: Quotas | None) -> list[Middleware]:
    """Return the middleware of every request, the outermost first."""
    return [
        *handling.tracing,
        *([charging_middleware] if quotas is not None else []),
        *([translate_errors] if handling.speaks_karapace else []),
        errors_middleware,
        *([] if handling.allowed_hosts is None else [hosts.serve_only(handling.allowed_hosts)]),
        *([] if handling.cors is None else [cors.answer_preflights]),
        *([hide_other_roles] if handling.hides_routes else []),
        *([serve_only_operations] if handling.is_reader else []),
        limit_requests,
        *([proof_middleware] if peers.are_authenticated else []),
    ]


def _add_access(app: Application, access: Access | OpenAccess, quotas: Quotas | None) -> None:
    app[ACCESS] = access
    if isinstance(access, Access):
        app.cleanup_ctx.append(access.run)
    if quotas is not None:
        app[QUOTAS] = quotas


def _add_peers(app: Application, peers: Peers) -> None:
    app[PEERS] = peers
    app.on_cleanup.append(lambda _: peers.close())


def _add_operations(
    app: Application,
    adapt: _Adapt,
    health: Health | None,
    nodes: ServiceNodes | None,
    exposition: Exposition | None,
    *,
    has_siblings: bool,
) -> None:
    add_routes(app, adapt(service.ROUTES))
    if health is not None:
        app[HEALTH] = health
        add_routes(app, adapt(health_api.ROUTES))
        if nodes is not None:
            app[NODES] = nodes
            add_routes(app, nodes_api.ROUTES)
    if exposition is not None:
        app[exposition_api.EXPOSITION] = exposition
        add_routes(app, exposition_api.ROUTES)
        add_routes(app, usage_api.ROUTES)
        if has_siblings:
            app.router.add_get(exposition_api.WORKER_PATH, exposition_api.worker_metrics)
            app.router.add_get(usage_api.WORKER_PATH, usage_api.get_worker_usage)


def _add_registry(app: Application, adapt: _Adapt, registry: Registry, ids: ClusterIds | None) -> None:
    app[REGISTRY] = registry
    app[SEARCHES] = searches = Searches()
    app.on_cleanup.append(searches.close)
    app[RULE_PROCESSES] = processes = RuleProcesses()
    app.on_cleanup.append(lambda _: processes.close())
    if ids is not None:
        app[CLUSTER_IDS] = ids
    add_routes(app, adapt(registry_api.TOP_ROUTES))
    add_routes(app, adapt(registry_api.ROUTES), prefixes=("", registry_api.CONTEXT_PREFIX))


def _add_proxy(
    app: Application, adapt: _Adapt, proxy: Proxy | CallerProxies[Credentials], owners: InstanceOwners | None
) -> None:
    if isinstance(proxy, Proxy):
        app[PROXY] = proxy
    else:
        add_callers(app, proxy)
    routes = (
        *proxy_v1_api.translate_routes(proxy_api.ROUTES),
        *proxy_v1_api.ROUTES,
        *proxy_v3_api.ROUTES,
        *queues_api.ROUTES,
        *request_reply_api.ROUTES,
        *files_api.ROUTES,
        *sockets_api.ROUTES,
    )
    _add_proxy_routes(app, adapt(routes), proxy)
    sockets_api.close_at_shutdown(app)
    if owners is not None:
        app[OWNERS] = owners


def _add_writing(app: Application, receipts: Receipts | None, deliveries: Deliveries[EncodedResponse] | None) -> None:
    """Let requests be repeated, or carried out after their response."""
    if receipts is not None:
        app[RECEIPTS] = receipts
    if deliveries is not None:
        app[DELIVERIES] = deliveries


def _add_proxy_routes(
    app: Application, routes: Iterable[Route], proxy: Proxy | CallerProxies[Credentials] | None
) -> None:
    """Serve the routes; where each caller has a proxy, under their identity in Kafka."""
    if isinstance(proxy, CallerProxies):
        routes = (route._replace(handler=as_caller(route.handler)) for route in routes)
    add_routes(app, routes)


def _add_logs(
    app: Application,
    registry: Registry | None,
    policies: PolicyServices | None,
    keys: KeyHandling | None,
    receipts: Receipts | None,
) -> None:
    """Answer the other workers once a log is applied here."""
    replicated = None if policies is None else policies.policies
    logs = (
        registry,
        replicated if isinstance(replicated, TopicPolicies) else None,
        None if keys is None else keys.registry,
        receipts,
    )
    app[LOGS] = {log.contents: log for log in logs if log is not None}
    app.router.add_get(sibling_workers.PATH, sibling_workers.wait_until_applied)
    app.router.add_get(verdicts_api.WORKER_PATH, verdicts_api.get_worker_violations)


def _add_connect(app: Application, urls: Sequence[str]) -> None:
    app[CONNECT_WORKERS] = workers = ConnectWorkers(urls)
    app.cleanup_ctx.append(workers.open_session)
    add_routes(app, connect.ROUTES)

"""The one place that applies the table: to routes as they are added, and to errors as they leave."""

import functools
from collections.abc import Iterable, Iterator

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from karapace_like.registry.registry import CacheValidity
from karapace_like.web.callers.access import is_from_worker
from karapace_like.web.cluster.peers import is_marked_as_forwarded
from karapace_like.web.dialect.differences import Difference, Exchange, Refusal, parse, select_rows
from karapace_like.web.dialect.table import DIFFERENCES
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.http.errors import Handler
from karapace_like.web.registry import CONTEXT_PREFIX
from karapace_like.web.routing import Route
from karapace_like.web.server.caching import CACHING, BySegment
from karapace_like.web.server.connection import Connection

_EXCHANGE = web.RequestKey("exchange", Exchange)


def adapt_routes(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield the routes with handlers that speak Karapace's dialect to clients of listeners that have it."""
    for route in routes:
        rows = select_rows(DIFFERENCES, f"{route.method} {route.path}")
        rows = tuple(row for row in rows if not row.is_about_errors_only)
        yield route._replace(handler=_adapt(route.handler, rows)) if rows else route


def speaks_karapace(request: web.Request) -> bool:
    """Whether the client expects Karapace's answers: by its listener, unless another process of ours forwards for it.

    That process applies the dialect itself, to the answer of this one.
    """
    connection = request.protocol
    if not isinstance(connection, Connection) or connection.dialect is not Dialect.KARAPACE:
        return False
    return not is_marked_as_forwarded(request) and not is_from_worker(request)


def _adapt(handler: Handler, rows: tuple[Difference, ...]) -> Handler:
    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        if not speaks_karapace(request):
            return await handler(request)
        exchange = request[_EXCHANGE] = await _begin(request, rows)
        try:
            response = await _proceed(handler, rows, exchange)
        finally:
            request.update(exchange.request)
        _forget_caching(request, exchange)
        return _adapt_answer(exchange, rows, response)

    return answer


async def _begin(request: web.Request, rows: tuple[Difference, ...]) -> Exchange:
    """Return the exchange, with the request as the rows change it."""
    headers, url = CIMultiDict(request.headers), request.rel_url
    for row in rows:
        if row.headers is not None:
            row.headers(headers)
        missing = {name: value for name, value in (row.query or {}).items() if name not in url.query}
        url = url.extend_query(missing) if missing else url
    changed = request.clone(rel_url=url, headers=headers)
    body = await request.read()
    exchange = Exchange(changed, body)
    rewriters = [row.body for row in rows if row.body is not None]
    if rewriters and exchange.document is not None:
        document = exchange.document
        for rewrite in rewriters:
            document = rewrite(document)
        body = msgspec.json.encode(document)
    changed._read_bytes = body  # noqa: SLF001 - aiohttp offers no other way to replace a body
    return exchange


async def _proceed(handler: Handler, rows: tuple[Difference, ...], exchange: Exchange) -> web.StreamResponse:
    """Call the handler with the rows around it, the first row outermost."""

    async def call(depth: int) -> web.StreamResponse:
        for position, row in enumerate(rows[depth:], depth):
            if row.around is not None:
                return await row.around(exchange, functools.partial(call, position + 1))
        return await handler(exchange.request)

    return await call(0)


def _forget_caching(request: web.Request, exchange: Exchange) -> None:
    """Have no response cached that is not this one: of another body, or made by a function that knows no dialect."""
    is_rewritten = exchange.request._read_bytes is not request._read_bytes  # noqa: SLF001 - as above
    caching = request.pop(CACHING, None)
    if isinstance(caching, BySegment):
        caching = caching.validity
    if isinstance(caching, CacheValidity) and not is_rewritten:
        request[CACHING] = caching


def _adapt_answer(exchange: Exchange, rows: tuple[Difference, ...], response: web.StreamResponse) -> web.StreamResponse:
    adapters = [row.answer for row in rows if row.answer is not None]
    body = _find_body(response) if adapters else None
    answer = None if body is None else msgspec.json.decode(body)
    if answer is None or (isinstance(answer, dict) and "error_code" in answer):
        return response
    for adapt in adapters:
        answer = adapt(exchange, answer)
    assert isinstance(response, web.Response)
    response.body = msgspec.json.encode(answer)
    return response


def _find_body(response: web.StreamResponse) -> bytes | None:
    """Return the body of a response that is not sent yet; None where there is none that could be changed."""
    if not isinstance(response, web.Response) or response.prepared or not isinstance(response.body, bytes):
        return None
    return response.body or None


@web.middleware
async def translate_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as Karapace words them: those of handlers, of the primary, and of the server itself."""
    response = await handler(request)
    if response.status < web.HTTPBadRequest.status_code or not speaks_karapace(request):
        return response
    body = _find_body(response)
    fields = None if body is None else parse(body)
    if not isinstance(fields, dict) or "error_code" not in fields:
        return response
    resource = request.match_info.route.resource
    path = request.path if resource is None else resource.canonical.removeprefix(CONTEXT_PREFIX)
    call = f"{request.method} {path}"
    exchange = request.get(_EXCHANGE) or Exchange(request)
    refusal = first = Refusal(response.status, fields["error_code"], fields["message"])
    for row in select_rows(DIFFERENCES, call):
        refusal = refusal if row.error is None else row.error(exchange, refusal)
    if refusal != first:
        assert isinstance(response, web.Response)
        response.body = msgspec.json.encode({"error_code": refusal.code, "message": refusal.message})
        response.set_status(refusal.status)
    return response

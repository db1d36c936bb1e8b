"""A span for every request (OpenTelemetry's conventions for HTTP servers), in the trace that the caller names, if any.

Spans are named by route template, like metrics. Imported only where traces are exported.
"""

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from karapace_like import trace_context
from karapace_like.web.errors import Handler
from karapace_like.web.metrics import HttpMetrics

_W3C = TraceContextTextMapPropagator()


def traced(tracer: Tracer, metrics: HttpMetrics) -> Middleware:
    """The middleware that stands around all others; `metrics` knows the routes' names."""

    @web.middleware
    async def tracing_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        series = metrics.of(request)
        with tracer.start_as_current_span(
            f"{series.method} {series.route}",
            context=_W3C.extract(request.headers),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": series.method,
                "http.route": series.route,
                "url.path": request.rel_url.raw_path,
                "url.scheme": request.scheme,
            },
        ) as span:
            headers: dict[str, str] = {}
            _W3C.inject(headers)
            trace_context.headers.set(headers)
            answer = await handler(request)
            span.set_attribute("http.response.status_code", answer.status)
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_attribute("error.type", str(answer.status))
                span.set_status(StatusCode.ERROR)
            return answer

    return tracing_middleware

"""A span for every request (OpenTelemetry's conventions for HTTP servers), in the trace that the caller names, if any.

Spans are named by route template, like metrics. Imported only where traces are exported.
"""

from http import HTTPStatus

from aiohttp import web
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from karapace_like.process import trace_context
from karapace_like.web.http.errors import Handler, Middleware
from karapace_like.web.http.http_metrics import HttpMetrics

_W3C = TraceContextTextMapPropagator()


def trace_requests(tracer: Tracer, metrics: HttpMetrics) -> Middleware:
    """Return the outermost middleware, which records the spans; `metrics` supplies the routes' names."""

    @web.middleware
    async def tracing_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        series = metrics.find_series(request)
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
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_attribute("error.type", str(response.status))
                span.set_status(StatusCode.ERROR)
            return response

    return tracing_middleware

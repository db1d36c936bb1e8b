"""Export of traces and metrics to an OpenTelemetry collector, by OTLP over HTTP, if the settings name one.

OpenTelemetry is imported only then (the extra `otel`). Its own environment variables apply beside the settings, for
headers, certificates, sampling and limits (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from prometheus_client import CollectorRegistry

from karapace_like import __version__
from karapace_like.background import BackgroundTasks
from karapace_like.config import Settings
from karapace_like.ownership import Owner
from karapace_like.web.http.errors import Middleware
from karapace_like.web.http.http_metrics import HttpMetrics

logger = logging.getLogger(__name__)

_SCOPE = "karapace_like"


@asynccontextmanager
async def export_telemetry(
    settings: Settings,
    owner: Owner,
    http: HttpMetrics,
    collectors: CollectorRegistry,
    background: BackgroundTasks,
) -> AsyncIterator[Sequence[Middleware]]:
    """Yield the middleware that traces requests, none without a collector.

    Spans and metrics are sent while the block runs, and the last spans at its end.
    """
    if settings.telemetry_otel_endpoint_url is None:
        yield ()
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from karapace_like.web.operations.tracing import trace_requests  # noqa: PLC0415

    url = settings.telemetry_otel_endpoint_url.rstrip("/")
    resource = Resource.create(
        {
            "service.name": settings.telemetry_resource_service_name,
            "service.version": __version__,
            "service.instance.id": f"{owner.node}.{owner.worker}",
        }
    )
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    seconds = settings.telemetry_metrics_export_interval_milliseconds / 1000
    send = partial(_send_metrics, f"{url}/v1/metrics", seconds, resource, collectors)
    metrics = background.start("export of metrics", send)
    try:
        yield [trace_requests(spans.get_tracer(_SCOPE, __version__), http)]
    finally:
        metrics.cancel()
        with suppress(asyncio.CancelledError):
            await metrics
        await asyncio.to_thread(spans.shutdown)


async def _send_metrics(url: str, seconds: float, resource: object, collectors: CollectorRegistry) -> None:
    """Send all metrics every `seconds`, until cancelled; the exporter logs what it cannot send."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415

    from karapace_like.telemetry.otlp import convert_metrics  # noqa: PLC0415

    assert isinstance(resource, Resource)
    exporter = OTLPMetricExporter(url)
    scope = InstrumentationScope(_SCOPE, __version__)
    begun = time.time_ns()
    try:
        while True:
            await asyncio.sleep(seconds)
            try:
                # The event loop's thread counts, so the counts are read on it.
                data = convert_metrics(collectors.collect(), resource, scope, begun, time.time_ns())
                await asyncio.to_thread(exporter.export, data)
            except Exception:
                logger.exception("Metrics could not be sent")
    finally:
        await asyncio.to_thread(exporter.shutdown)

"""A collector of traces and metrics (OTLP over HTTP) that keeps what it is sent, for a test to look at."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, TypeVar

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

T = TypeVar("T")

_SECONDS = 120


class Collector:
    """Listens on a free port inside of the block."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: dict[str, Metric] = dict[str, Metric]()
        """The last of each name."""
        self.resources: list[Resource] = []
        self._changed = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                answer = {"/v1/traces": collector.take_traces, "/v1/metrics": collector.take_metrics}[self.path](
                    content
                )
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take_traces(self, content: bytes) -> bytes:
        with self._changed:
            for each in ExportTraceServiceRequest.FromString(content).resource_spans:
                self.resources.append(each.resource)
                self.spans += [span for scope in each.scope_spans for span in scope.spans]
            self._changed.notify_all()
        return ExportTraceServiceResponse().SerializeToString()

    def take_metrics(self, content: bytes) -> bytes:
        with self._changed:
            for each in ExportMetricsServiceRequest.FromString(content).resource_metrics:
                self.resources.append(each.resource)
                self.metrics |= {metric.name: metric for scope in each.scope_metrics for metric in scope.metrics}
            self._changed.notify_all()
        return ExportMetricsServiceResponse().SerializeToString()

    def until(self, found: Callable[[], T]) -> T:
        """What is found, once something is."""
        with self._changed:
            assert self._changed.wait_for(found, _SECONDS)
            return found()

    def of_trace(self, trace_id: str, count: int = 1) -> list[Span]:
        """The spans of the trace, once there are so many."""

        def found() -> list[Span]:
            spans = [each for each in self.spans if each.trace_id.hex() == trace_id]
            return spans if len(spans) >= count else []

        return self.until(found)


def attributes(of: Span | Resource) -> dict[str, str | int]:
    """The values of texts and whole numbers, by name."""
    return {each.key: _value(each) for each in of.attributes}


def _value(pair: KeyValue) -> str | int:
    return pair.value.string_value or pair.value.int_value

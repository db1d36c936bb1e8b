"""The trace of the current request, as headers (W3C Trace Context) for the requests and records that it causes.

`web/operations/tracing.py` sets it; it is empty where nothing is traced. It does not need OpenTelemetry.
"""

from collections.abc import Mapping
from contextvars import ContextVar

TRACEPARENT = "traceparent"

headers: ContextVar[Mapping[str, str]] = ContextVar("trace_headers", default={})  # noqa: B039 - never changed in place
"""`traceparent`, and `tracestate` if the caller sent one."""

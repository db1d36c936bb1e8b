"""The trace that what runs here belongs to, as headers (W3C Trace Context), for requests and records that follow.

Set where requests are traced (`web/tracing.py`), and empty everywhere else: nothing here needs OpenTelemetry.
"""

from collections.abc import Mapping
from contextvars import ContextVar

TRACEPARENT = "traceparent"

headers: ContextVar[Mapping[str, str]] = ContextVar("trace_headers", default={})  # noqa: B039 - never changed in place
"""`traceparent`, and `tracestate` where the caller sent one."""

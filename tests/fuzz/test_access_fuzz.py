"""Requests drawn from the API's description, with access control and without: no caller causes a server error.

Callers without rights are also shown nothing. `FUZZ_EXAMPLES` sets how many requests are drawn for all routes together;
with it, a caller with rights and one of a service without access control are drawn, too, whose requests reach Kafka.
`FUZZ_SECONDS` draws so many again, until the time of each caller is over. The service without access control is a
process of its own, whose memory is bounded.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.web.access.conftest import basic, written
from tests.web.access.guarded import Guarded, serving

_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
_CALLER_SECONDS = int(os.environ.get("FUZZ_SECONDS", "0")) / 4
_MEGABYTES = 300
"""Of one process, with at most 50 consumer instances."""
_RIGHTS = ["describe", "read", "write", "delete", "config"]
_KINDS = ["subject", "context", "config", "topic", "group"]
"""Not `cluster`: a drawn request may leave a broker in any state."""
AUTHFILE = written(
    {"clerk": "clerk-password", "nobody": "nobody-password"},
    [{"principals": ["clerk"], "operations": _RIGHTS, "resource": kind, "name": "*"} for kind in _KINDS],
)
_CALLERS: Mapping[str, Mapping[str, str]] = {
    "no credentials": {},
    "nobody": basic("nobody", "nobody-password"),
    **({"clerk": basic("clerk", "clerk-password"), "anybody": {}} if _EXAMPLES else {}),
}
"""`anybody` calls a service without access control."""
_LEFT_OUT = ("stream", "connect", "/admin/loggers", "/health")
"""Parts of paths: endless responses, calls of workers that are not there, and probes, whose 503 is no error."""
_IN_MEMORY = ("/policies",)
"""What is kept in memory by the guarded application, and so never written; `anybody` calls it, too."""
_SECONDS = 30
"""For one answer: polls may wait."""
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


_CHANGES_BROKERS = ("/brokers/", "broker-configs")
"""Parts of paths that `anybody` does not call."""


@schemathesis.serializer("application/x-ndjson", "application/avro", "avro/binary")
def serialize_file(_: Any, value: Any) -> bytes:
    """The text that was drawn, as the file."""
    return str(value).encode(errors="surrogatepass")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[Guarded]:
    async with serving(kafka, AUTHFILE) as application:
        yield application


@pytest.mark.parametrize("caller", _CALLERS)
async def test_no_drawn_request_causes_a_server_error(kafka: Cluster, guarded: Guarded, caller: str) -> None:
    base_url = str(guarded.client.make_url("")).rstrip("/")
    if caller != "anybody":
        await _draw_requests(guarded, base_url, caller, (*_LEFT_OUT, *(_IN_MEMORY if caller == "clerk" else ())))
        return
    with ServiceProcess(kafka.bootstrap_servers, consumer_max_instances=50, workers=1) as process:
        await _draw_requests(guarded, process.url, caller, _LEFT_OUT + _CHANGES_BROKERS)
        assert _peak_megabytes(process.pid) < _MEGABYTES


def _peak_megabytes(pid: int) -> int:
    """The most resident memory that the process has had (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) // 1024


async def _draw_requests(guarded: Guarded, base_url: str, caller: str, left_out: Sequence[str]) -> None:
    async with guarded.client.get("/openapi.json", headers=_CALLERS["nobody"]) as answer:
        description = await answer.json(content_type=None)
    description["paths"] = {
        path: {name: each for name, each in item.items() if name != "servers"}
        for path, item in description["paths"].items()
        if not any(part in path for part in left_out)
    }
    await asyncio.to_thread(_send_drawn_requests, description, base_url, caller)


def _send_drawn_requests(description: dict[str, Any], base_url: str, caller: str) -> None:
    schema = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 50
    examples = max(1, _EXAMPLES // len(operations))
    ends = time.monotonic() + _CALLER_SECONDS
    while True:
        for operation in operations:

            @settings(max_examples=examples, derandomize=not _EXAMPLES, deadline=None, database=None,
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(case=operation.as_strategy())
            def send(case: Case[Any]) -> None:
                answer = case.call(base_url=base_url, headers=dict(_CALLERS[caller]), timeout=_SECONDS)
                text = f"{case.method} {answer.request.url} {answer.request.body!r}: {answer.status_code} {answer.text}"
                # A request of records gets 504 where nobody replies.
                is_unanswered = answer.status_code == 504 and case.path.endswith("/requests")
                assert answer.status_code < 500 or is_unanswered, text
                if caller == "no credentials":
                    assert answer.status_code >= 400, text

            send()
        if time.monotonic() >= ends:
            return

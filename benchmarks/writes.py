"""Writes that happen once, and together: rows of `bench.py`, each beside plain writes of the same records.

    python -m benchmarks.writes [SECONDS]

Every request with a key has one of its own. The command prints the goals and whether they are met.
"""

import json
import secrets
import sys
import uuid
from multiprocessing import get_context
from urllib.parse import urlsplit

from benchmarks import load
from benchmarks.generator import Found
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

AT_ONCE = 64
_RECORDS = 10
_MOST_A_SECOND = 4_000
"""Keys that are made for each second; no service that shares two cores with its broker and clients takes more."""
_JSON = "application/vnd.kafka.json.v2+json"
_WARM_UP_SECONDS = 1.0


def run_atomic(pid: int, url: str, seconds: float, *, is_atomic: bool = True) -> Found:
    """Write requests of ten records one after the other; a unit is a request."""
    query = "?atomic=true" if is_atomic else ""
    body = json.dumps({"records": [{"topic": f"bench-atomic-{at % 2}", "value": {"n": at}} for at in range(_RECORDS)]})
    sent = load.request("POST", f"/records{query}", urlsplit(url).netloc, body.encode(), Content_Type=_JSON)
    return _measure(pid, url, [sent], 1, seconds)


def run_once(pid: int, url: str, seconds: float, *, has_key: bool = True) -> Found:
    """Write single records, 64 at once, each with a key of its own."""
    host, body = urlsplit(url).netloc, b'{"records": [{"key": "north", "value": {"floor": 3}}]}'
    count = int(_MOST_A_SECOND * (seconds + _WARM_UP_SECONDS)) if has_key else 1
    run = secrets.token_hex(4)
    sent = [
        load.request(
            "POST",
            "/topics/bench-once",
            host,
            body,
            Content_Type=_JSON,
            **({"Idempotency_Key": f"{run}-{uuid.uuid4()}"} if has_key else {}),
        )
        for _ in range(count)
    ]
    return _measure(pid, url, sent, AT_ONCE, seconds)


def _measure(pid: int, url: str, sent: list[bytes], connections: int, seconds: float) -> Found:
    address = urlsplit(url)
    warm, rest = (sent[: len(sent) // 5], sent[len(sent) // 5 :]) if len(sent) > 1 else (sent, sent)
    with get_context("spawn").Pool(1) as pool:
        pool.apply(load.client, (address.hostname, address.port, warm, connections, _WARM_UP_SECONDS))
        before = load.cpu_seconds(pid)
        times, failures = pool.apply(load.client, (address.hostname, address.port, rest, connections, seconds))
        spent = load.cpu_seconds(pid) - before
    times.sort()
    return Found(len(times) / seconds, spent / len(times) * 1e6, load.at(times, 0.5), load.at(times, 0.99), failures)


def main() -> None:
    """Start a broker and a service, measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, idempotency_max_bytes=2**30) as service:
        pid, url = service.pid, service.url
        together = run_atomic(pid, url, seconds, is_atomic=False)
        atomic = run_atomic(pid, url, seconds)
        plain = run_once(pid, url, seconds, has_key=False)
        once = run_once(pid, url, seconds)
    for name, found in (
        ("10 records", together),
        ("10 records, atomic", atomic),
        (f"1 record, {AT_ONCE} at once", plain),
        (f"1 record with a key, {AT_ONCE} at once", once),
    ):
        print(
            f"{name:32} {found.units_a_second:8.0f}/s {found.cpu_us:8.1f} us CPU  p50 {found.p50_ms:6.1f} ms"
            f"  p99 {found.p99_ms:6.1f} ms  {found.errors} errors"
        )
    print(f"atomic p50 {atomic.p50_ms:.1f} ms (goal: 15)")
    print(f"with a key: {once.cpu_us / plain.cpu_us:.1f} x the CPU (goal: 4), p50 {once.p50_ms:.1f} ms (goal: 25)")


if __name__ == "__main__":
    main()

"""Whether throughput grows with workers: checks, registrations of a known schema and reads, by 1 and by 2.

python -m benchmarks.workers [--seconds 5] [--workers 1 2]. The load generator needs a share of the cores, too.
"""

import argparse
import json
import os
import signal
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from statistics import median
from urllib.parse import urlsplit

from benchmarks.load import client, cpu_seconds, request
from benchmarks.paths import post
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_CONNECTIONS = 64
_REGISTRY = "application/vnd.schemaregistry.v1+json"
_FIELDS = [{"name": f"field_{number}", "type": ["null", "string"], "default": None} for number in range(14)]
_SCHEMA = json.dumps({"schema": json.dumps({"type": "record", "name": "Parcel", "fields": _FIELDS})}).encode()


def _measure(service: ServiceProcess, workers: int, seconds: float) -> None:
    address = urlsplit(service.url)
    post(service.url, "/subjects/bench/versions", _SCHEMA, _REGISTRY)
    pids = [service.worker(number) for number in range(workers)] if workers > 1 else [service.pid]
    check = request("POST", "/compatibility/subjects/bench/versions/1", address.netloc, _SCHEMA, Content_Type=_REGISTRY)
    known = request("POST", "/subjects/bench/versions", address.netloc, _SCHEMA, Content_Type=_REGISTRY)
    load = partial(_load, address.port or 0, pids, seconds=seconds)
    load("check", check)
    load("known", known)
    load("get by id", request("GET", "/schemas/ids/1", address.netloc))
    if workers > 1:
        os.kill(pids[0], signal.SIGSTOP)
        try:
            load("known, by one that does not write", known, connections=1)
        finally:
            os.kill(pids[0], signal.SIGCONT)


def _load(
    port: int, pids: Sequence[int], name: str, sent: bytes, *, seconds: float, connections: int = _CONNECTIONS
) -> None:
    asked = ("127.0.0.1", port, [sent], connections)
    with get_context("spawn").Pool(1) as pool:
        pool.apply(client, (*asked, 1.0))
        before = [cpu_seconds(pid) for pid in pids]
        times, failures = pool.apply(client, (*asked, seconds))
        spent = [cpu_seconds(pid) - begun for pid, begun in zip(pids, before, strict=True)]
    each = "  ".join(f"{cpu / seconds:5.0%}" for cpu in spent)
    print(
        f"{len(pids)} workers  {name:10} {len(times) / seconds:8.0f}/s  p50 {median(times) * 1000:6.2f} ms"
        f"  {sum(spent) / len(times) * 1e6:6.1f} us CPU  of a core each: {each}  {failures} failed",
        flush=True,
    )


def main() -> None:
    """Print a line for each call and number of workers."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    wanted = arguments.parse_args()
    with Cluster() as kafka:
        for workers in wanted.workers:
            # A worker that is stopped for a while is not to be out of the election.
            with ServiceProcess(kafka.bootstrap_servers, workers=workers, session_timeout_ms=300_000) as service:
                _measure(service, workers, wanted.seconds)


if __name__ == "__main__":
    main()

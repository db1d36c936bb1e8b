"""Whether throughput grows with workers: checks, registrations of a known schema and reads, by 1 and by 2.

python -m benchmarks.workers [--seconds 5] [--workers 1 2]. The load generator needs a share of the cores, too.
"""

import argparse
import json
from multiprocessing import get_context
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
    for name, sent in {
        "check": check,
        "known": known,
        "get by id": request("GET", "/schemas/ids/1", address.netloc),
    }.items():
        asked = ("127.0.0.1", address.port, [sent], _CONNECTIONS)
        with get_context("spawn").Pool(1) as pool:
            pool.apply(client, (*asked, 1.0))
            before = [cpu_seconds(pid) for pid in pids]
            times, failures = pool.apply(client, (*asked, seconds))
            spent = [cpu_seconds(pid) - begun for pid, begun in zip(pids, before, strict=True)]
        each = "  ".join(f"{cpu / seconds:5.0%}" for cpu in spent)
        cost = sum(spent) / len(times) * 1e6
        print(
            f"{workers} workers  {name:10} {len(times) / seconds:8.0f}/s  {cost:6.1f} us CPU  of a core each: {each}"
            f"  {failures} failed",
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
            with ServiceProcess(kafka.bootstrap_servers, workers=workers) as service:
                _measure(service, workers, wanted.seconds)


if __name__ == "__main__":
    main()

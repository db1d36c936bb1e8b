"""What it costs to register new schemas: one client after the other's answer, and many clients at once.

python -m benchmarks.registrations [--seconds 5] [--fencing epoch,transaction,off] [--brokers 1] [--rounds 1]
    [--before ../before]

Every request registers a schema that nobody has registered, each under a subject of its own, with the topic on the
embedded Kafka. CPU is the serving process's for each registration; the rest of the time is Kafka's. Several kinds of
fencing, and another checkout (`--before`, with its defaults), are measured in turns: compare them within one run.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path as File
from statistics import median
from urllib.parse import urlsplit

from benchmarks.load import Cost, Load, measure, request
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_MOST_PER_SECOND = 6_000
_CLIENTS = (1, 8, 64)


def registrations(host: str) -> Iterator[bytes]:
    """Requests without end, none of which comes twice."""
    for number in count():
        fields = [{"name": f"field_{each}", "type": ["null", "string"], "default": None} for each in range(4)]
        schema = {"type": "record", "name": f"Parcel{number}", "fields": fields}
        body = json.dumps({"schema": json.dumps(schema)}).encode()
        yield request("POST", f"/subjects/new-{number}/versions", host, body, Content_Type="application/json")


def main() -> None:
    """Print a line for each number of clients and each kind of fencing: its best round, and the median of all."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--fencing", default="auto")
    arguments.add_argument("--brokers", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--before", type=File, help="another checkout")
    wanted = arguments.parse_args()
    with Cluster(brokers=wanted.brokers) as kafka, ExitStack() as stack:
        services = {
            fencing: ServiceProcess(kafka.bootstrap_servers, fencing=fencing, replication_factor=wanted.brokers)
            for fencing in wanted.fencing.split(",")
        }
        if wanted.before is not None:
            program = ["env", "-C", str(wanted.before.resolve()), sys.executable, "-m", "karapace_like"]
            services["before"] = ServiceProcess(
                kafka.bootstrap_servers, program=program, replication_factor=wanted.brokers
            )
        unused = {
            name: registrations(urlsplit(stack.enter_context(service).url).netloc) for name, service in services.items()
        }
        for clients in _CLIENTS:
            found: dict[str, list[Cost]] = {name: [] for name in services}
            for number in range(wanted.rounds):
                for name in list(services)[:: 1 if number % 2 == 0 else -1]:
                    found[name].append(_measure(services[name], unused[name], Load(clients, wanted.seconds)))
            for name, costs in found.items():
                best = max(costs, key=lambda cost: cost.requests / cost.seconds)
                p50 = median(cost.p50_ms for cost in costs)
                print(
                    f"{clients:3} clients  {name:12} {best}  p99 {best.p99_ms:6.2f} ms  median p50 {p50:6.2f} ms",
                    flush=True,
                )


def _measure(service: ServiceProcess, unused: Iterator[bytes], load: Load) -> Cost:
    warm_up, requests = (list(islice(unused, int(_MOST_PER_SECOND * seconds))) for seconds in (1.5, load.seconds))
    port = urlsplit(service.url).port or 0
    cost = measure(service.pid, "127.0.0.1", port, requests, load, warm_up=warm_up)
    assert cost.requests <= len(requests), "some were registered twice"
    return cost


if __name__ == "__main__":
    main()

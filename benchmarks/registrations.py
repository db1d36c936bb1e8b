"""What it costs to register new schemas: one client after the other's answer, and many clients at once.

python -m benchmarks.registrations [--seconds 5] [--fencing auto|on|off] [--brokers 1]

Every request registers a schema that nobody has registered, each under a subject of its own, with the topic on the
embedded Kafka. CPU is the serving process's for each registration; the rest of the time is Kafka's.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import count, islice
from urllib.parse import urlsplit

from benchmarks.load import Load, measure, request
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
    """Print a line for each number of clients."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--fencing", default="auto")
    arguments.add_argument("--brokers", type=int, default=1)
    wanted = arguments.parse_args()
    settings = {"fencing": wanted.fencing, "replication_factor": wanted.brokers}
    with Cluster(brokers=wanted.brokers) as kafka, ServiceProcess(kafka.bootstrap_servers, **settings) as service:
        address = urlsplit(service.url)
        unused = registrations(address.netloc)
        for clients in _CLIENTS:
            warm_up, requests = (
                list(islice(unused, int(_MOST_PER_SECOND * seconds))) for seconds in (1.5, wanted.seconds)
            )
            load = Load(clients, wanted.seconds)
            found = measure(service.pid, "127.0.0.1", address.port or 0, requests, load, warm_up=warm_up)
            assert found.requests <= len(requests), "some were registered twice"
            print(f"{clients:3} clients  {found}", flush=True)


if __name__ == "__main__":
    main()

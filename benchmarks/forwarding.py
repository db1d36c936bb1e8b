"""What a write costs at a node that is not the primary: CPU of that node and of the primary, for each request.

    python -m benchmarks.forwarding [--seconds 3]

Two nodes at one broker. New schemas and known ones are registered at the primary, then at the follower. The follower
forwards a new one and waits until it has read it; it answers a known one itself, after it has asked Kafka for the end
of the topic, once for all requests that wait at that moment.
"""

import argparse
import json
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from benchmarks.load import Load, cpu_seconds, measure, request
from benchmarks.paths import REGISTRY, post
from benchmarks.registrations import registrations
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_CONNECTIONS = (1, 64)
_MOST_PER_SECOND = 3_000
_KNOWN = json.dumps({"schema": '{"type": "fixed", "name": "Known", "size": 4}'}).encode()


def main() -> None:
    """Print a line for each kind of registration, number of connections and node."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=3.0)
    seconds = arguments.parse_args().seconds
    settings: dict[str, Any] = {"topic_name": "_schemas-two", "group_id": "two", "session_timeout_ms": 60_000}
    with (
        Cluster() as kafka,
        ServiceProcess(kafka.bootstrap_servers, **settings) as one,
        ServiceProcess(kafka.bootstrap_servers, **settings) as other,
    ):
        post(other.url, "/subjects/known/versions", _KNOWN, REGISTRY)
        primary, follower = (one, other) if _is_primary(one) else (other, one)
        new = registrations(urlsplit(primary.url).netloc)
        for connections in _CONNECTIONS:
            for name, node, beside in (("primary", primary, follower), ("follower", follower, primary)):
                address = urlsplit(node.url)
                known = request("POST", "/subjects/known/versions", address.netloc, _KNOWN, Content_Type=REGISTRY)
                unused = list(islice(new, int(_MOST_PER_SECOND * seconds)))
                warm_up = list(islice(new, _MOST_PER_SECOND))
                for kind, requests, once in (("new", unused, True), ("known", [known], False)):
                    load = Load(connections, seconds, once=once)
                    before = cpu_seconds(beside.pid)
                    cost = measure(
                        node.pid, "127.0.0.1", address.port or 0, requests, load, warm_up=warm_up if once else None
                    )
                    # The warm-up of a second is in it: the other node's CPU is an upper bound.
                    elsewhere = (cpu_seconds(beside.pid) - before) / cost.requests * 1e6
                    print(
                        f"{kind:6} at the {name:9} {connections:3} connections  {cost}  {elsewhere:7.1f} us CPU at most"
                        " at the other node",
                        flush=True,
                    )


def _is_primary(service: ServiceProcess) -> bool:
    with urlopen(f"{service.url}/_health") as response:
        return bool(json.load(response)["status"]["schema_registry_is_primary"])


if __name__ == "__main__":
    main()

"""Requests that were never seen: schemas of a large registry in random order, each request once.

    python -m benchmarks.unseen [--schemas 20000] [--other ../before] [--requests 1500] [--rounds 3]

Reads by id, look-ups, checks of a successor, and registrations of it as the second version. Each subject has one Avro
schema of nine fields. `--other` measures another checkout in turns with this one, on the same topic; the topic of the
registrations is its own. CPU is for each request, the least of the rounds and their median. p50 includes the client.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path as File
from statistics import median
from urllib.parse import urlsplit

from benchmarks import load, replay
from benchmarks.load import Cost, Load
from benchmarks.paths import REGISTRY
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_HERE = File(__file__).parent.parent
_BYTES = 630
"""Of a schema with nine fields."""
_SECONDS = 60
"""A round ends then at the latest."""
_CONNECTIONS = 32
KINDS = ("read by id", "look up", "check", "second version")


def main() -> None:
    """Print a line for each kind of request and checkout."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schemas", type=int, default=20_000)
    arguments.add_argument("--other", type=File, help="another checkout: what was before")
    arguments.add_argument("--requests", type=int, default=1500, help="of one round, after a third as many others")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("kinds", nargs="*", default=KINDS, help="of requests")
    wanted = arguments.parse_args()
    if wanted.requests * 4 // 3 * wanted.rounds > wanted.schemas:
        arguments.error("each request is sent once: there have to be a third more schemas than requests of all rounds")
    checkouts = [_HERE] if wanted.other is None else [wanted.other.resolve(), _HERE]
    with ExitStack() as stack:
        kafka = stack.enter_context(Cluster())
        services = []
        for number, checkout in enumerate(checkouts):
            topic = f"_schemas-{number}"
            replay.write(kafka.bootstrap_servers, wanted.schemas, _BYTES, versions=1, topic_name=topic)
            program = ["env", "-C", str(checkout), sys.executable, "-m", "karapace_like"]
            services.append(
                stack.enter_context(ServiceProcess(kafka.bootstrap_servers, program=program, topic_name=topic))
            )
        for kind in wanted.kinds:
            requests = [_requests(kind, service.url, wanted.schemas) for service in services]
            costs: list[list[Cost]] = [[] for _ in services]
            for _ in range(wanted.rounds):
                for service, sent, measured in zip(services, requests, costs, strict=True):
                    measured.append(_measure(service, sent, wanted.requests))
            for checkout, measured in zip(checkouts, costs, strict=True):
                print(f"{kind:16}{_show(measured)}  {checkout}", flush=True)


def _requests(kind: str, url: str, count: int) -> Iterator[bytes]:
    """Yield a request for each schema, in random order."""
    host = urlsplit(url).netloc
    for number in random.Random(kind).sample(range(count), count):
        subject, text = f"subject-{number}-value", replay.schema(number, _BYTES)
        if kind == "read by id":
            yield load.request("GET", f"/schemas/ids/{number + 1}", host)
            continue
        path = {"look up": "", "check": "/versions/latest", "second version": "/versions"}[kind]
        if kind != "look up":
            schema = json.loads(text)
            schema["fields"].append({"name": "added", "type": "int", "default": 0})
            text = json.dumps(schema)
        body = json.dumps({"schema": text}).encode()
        start = "/compatibility/subjects/" if kind == "check" else "/subjects/"
        yield load.request("POST", f"{start}{subject}{path}", host, body, Content_Type=REGISTRY)


def _measure(service: ServiceProcess, requests: Iterator[bytes], count: int) -> Cost:
    """Send so many of the requests, after a third as many by which code and connections get warm."""
    address = urlsplit(service.url)
    warm_up, measured = list(islice(requests, count // 3)), list(islice(requests, count))
    host, port = address.hostname or "", address.port or 0
    return load.measure(service.pid, host, port, measured, Load(_CONNECTIONS, _SECONDS, once=True), warm_up=warm_up)


def _show(costs: list[Cost]) -> str:
    least = min(costs, key=lambda cost: cost.cpu_us)
    return f"{least}, median {median(cost.cpu_us for cost in costs):7.1f} us CPU"


if __name__ == "__main__":
    main()

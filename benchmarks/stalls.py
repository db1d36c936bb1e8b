"""How long heavy registrations hold up everybody else: the longest a small request waits beside them.

python -m benchmarks.stalls [--schemas 12] [--kilobytes 500]

Registers that many Avro schemas of that size at one subject at the same time, each compatible with all others, while a
small request is sent every few milliseconds over a connection of its own, and a small schema is registered at another
subject. The longest of the small requests is the event loop's longest stall, and whatever the machine adds to it. The
CPU time of the loop's longest turn, measured in this process, is without what the machine adds.
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import NamedTuple

from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from benchmarks.loop_turns import Turns
from karapace_like.kafka.cluster import Cluster
from karapace_like.web.app import make_app
from tests.service_process import ServiceProcess
from tests.web.conftest import in_memory, leading

_PING_SECONDS = 0.005
_HEAVY = "/subjects/heavy/versions"
_JSON = {"Content-Type": "application/json"}
_SMALL = b'{"schema": "\\"int\\""}'


def schema(kilobytes: int, number: int) -> bytes:
    """A request body with a record of nullable fields, which differ in one field's documentation only."""
    fields = [{"name": f"f{each}", "type": ["null", "string"], "default": None} for each in range(16 * kilobytes)]
    fields[0]["doc"] = f"version {number}"
    return json.dumps({"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}).encode()


async def _register(session: ClientSession, url: str, body: bytes) -> tuple[int, float]:
    begun = time.monotonic()
    async with session.post(url, data=body, headers=_JSON) as answer:
        await answer.read()
    return answer.status, time.monotonic() - begun


async def _ping(session: ClientSession, waits: list[float]) -> None:
    while True:
        begun = time.monotonic()
        async with session.get("/schemas/types") as answer:
            await answer.read()
        waits.append(time.monotonic() - begun)
        await asyncio.sleep(_PING_SECONDS)


class Stalls(NamedTuple):
    """What one round of heavy registrations costs the others; times in milliseconds."""

    schemas: int
    kilobytes: int
    seconds: float
    """Until the last of them is answered."""
    statuses: frozenset[int]
    longest_wait: float
    """Of a small request beside them."""
    median_wait: float
    longest_registration: float
    """Of a small schema beside them."""

    def __str__(self) -> str:
        return (
            f"{self.schemas} registrations of {self.kilobytes} kB at one subject: {self.seconds:.1f} s, statuses "
            f"{sorted(self.statuses)}; beside them a small request waits {self.longest_wait:.0f} ms at most "
            f"({self.median_wait:.1f} in the middle), a small registration {self.longest_registration:.0f} ms at most"
        )


def run(url: str, schemas: int = 12, kilobytes: int = 500) -> Stalls:
    """Measure one round at the service of this URL."""
    return asyncio.run(_measure(url, schemas, kilobytes))


async def _measure(url: str, schemas: int, kilobytes: int) -> Stalls:
    async with ClientSession(url) as heavy, ClientSession(url) as light:
        await _register(heavy, _HEAVY, schema(kilobytes, 0))
        waits: list[float] = []
        pinging = asyncio.create_task(_ping(light, waits))
        bodies = [schema(kilobytes, number + 1) for number in range(schemas)]
        await asyncio.sleep(0.5)
        waits.clear()
        begun = time.monotonic()
        registering = [asyncio.create_task(_register(heavy, _HEAVY, each)) for each in bodies]
        small: list[float] = []
        while not all(each.done() for each in registering):
            small.append((await _register(light, f"/subjects/small-{len(small)}/versions", _SMALL))[1])
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - begun
        pinging.cancel()
        statuses = [each.result()[0] for each in registering]
    return Stalls(
        schemas,
        kilobytes,
        seconds,
        frozenset(statuses),
        1000 * max(waits),
        1000 * statistics.median(waits),
        1000 * max(small),
    )


async def _longest_turn(schemas: int, kilobytes: int) -> float:
    """Milliseconds of CPU that the longest turn of the event loop takes, with service and clients in this process."""
    registry, _ = in_memory()
    async with leading(registry), TestClient(TestServer(make_app(registry))) as client:
        session = client.session
        url = str(client.make_url(_HEAVY))
        await _register(session, url, schema(kilobytes, 0))
        bodies = [schema(kilobytes, number + 1) for number in range(schemas)]
        turns = Turns(asyncio.get_running_loop())
        await asyncio.gather(*(_register(session, url, body) for body in bodies))
        longest = max(turns.seconds)
    await registry.engines.close()
    return 1000 * longest


def main() -> None:
    """Print one line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schemas", type=int, default=12)
    arguments.add_argument("--kilobytes", type=int, default=500)
    wanted = arguments.parse_args()
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
        print(run(service.url, wanted.schemas, wanted.kilobytes))
    longest = asyncio.run(_longest_turn(wanted.schemas, wanted.kilobytes))
    print(f"the event loop's longest turn takes {longest:.0f} ms of CPU")


if __name__ == "__main__":
    main()

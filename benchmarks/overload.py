"""What happens beyond capacity: registrations from 4 x as many clients as may wait, and how health answers meanwhile.

python -m benchmarks.overload [--seconds 5] [--bound 100]
"""

import argparse
import asyncio
import secrets
import time
from collections import defaultdict
from statistics import quantiles

import aiohttp

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess


class Load:
    """Clients that send one new schema after the other, and one that asks for health."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seconds: float) -> None:
        self._session = session
        self._url = url
        self._until = time.monotonic() + seconds
        self.times: dict[str, list[float]] = defaultdict(list)
        """What was answered -> seconds."""

    async def register(self) -> None:
        while time.monotonic() < self._until:
            name = f"o{secrets.token_hex(6)}"
            body = {"schema": f'{{"type":"fixed","name":"{name}","size":4}}'}
            retry_after = await self._ask("POST", f"/subjects/{name}/versions", body, "")
            if retry_after is not None:
                await asyncio.sleep(float(retry_after) / 10)  # a client that does not quite do as it is told

    async def health(self) -> None:
        while time.monotonic() < self._until:
            await self._ask("GET", "/health/ready", None, "health ")
            await asyncio.sleep(0.02)

    async def _ask(self, method: str, path: str, body: object, what: str) -> str | None:
        begun = time.monotonic()
        async with self._session.request(method, self._url + path, json=body) as answer:
            await answer.read()
            self.times[f"{what}{answer.status}"].append(time.monotonic() - begun)
            return answer.headers.get("Retry-After")


async def _loaded(url: str, clients: int, seconds: float) -> dict[str, list[float]]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        load = Load(session, url, seconds)
        await asyncio.gather(load.health(), *(load.register() for _ in range(clients)))
    return load.times


def main() -> None:
    """Print a line for each kind of answer, at capacity and at four times that."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--bound", type=int, default=100)
    wanted = arguments.parse_args()
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, http_requests_max=wanted.bound) as service:
        asyncio.run(_loaded(service.url, wanted.bound, 2.0))
        for clients in (wanted.bound, 4 * wanted.bound):
            print(f"{clients} clients, of which {wanted.bound} are let in")
            for what, times in sorted(asyncio.run(_loaded(service.url, clients, wanted.seconds)).items()):
                cuts = quantiles(times, n=100) if len(times) > 1 else times * 100
                latency = f"p50 {cuts[49] * 1e3:7.1f} ms  p99 {cuts[98] * 1e3:7.1f} ms"
                print(f"  {what:12} {len(times) / wanted.seconds:7.0f}/s  {latency}", flush=True)


if __name__ == "__main__":
    main()

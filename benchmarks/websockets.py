"""What idle WebSocket connections cost in memory, and how long a record takes from produce to all of them.

    python -m benchmarks.websockets [CONNECTIONS]

Each connection subscribes to the same topic, and has credit.
"""

import asyncio
import resource
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import load
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_AT_ONCE = 50
_WATCHED_SECONDS = 15.0
_PRODUCED = 10


def _kilobytes(pid: int) -> int:
    """Return the memory of the process (RSS)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0])


async def _measure(service: ServiceProcess, connections: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(service.url, connector=connector) as session:

        async def produce() -> None:
            body = {"records": [{"value": time.time_ns()}]}
            headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
            async with session.post("/topics/pushed", json=body, headers=headers) as answer:
                assert answer.status == 200

        async def connect() -> aiohttp.ClientWebSocketResponse:
            socket = await session.ws_connect("/topics/pushed/socket", compress=0)
            await socket.send_json({"subscribe": {"credit": 1_000}})
            await socket.receive_json()
            return socket

        await produce()
        sockets = [await connect()]
        before = _kilobytes(service.pid)
        while len(sockets) < connections:
            sockets += await asyncio.gather(*(connect() for _ in range(min(_AT_ONCE, connections - len(sockets)))))
        await asyncio.sleep(1)
        each = (_kilobytes(service.pid) - before) / (connections - 1)
        spent = load.cpu_seconds(service.pid)
        await asyncio.sleep(_WATCHED_SECONDS)
        share = (load.cpu_seconds(service.pid) - spent) / _WATCHED_SECONDS
        print(f"{connections} idle connections: {each:.1f} kB each, {share:.1%} of a core")
        times: list[float] = []
        for _ in range(_PRODUCED):
            begun = time.perf_counter()
            await produce()
            await asyncio.gather(*(socket.receive() for socket in sockets))
            times.append(time.perf_counter() - begun)
        times.sort()
        print(f"one record to all of them, this program's time included: {load.at(times, 0.5):.0f} ms (p50)")


def main() -> None:
    """Start a broker and a service, and print."""
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    names = ("websocket_max_connections", "websocket_max_connections_of_user")
    settings: dict[str, Any] = {**dict.fromkeys(names, connections), "http_requests_max": connections + 100}
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, **settings) as service:
        asyncio.run(_measure(service, connections))


if __name__ == "__main__":
    main()

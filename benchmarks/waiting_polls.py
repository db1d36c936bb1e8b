"""What consumer instances cost while polls wait for records, which do not come: CPU, threads and memory of a service.

python -m benchmarks.waiting_polls [--polls 100] [--seconds 15]
"""

import argparse
import asyncio
import os
import time
from pathlib import Path

import aiohttp

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_BINARY = "application/vnd.kafka.binary.v2+json"
_TIMEOUT_MS = 60_000


def _usage(pid: int) -> tuple[float, int, float]:
    """(CPU seconds, threads, resident megabytes) of the process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu, int(fields[17]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _watch(pid: int, label: str, seconds: float) -> None:
    before, begun = _usage(pid)[0], time.monotonic()
    await asyncio.sleep(seconds)
    after, threads, megabytes = _usage(pid)
    share = (after - before) / (time.monotonic() - begun)
    print(f"{label:24}{share:8.2%} of a core{threads:8} threads{megabytes:8.0f} MB", flush=True)


async def _measure(service: ServiceProcess, polls: int, seconds: float) -> None:
    headers = {"Content-Type": _BINARY, "Accept": f"{_BINARY}, */*;q=0.5"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(service.url, headers=headers, connector=connector) as session:
        for path, body in (
            ("/topics/quiet", {"records": [{"value": "MQ=="}]}),
            *((f"/consumers/quiet-{number}", {"name": "c"}) for number in range(polls)),
            *(
                (
                    f"/consumers/quiet-{number}/instances/c/assignments",
                    {"partitions": [{"topic": "quiet", "partition": 0}]},
                )
                for number in range(polls)
            ),
        ):
            async with session.post(path, json=body) as response:
                assert response.status < 300, await response.text()
        await _watch(service.pid, f"{polls} instances", seconds)
        paths = [f"/consumers/quiet-{number}/instances/c/records?timeout={_TIMEOUT_MS}" for number in range(polls)]
        waiting = [asyncio.create_task(_poll(session, path)) for path in paths]
        await asyncio.sleep(2)
        await _watch(service.pid, f"{polls} waiting polls", seconds)
        for poll in waiting:
            poll.cancel()
        await asyncio.wait(waiting)


async def _poll(session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(path) as response:
        assert response.status == 200, await response.text()


def main() -> None:
    """Print a line for idle instances, and one for as many waiting polls."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--polls", type=int, default=100)
    arguments.add_argument("--seconds", type=float, default=15.0)
    wanted = arguments.parse_args()
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, http_requests_max=2_000) as service:
        asyncio.run(_measure(service, wanted.polls, wanted.seconds))


if __name__ == "__main__":
    main()

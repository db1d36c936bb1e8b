"""What an upload and a download of a large file cost: records and megabytes a second, CPU, and memory.

    python -m benchmarks.uploads [MEGABYTES]

Records are lines of 1 KB; the file is generated while it is sent, and not kept.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from benchmarks import load
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_LINE = json.dumps({"key": "north", "value": {"floor": 3, "note": "x" * 960}}).encode() + b"\n"
_LINES_AT_ONCE = 64


async def _generate(lines: int) -> AsyncIterator[bytes]:
    for _ in range(0, lines, _LINES_AT_ONCE):
        yield _LINE * _LINES_AT_ONCE


def _peak_megabytes(pid: int) -> int:
    """Return the most memory that the process has had (RSS)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1024


async def _measure(service: ServiceProcess, megabytes: int) -> None:
    lines = megabytes * 1_000_000 // len(_LINE) // _LINES_AT_ONCE * _LINES_AT_ONCE
    print(f"before: {_peak_megabytes(service.pid)} MB")
    async with aiohttp.ClientSession(service.url, timeout=aiohttp.ClientTimeout(total=None)) as session:
        begun, spent = time.perf_counter(), load.cpu_seconds(service.pid)
        headers = {"Content-Type": "application/x-ndjson"}
        path = "/topics/large/files?key_format=string"
        async with session.post(path, data=_generate(lines), headers=headers) as answer:
            last = (await answer.text()).splitlines()[-1]
        assert json.loads(last) == {"records": lines, "written": lines, "done": True}, last
        _report("upload", service, lines, time.perf_counter() - begun, load.cpu_seconds(service.pid) - spent)
        begun, spent, size = time.perf_counter(), load.cpu_seconds(service.pid), 0
        async with session.get(path) as answer:
            async for chunk in answer.content.iter_any():
                size += len(chunk)
        assert size > lines * len(_LINE)
        _report("download", service, lines, time.perf_counter() - begun, load.cpu_seconds(service.pid) - spent)


def _report(name: str, service: ServiceProcess, lines: int, took: float, spent: float) -> None:
    rate = lines * len(_LINE) / took / 1e6
    cost = spent / lines * 1e6
    print(f"{name}: {lines / took:,.0f} records/s, {rate:.1f} MB/s, {cost:.1f} µs of CPU for each record,", end=" ")
    print(f"at most {_peak_megabytes(service.pid)} MB")


def main() -> None:
    """Start a broker and a service, and print."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
        asyncio.run(_measure(service, megabytes))


if __name__ == "__main__":
    main()

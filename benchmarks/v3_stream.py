"""How fast one streamed v3 request produces, and how much memory the service needs for it.

python -m benchmarks.v3_stream [--records 1000000]

One client, one request, one topic of four partitions; the embedded Kafka, the service and the client share the machine.
"""

import argparse
import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_RECORD = b'{"key":{"type":"STRING","data":"key-%07d"},"value":{"type":"JSON","data":{"floor":%d,"note":"going up"}}}\n'
_PIECE = 1_000
_MEGABYTE = 2**20


def main() -> None:
    """Print records a second, and the most memory that the service has taken beyond what it had before."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=1_000_000)
    count = arguments.parse_args().records
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
        asyncio.run(_stream(service.url, 20_000))  # what is compiled, cached and connected at first use
        asyncio.run(_measured(service, count))


async def _measured(service: ServiceProcess, count: int) -> None:
    before = _resident(service.pid)
    watching = asyncio.create_task(_largest(service.pid))
    begun = time.perf_counter()
    written = await _stream(service.url, count)
    seconds = time.perf_counter() - begun
    watching.cancel()
    grown = (await watching - before) / _MEGABYTE
    print(f"{written:,} of {count:,} records in {seconds:.1f} s: {written / seconds:,.0f} records/s")
    print(f"memory: {before / _MEGABYTE:.0f} MB before, at most {grown:.1f} MB more")


async def _stream(url: str, count: int) -> int:
    """Produce in one request; how many results say that the record is written."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    cluster = "bench"  # as in the reference, any will do
    writer.write(
        f"POST /v3/clusters/{cluster}/topics/bench-stream/records HTTP/1.1\r\nHost: {address.netloc}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    )
    sending = asyncio.create_task(_send(writer, count))
    written = 0
    while line := await reader.readline():
        written += line.startswith(b"{") and b'"error_code":200' in line
    await sending
    writer.close()
    return written


async def _send(writer: asyncio.StreamWriter, count: int) -> None:
    for start in range(0, count, _PIECE):
        piece = b"".join(_RECORD % (number, number) for number in range(start, min(start + _PIECE, count)))
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _largest(pid: int) -> int:
    """The most memory until cancelled."""
    largest = 0
    try:
        while True:
            largest = max(largest, _resident(pid))
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return largest


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


if __name__ == "__main__":
    main()

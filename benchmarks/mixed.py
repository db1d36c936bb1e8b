"""The tails of a mixed load at 70 % of its capacity, without and with a hostile client: p50, p99, p99.9 of each path.

python -m benchmarks.mixed [--seconds 20] [--share 0.7] [--rate N] [--attack NAME] [--workers 1 | --turns]
    [--histograms FOLDER]

A closed loop finds how many requests of the mix the service answers in a second. Then a part of that arrives at fixed
times, however long responses take: a latency counts from the time at which its request was to be sent, so a stall
counts for every request that it delays. Requests arrive in ticks of a millisecond, since timers are no finer. The load
is sent by one process and the attack (`benchmarks/hostile.py`) by another; both share the machine with the service.
`--turns` runs the service on an event loop whose turns are measured (`benchmarks/loop_turns.py`): what the service
makes others wait, whatever the machine adds.
"""

import argparse
import asyncio
import base64
import itertools
import json
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path as File
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from hdrh.histogram import HdrHistogram

from benchmarks import hostile, load, loop_turns, paths
from benchmarks.paths import BATCH, Path
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_INSTANCES = 8
_POLL_BYTES = 20_000
_TICK_SECONDS = 0.001
_DRAIN_SECONDS = 30.0
"""How long responses are awaited after the last request was sent."""
_DRAIN_STEP_SECONDS = 0.01
_MAX_MICROSECONDS = 120_000_000
_TOPIC = "mixed"
_HEAD = "| path | requests | p50 ms | p99 ms | p99.9 ms | max ms | p99 / p50 | failures |\n" + "|---" * 8 + "|"
_ATTACK = "60 look-ups of 15 MB"
_UNDER_WAY = 32
"""Requests at the same time in the closed loop."""


class Part(NamedTuple):
    """One path of the mix."""

    weight: int
    """Requests among 100."""
    path: Path
    is_exclusive: bool = False
    """Whether each connection has a number of its own in the path, so that one request at a time has it."""


def _produce(count: int) -> Path:
    body = {"records": [{"value": base64.b64encode(bytes(150)).decode()}] * count}
    return Path(
        f"produce {count}", "POST", f"/topics/{_TOPIC}", json.dumps(body).encode(), paths.media_type("binary"), count
    )


async def make_mix(url: str) -> list[Part]:
    """Return the paths, once there are the schema, topic and consumer instances that they use."""
    registered = {path.name: path for path in await asyncio.to_thread(paths.registry_paths, url)}
    produced, group = _produce(BATCH), f"/consumers/mixed-{time.time_ns()}-"
    async with aiohttp.ClientSession(url, raise_for_status=True) as session:
        for _ in range(20):
            await session.post(produced.path, data=produced.body, headers={"Content-Type": produced.content_type})
        for number in range(_INSTANCES):
            settings = {"name": "c", "format": "binary", "auto.offset.reset": "earliest"}
            headers = {"Content-Type": "application/vnd.kafka.v2+json"}
            await session.post(f"{group}{number}", json=settings, headers=headers)
            assigned = {"partitions": [{"topic": _TOPIC, "partition": 0}]}
            await session.post(f"{group}{number}/instances/c/assignments", json=assigned, headers=headers)
    polled = f"{group}{load.UNIQUE}/instances/c/records?timeout=100&max_bytes={_POLL_BYTES}"
    return [
        Part(40, registered["get by id"]),
        Part(26, registered["get latest"]),
        Part(2, paths.new_paths()[0]),
        Part(20, _produce(1)),
        Part(4, produced),
        Part(8, Path("poll", "GET", polled, connections=_INSTANCES), is_exclusive=True),
    ]


class Result(NamedTuple):
    """The requests of one path."""

    histogram: bytes
    """Microseconds from the scheduled time of each request to its response, in the encoding of HdrHistogram."""
    failures: int
    """Responses that are no 200, and requests without a response."""

    def decode_histogram(self) -> HdrHistogram:
        """Return the histogram."""
        return HdrHistogram.decode(self.histogram)

    def __str__(self) -> str:
        histogram = self.decode_histogram()
        p50, p99, p999, most = (histogram.get_value_at_percentile(share) / 1e3 for share in (50, 99, 99.9, 100))
        return (
            f"{histogram.total_count:,} | {p50:.2f} | {p99:.2f} | {p999:.2f} | {most:.1f} "
            f"| {p99 / max(p50, 0.001):.1f} | {self.failures}"
        )


class Driven(NamedTuple):
    """What a load came to."""

    completed: float
    """Responses a second."""
    results: list[Result]
    """Of each path."""
    lateness: Result
    """How late the open loop sent its requests, which their latencies include: the machine's part at least."""


class _Connection(load.Connection):
    def __init__(self, lane: "Lane", request: bytes | None) -> None:
        super().__init__()
        self._lane = lane
        self._request = request
        self._scheduled = 0.0

    def begin(self, scheduled: float) -> None:
        self._scheduled = scheduled
        self.send(self._request or next(self._lane.requests))

    def finish_request(self, *, is_ok: bool) -> None:
        self._lane.finish(self, self._scheduled, is_ok=is_ok)


class Lane:
    """The connections of one path, and the requests that wait for one of them."""

    def __init__(self, part: Part, host: str, port: int) -> None:
        self.requests = (_render(part.path, host, port, number) for number in itertools.count(time.time_ns()))
        self.unanswered = 0
        self.completed = 0
        self.on_response: Callable[[], object] = lambda: None
        self._part = part
        self._address = host, port
        self._histogram = HdrHistogram(1, _MAX_MICROSECONDS, 3)
        self._failures = 0
        self._connections: list[_Connection] = []
        self._idle: list[_Connection] = []
        self._waiting: deque[float] = deque()

    async def connect(self) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for number in range(self._part.path.connections):
            request = _render(self._part.path, *self._address, number) if self._part.is_exclusive else None
            _, connection = await loop.create_connection(partial(_Connection, self, request), *self._address)
            self._connections.append(connection)
        self._idle = list(self._connections)

    def submit(self, scheduled: float) -> None:
        """Send a request now, or as soon as a connection is free."""
        self.unanswered += 1
        if self._idle:
            self._idle.pop().begin(scheduled)
        else:
            self._waiting.append(scheduled)

    def finish(self, connection: _Connection, scheduled: float, *, is_ok: bool) -> None:
        """Count the response to a request of that scheduled time, and send the next one that waits."""
        self.unanswered -= 1
        self.completed += 1
        self._failures += not is_ok
        self._histogram.record_value(max(1, int((time.perf_counter() - scheduled) * 1e6)))
        if self._waiting:
            connection.begin(self._waiting.popleft())
        else:
            self._idle.append(connection)
        self.on_response()

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def result(self) -> Result:
        """Return what the requests took."""
        return Result(self._histogram.encode(), self._failures + self.unanswered)


def _render(path: Path, host: str, port: int, number: int) -> bytes:
    headers = {"Content_Type": path.content_type} if path.body else {"Accept": paths.media_type("binary") + ", */*"}
    body = path.body.replace(load.UNIQUE.encode(), b"%d" % number)
    return load.request(path.method, path.path.replace(load.UNIQUE, str(number)), f"{host}:{port}", body, **headers)


async def _load_closed(lanes: Sequence[Lane], order: Sequence[int], seconds: float) -> None:
    """Keep 32 requests under way."""
    upcoming = itertools.cycle(order)
    end = time.perf_counter() + seconds

    def send_next() -> None:
        if time.perf_counter() < end:
            lanes[next(upcoming)].submit(time.perf_counter())

    for lane in lanes:
        lane.on_response = send_next
    for _ in range(_UNDER_WAY):
        send_next()
    await asyncio.sleep(seconds)


async def _load_open(
    lanes: Sequence[Lane], order: Sequence[int], seconds: float, rate: float, lateness: HdrHistogram
) -> None:
    """Send requests at fixed times, `rate` a second; note how many microseconds late each is."""
    begun = time.perf_counter()
    for tick in range(int(seconds / _TICK_SECONDS)):
        scheduled = begun + tick * _TICK_SECONDS
        await asyncio.sleep(max(0.0, scheduled - time.perf_counter()))
        for number in range(int(tick * _TICK_SECONDS * rate), int((tick + 1) * _TICK_SECONDS * rate)):
            lanes[order[number % len(order)]].submit(scheduled)
            lateness.record_value(max(1, int((time.perf_counter() - scheduled) * 1e6)))


async def _drive(url: str, mix: Sequence[Part], seconds: float, rate: float | None) -> Driven:
    address = urlsplit(url)
    lanes = [Lane(part, address.hostname or "", address.port or 0) for part in mix]
    for lane in lanes:
        await lane.connect()
    order = [number for number, part in enumerate(mix) for _ in range(part.weight)]
    Random(28).shuffle(order)
    lateness = HdrHistogram(1, _MAX_MICROSECONDS, 3)
    if rate is None:
        await _load_closed(lanes, order, seconds)
    else:
        await _load_open(lanes, order, seconds, rate, lateness)
    completed = sum(lane.completed for lane in lanes) / seconds
    for _ in range(int(_DRAIN_SECONDS / _DRAIN_STEP_SECONDS)):
        if not any(lane.unanswered for lane in lanes):
            break
        await asyncio.sleep(_DRAIN_STEP_SECONDS)
    for lane in lanes:
        lane.close()
    return Driven(completed, [lane.result() for lane in lanes], Result(lateness.encode(), 0))


def drive(url: str, mix: Sequence[Part], seconds: float, rate: float | None = None) -> Driven:
    """Load the service from this process.

    `rate`: requests a second, at fixed times; None for a closed loop.
    """
    import uvloop  # noqa: PLC0415 - only in the process of the client

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(url, mix, seconds, rate))


def attack(url: str, name: str, stop: Event) -> None:
    """Repeat an attack of `benchmarks/hostile.py` until `stop` is set, then end in the middle of it."""

    async def run() -> None:
        chosen, connector = hostile.ATTACKS[name], aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(url, connector=connector, timeout=aiohttp.ClientTimeout(total=600)) as session:
            attacker = hostile.Attacker(session, Counter())
            if chosen.prepare is not None:
                await chosen.prepare(attacker)
            stopping = asyncio.ensure_future(asyncio.to_thread(stop.wait))
            while not stopping.done():
                running = asyncio.ensure_future(chosen.run(attacker))
                await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
                running.cancel()
                await asyncio.wait([running])

    asyncio.run(run())


def _print_rows(title: str, mix: Sequence[Part], driven: Driven, folder: File | None) -> None:
    print(f"\n{title}\n\n{_HEAD}")
    names = [*(part.path.name for part in mix), "sent late by"]
    for name, result in zip(names, [*driven.results, driven.lateness], strict=True):
        print(f"| {name} | {result} |", flush=True)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{title}, {name}.hgrm").open("wb") as file:
                result.decode_histogram().output_percentile_distribution(file, 1000.0)


def main() -> None:
    """Print the capacity, and a table for the load alone and for the load beside the attack."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--share", type=float, default=0.7, help="of the capacity that is offered")
    arguments.add_argument("--rate", type=float, help="requests a second, instead of that share")
    arguments.add_argument("--attack", choices=[*hostile.ATTACKS, "none"], default=_ATTACK, metavar="NAME")
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--turns", action="store_true", help="measure the turns of the service's event loop")
    arguments.add_argument("--histograms", type=File, help="the folder for percentiles in the format of HdrHistogram")
    wanted = arguments.parse_args()
    spawning = multiprocessing.get_context("spawn")
    settings = {"program": loop_turns.PROGRAM} if wanted.turns else {"workers": wanted.workers}
    with (
        Cluster() as kafka,
        ServiceProcess(kafka.bootstrap_servers, **settings) as service,
        spawning.Pool(1) as pool,
    ):
        mix = asyncio.run(make_mix(service.url))
        pool.apply(drive, (service.url, mix, 3.0))  # a warm-up
        rate = wanted.rate
        if rate is None:
            capacity = pool.apply(drive, (service.url, mix, 5.0)).completed
            rate = wanted.share * capacity
            print(f"{capacity:,.0f} requests a second in a closed loop; {rate:,.0f} are offered")
        for name in ["the load alone"] + [wanted.attack] * (wanted.attack != "none"):
            stop = spawning.Event()
            attacking = spawning.Process(target=attack, args=(service.url, name, stop), daemon=True)
            if name in hostile.ATTACKS:
                attacking.start()
            if wanted.turns:
                loop_turns.report(service)
            driven = pool.apply(drive, (service.url, mix, wanted.seconds, rate))
            _print_rows(name, mix, driven, wanted.histograms)
            if wanted.turns:
                print(f"\nTurns of the event loop: {loop_turns.report(service)}", flush=True)
            if attacking.pid is not None:
                stop.set()
                attacking.join()


if __name__ == "__main__":
    main()

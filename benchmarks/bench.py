"""Every path that is to be fast, beside its bounds, in one run: written as a table into docs/benchmarks.md.

    python -m benchmarks.bench [--seconds 5] [--rounds 2] [--schemas 100000] [--records 200000] [--dry]

Starts the embedded Kafka and the service. Bounds are measured in the same run: a bare aiohttp, a bare loop over
confluent-kafka, and Kafka's own performance tools. Of several rounds the one with the least CPU counts, for the bounds
as for the service: on a shared machine the others say what its neighbours did.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Generator, Iterator
from importlib.metadata import version
from pathlib import Path as File
from typing import NamedTuple

from benchmarks import consume, generator, load, native, replay
from benchmarks.generator import Found
from benchmarks.paths import Path, new_paths, produce_paths, registry_paths
from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_PAGE = File(__file__).parent.parent / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
_GET, _POST, _LOOP = "aiohttp, ready bytes, GET", "aiohttp POST", "confluent-kafka loop"


class Goal(NamedTuple):
    """What a path is to reach; `ratio` is to the bound's CPU, or `rate` to its throughput."""

    cpu_us: float | None = None
    bound: str = ""
    ratio: float | None = None
    rate: float | None = None
    p50_ms: float | None = None
    a_second: float | None = None


_READ = Goal(45, _GET, ratio=1.2)
_KNOWN = Goal(90, _POST, ratio=1.3)
_ONE = Goal(100, _POST, ratio=1.0, p50_ms=7)
GOALS = {
    "get by id": _READ, "get version": _READ, "get latest": _READ,
    "look up": _KNOWN, "register known": _KNOWN, "check": Goal(None, _POST),
    "register new": Goal(a_second=1500), "register new, one client": Goal(p50_ms=15),
    "produce 1 binary": _ONE, "produce 1 json": _ONE, "produce 1 avro": _ONE,
    "produce 100 binary 1 KB": Goal(9, _LOOP, rate=0.5), "produce 100 json 200 B": Goal(6.5),
    "produce 100 avro": Goal(14), "produce 100 jsonschema": Goal(10), "produce 100 protobuf": Goal(16),
    "consume binary 1 KB": Goal(4.5, "Java ConsumerPerformance", rate=0.9), "consume avro": Goal(18),
}  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0, help="of one round")
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--records", type=int, default=200_000, help="of the native tools and of consumers")
    arguments.add_argument("--schemas", type=int, default=100_000, help="of the start; 0 leaves it out")
    arguments.add_argument("--dry", action="store_true", help="do not write the page")
    wanted = arguments.parse_args()
    lines = []
    for line in _lines(wanted):
        print(line, flush=True)
        lines.append(line)
    if not wanted.dry:
        before, _, rest = _PAGE.read_text().partition(_BEGIN)
        _PAGE.write_text(before + _BEGIN + "\n".join(lines) + "\n" + _END + rest.partition(_END)[2])


def _lines(wanted: argparse.Namespace) -> Iterator[str]:
    libraries = (f"{each} {version(each)}" for each in ("aiohttp", "uvloop", "confluent-kafka", "msgspec"))
    yield (
        f"`python -m benchmarks.bench {' '.join(sys.argv[1:])}`: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} "
        f"before it; Python {platform.python_version()}, {', '.join(libraries)}; {generator.name()}; "
        f"the best of {wanted.rounds} rounds of {wanted.seconds:.0f} s."
    )
    yield "\n| | a second | CPU µs | of its bound | p50 ms | p99 ms | errors | goal | met |\n|" + "---|" * 9
    with Cluster() as kafka:
        with ServiceProcess(kafka.bootstrap_servers) as service:
            idle = replay.memory(service.pid, "VmRSS")
            bounds = yield from _bare(wanted)
            for path in (*registry_paths(service.url), *new_paths(), *produce_paths(service.url)):
                if path.name == "produce 100 binary 1 KB":
                    yield from _native(bounds, "produce", kafka.bootstrap_servers, wanted)
                found = _loaded(service.pid, service.url, path, wanted)
                yield _row(path.name, found, bounds)
            yield from _native(bounds, "consume", kafka.bootstrap_servers, wanted)
            yield from _consumed(service, bounds, wanted)
            loaded = replay.memory(service.pid, "VmRSS")
        if wanted.schemas:
            replay.write(kafka.bootstrap_servers, wanted.schemas, 1000)
            begun = replay.start(kafka.bootstrap_servers, replay.TOPIC)
            yield f"\nStart with {wanted.schemas:,} schemas: {begun} (goal: 3 s CPU, 250 MB)."
    yield f"\nMemory: {idle:.0f} MB when idle (goal: 90 MB), {loaded:.0f} MB after all of the above but the start."


def _best(rounds: int, run: Callable[[], Found]) -> Found:
    return min((run() for _ in range(rounds)), key=lambda found: found.cpu_us)


def _loaded(pid: int, url: str, path: Path, wanted: argparse.Namespace) -> Found:
    return _best(wanted.rounds, lambda: generator.run(pid, url, path, wanted.seconds))


def _bare(wanted: argparse.Namespace) -> Generator[str, None, dict[str, Found]]:
    """The bounds of HTTP, each a line; returns them by name."""
    process, port = load.bare_aiohttp()
    bounds: dict[str, Found] = {}
    paths = [
        Path(_GET, "GET", "/ready/1"),
        Path("aiohttp, web.Response, GET", "GET", "/schemas/ids/1"),
        Path(_POST, "POST", "/subjects/a/versions", b"x" * 1200, "application/json"),
    ]
    try:
        for path in paths:
            bounds[path.name] = _loaded(process.pid, f"http://127.0.0.1:{port}", path, wanted)
            yield _row(path.name, bounds[path.name], bounds)
    finally:
        process.terminate()
        process.wait()
    return bounds


def _native(bounds: dict[str, Found], what: str, bootstrap_servers: str, wanted: argparse.Namespace) -> Iterator[str]:
    """The bounds without HTTP; a line says so where Java's tools cannot be had."""
    programs = {
        "produce": {_LOOP: native.loop_produce, "Java ProducerPerformance": native.java_produce},
        "consume": {f"{_LOOP}, reading": native.loop_consume, "Java ConsumerPerformance": native.java_consume},
    }[what]
    for name, program in programs.items():
        try:
            found = program(bootstrap_servers, "bench-native", wanted.records)
        except BrokerError as error:
            yield f"| {name} | not measured: {error} | | | | | | | |"
        else:
            bounds[name] = Found(found.records_a_second, found.cpu_us, 0, 0, 0)
            yield f"| {name} | {found.records_a_second:,.0f} | {found.cpu_us:.1f} | | | | | | |"


def _consumed(service: ServiceProcess, bounds: dict[str, Found], wanted: argparse.Namespace) -> Iterator[str]:
    for name, topic, embedded, size, records in (
        ("consume binary 1 KB", "bench-native", "binary", 1025, wanted.records * 3 // 4),
        ("consume avro", "bench-avro", "avro", 75, wanted.records // 4),
    ):
        found = _best(
            wanted.rounds,
            lambda: consume.run(service.pid, service.url, topic, embedded, record_bytes=size, records=records),  # noqa: B023
        )
        yield _row(name, found, bounds)


def _row(name: str, found: Found, bounds: dict[str, Found]) -> str:
    goal = GOALS.get(name, Goal())
    bound = bounds.get(goal.bound)
    ratio = rate = None
    if bound is not None:
        ratio, rate = found.cpu_us / bound.cpu_us, found.units_a_second / bound.units_a_second
    shown = f"{rate:.2f} of its rate" if goal.rate else f"{ratio:.2f}" if ratio else ""
    checks = [
        (goal.cpu_us, f"{goal.cpu_us} µs", found.cpu_us <= (goal.cpu_us or 0)),
        (goal.ratio, f"{goal.ratio} x {goal.bound}", ratio is not None and ratio <= (goal.ratio or 0)),
        (goal.rate, f"{goal.rate} of {goal.bound}", rate is not None and rate >= (goal.rate or 0)),
        (goal.p50_ms, f"p50 {goal.p50_ms} ms", found.p50_ms <= (goal.p50_ms or 0)),
        (goal.a_second, f"{goal.a_second}/s", found.units_a_second >= (goal.a_second or 0)),
    ]
    wanted = [(text, met) for value, text, met in checks if value is not None]
    cells = (
        name,
        f"{found.units_a_second:,.0f}",
        f"{found.cpu_us:.1f}",
        shown,
        f"{found.p50_ms:.2f}",
        f"{found.p99_ms:.2f}",
        found.errors,
        ", ".join(text for text, _ in wanted),
        ", ".join("yes" if met else "no" for _, met in wanted),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()

"""Every path that is to be fast, beside its bounds, in one run: written as a table into docs/benchmarks.md.

    python -m benchmarks.bench [--seconds 5] [--rounds 2] [--schemas 100000] [--records 200000] [--dry] [--accept]

Starts the embedded Kafka and the service. What bounds a path is measured beside it, in each round just before: a bare
aiohttp, a bare loop over confluent-kafka, and Kafka's own performance tools. Of several rounds the one with the least
CPU counts, for the bounds as for the service: on a shared machine the others say what its neighbours did.

The ratios that the page has are floors (`floors.py`): where one of this run is below 0.9 of it, the run fails and
leaves the page as it is, unless told to `--accept` that.
"""

import argparse
import compileall
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path as File
from typing import NamedTuple

import karapace_like
from benchmarks import consume, generator, load, native, queues, replay, stalls, writes
from benchmarks.floors import find_faults
from benchmarks.generator import Found
from benchmarks.paths import Path, new_paths, produce_paths, registry_paths
from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_PAGE = File(__file__).parent.parent / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
_GET, _POST = "aiohttp, ready bytes, GET", "aiohttp POST"
_LOOP, _JAVA = "confluent-kafka loop", "Java ProducerPerformance"
_READING, _JAVA_READING = "confluent-kafka loop, reading", "Java ConsumerPerformance"


class Goal(NamedTuple):
    """What a path is to reach; `ratio` is to the bound's CPU."""

    cpu_us: float | None = None
    bound: str = ""
    ratio: float | None = None
    p50_ms: float | None = None
    a_second: float | None = None
    rates: Mapping[str, float] = {}
    """To the throughput of each of these bounds; 0 is none, and only shown."""


_READ = Goal(45, _GET, ratio=1.2)
_KNOWN = Goal(90, _POST, ratio=1.3)
_ONE = Goal(100, _POST, ratio=1.0, p50_ms=7)
GOALS = {
    "get by id": _READ, "get version": _READ, "get latest": _READ,
    "look up": _KNOWN, "register known": _KNOWN, "check": Goal(None, _POST),
    "register new": Goal(a_second=2500), "register new, one client": Goal(p50_ms=1.5),
    "produce 1 binary": _ONE, "produce 1 json": _ONE, "produce 1 avro": _ONE,
    "produce 100 binary 1 KB": Goal(9, rates={_LOOP: 0.5, _JAVA: 1.0}), "produce 100 json 200 B": Goal(6.5),
    "produce 100 avro": Goal(14), "produce 100 jsonschema": Goal(10), "produce 100 protobuf": Goal(16),
    "consume binary 1 KB": Goal(4.5, rates={_READING: 0, _JAVA_READING: 0.9}), "consume avro": Goal(18),
    "queue receive and accept 100, 1 KB": Goal(6.75, a_second=100_000),
    "produce 10 json, atomic": Goal(p50_ms=15), "produce 1 json with a key, 64 at once": Goal(250, p50_ms=25),
}  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0, help="of one round")
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--records", type=int, default=200_000, help="of the native tools and of consumers")
    arguments.add_argument("--schemas", type=int, default=100_000, help="of the start; 0 leaves it out")
    arguments.add_argument("--dry", action="store_true", help="do not write the page")
    arguments.add_argument("--accept", action="store_true", help="write the page although a ratio is below its floor")
    wanted = arguments.parse_args()
    # An environment may forbid Python to keep bytecode: a start would be measured with all of it made anew.
    compileall.compile_dir(File(karapace_like.__file__).parent, quiet=1)
    lines = []
    for line in _lines(wanted):
        print(line, flush=True)
        lines.append(line)
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    recorded, _, after = rest.partition(_END)
    faults = find_faults(recorded.splitlines(), "\n".join(lines).splitlines())
    if not wanted.dry and (wanted.accept or not faults):
        _PAGE.write_text(before + _BEGIN + "\n".join(lines) + "\n" + _END + after)
    if faults and not wanted.accept:
        sys.exit("\n".join(["Below 0.9 of what docs/benchmarks.md records:", *faults]))


def _lines(wanted: argparse.Namespace) -> Iterator[str]:
    libraries = (f"{each} {version(each)}" for each in ("aiohttp", "uvloop", "confluent-kafka", "msgspec"))
    yield (
        f"`python -m benchmarks.bench {' '.join(sys.argv[1:])}`: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} "
        f"before it; Python {platform.python_version()}, {', '.join(libraries)}; {generator.name()}; "
        f"the best of {wanted.rounds} rounds of {wanted.seconds:.0f} s."
    )
    yield "\n| | a second | CPU µs | of its bound | p50 ms | p99 ms | errors | goal | met |\n|" + "---|" * 9
    with Cluster() as kafka:
        with ServiceProcess(kafka.bootstrap_servers) as service, _bounds(kafka.bootstrap_servers, wanted) as bounds:
            idle = replay.memory(service.pid, "VmRSS")
            for path in (*registry_paths(service.url), *new_paths(), *produce_paths(service.url)):
                run = partial(generator.run, service.pid, service.url, path, wanted.seconds)
                yield from _measured(path.name, run, bounds, wanted.rounds, path.connections)
            for name, reading in consume.READINGS.items():
                records = wanted.records * 3 // 4 if reading.topic == consume.NATIVE_TOPIC else wanted.records // 4
                run = partial(consume.run, service.pid, service.url, reading, records)
                yield from _measured(name, run, bounds, wanted.rounds)
            received = partial(queues.run, service.pid, service.url, consume.NATIVE_TOPIC, wanted.records // 4)
            yield from _measured("queue receive and accept 100, 1 KB", received, bounds, wanted.rounds)
            for name, write in (
                ("produce 10 json, atomic", writes.run_atomic),
                ("produce 1 json with a key, 64 at once", writes.run_once),
            ):
                run = partial(write, service.pid, service.url, wanted.seconds)
                yield from _measured(name, run, bounds, wanted.rounds)
            loaded = replay.memory(service.pid, "VmRSS")
            stalled = min((stalls.run(service.url) for _ in range(wanted.rounds)), key=attrgetter("longest_wait"))
            yield f"\n{stalled} (goal: 50 ms)."
        if wanted.schemas:
            replay.write(kafka.bootstrap_servers, wanted.schemas, 1000)
            begun = min(replay.start(kafka.bootstrap_servers, replay.TOPIC) for _ in range(wanted.rounds))
            yield f"\nStart with {wanted.schemas:,} schemas: {begun} (goal: 3 s CPU, 250 MB)."
    yield f"\nMemory: {idle:.0f} MB when idle (goal: 90 MB), {loaded:.0f} MB after all of the above but the start."


Bound = Callable[[int], Found]
"""Measures a bound, with so many connections where it has any."""


@contextmanager
def _bounds(bootstrap_servers: str, wanted: argparse.Namespace) -> Iterator[Mapping[str, Bound]]:
    """What the service is compared with, by name, ready to be measured."""
    process, port = load.bare_aiohttp()

    def http(path: Path) -> Bound:
        url = f"http://127.0.0.1:{port}"
        return lambda connections: generator.run(
            process.pid, url, path._replace(connections=connections), wanted.seconds
        )

    def program(run: Callable[[str, str, int], native.Native]) -> Bound:
        def measured(_: int) -> Found:
            found = run(bootstrap_servers, consume.NATIVE_TOPIC, wanted.records)
            return Found(found.records_a_second, found.cpu_us, 0, 0, 0)

        return measured

    try:
        yield {
            _GET: http(Path(_GET, "GET", "/ready/1")),
            _POST: http(Path(_POST, "POST", "/subjects/a/versions", b"x" * 1200, "application/json")),
            _LOOP: program(native.loop_produce),
            _JAVA: program(native.java_produce),
            _READING: program(native.loop_consume),
            _JAVA_READING: program(native.java_consume),
        }
    finally:
        process.terminate()
        process.wait()


def _measured(
    name: str, run: Callable[[], Found], bounds: Mapping[str, Bound], rounds: int, connections: int = 0
) -> Iterator[str]:
    """A line for the path, which takes turns with its bounds."""
    goal = GOALS[name]
    names = [each for each in (goal.bound, *goal.rates) if each]
    founds: dict[str, list[Found]] = {each: [] for each in (*names, name)}
    for _ in range(rounds):
        for each in list(names):
            try:
                founds[each].append(bounds[each](connections))
            except BrokerError as error:
                yield f"| {each} | not measured: {error} | | | | | | | |"
                names.remove(each)
        founds[name].append(run())
    yield _row(name, {each: generator.least(found) for each, found in founds.items() if found})


def _row(name: str, best: Mapping[str, Found]) -> str:
    goal, found = GOALS[name], best[name]
    bound = best.get(goal.bound)
    ratio = None if bound is None else found.cpu_us / bound.cpu_us
    rates = {each: found.units_a_second / best[each].units_a_second for each in goal.rates if each in best}
    shown = [] if bound is None else [f"{ratio:.2f} of {bound.cpu_us:.1f} µs"]
    shown += [f"{rate:.2f} of {best[each].units_a_second:,.0f} a second ({each})" for each, rate in rates.items()]
    checks = [
        (goal.cpu_us, f"{goal.cpu_us} µs", found.cpu_us <= (goal.cpu_us or 0)),
        (goal.ratio, f"{goal.ratio} x {goal.bound}", ratio is not None and ratio <= (goal.ratio or 0)),
        (goal.p50_ms, f"p50 {goal.p50_ms} ms", found.p50_ms <= (goal.p50_ms or 0)),
        (goal.a_second, f"{goal.a_second}/s", found.units_a_second >= (goal.a_second or 0)),
        *((wanted, f"{wanted} of {each}", rates.get(each, 0) >= wanted) for each, wanted in goal.rates.items()),
    ]
    wanted = [(text, met) for value, text, met in checks if value]
    cells = (
        name,
        f"{found.units_a_second:,.0f}",
        f"{found.cpu_us:.1f}",
        ", ".join(shown),
        f"{found.p50_ms:.2f}",
        f"{found.p99_ms:.2f}",
        found.errors,
        ", ".join(text for text, _ in wanted),
        ", ".join("yes" if met else "no" for _, met in wanted),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()

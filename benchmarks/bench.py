"""Every path that is to be fast, beside its bounds, in one run: written as a table into docs/benchmarks.md.

    python -m benchmarks.bench [--seconds 3] [--rounds 3] [--schemas 100000] [--records 200000] [--dry] [--accept]
    python -m benchmarks.bench --bootstrap-servers 127.0.0.1:9092 --peer other=http://host:8081,http://host:8082,4711
    python -m benchmarks.bench --connections 1 4 16 64 256 [--paths "get by id" "register new"] [--peer ...]
    python -m benchmarks.bench --rate 100 1000 4000 [--paths "produce 1 json"] [--peer ...]

Starts the embedded Kafka and the service. What bounds a path is measured beside it, in each round just before: a bare
aiohttp, a bare loop over confluent-kafka, and Kafka's own performance tools. Peers (`targets.py`) take turns with the
service and have a table of their own. `--connections` and `--rate` measure curves instead (`curves.py`): a closed loop
with so many connections, or an open loop that offers so many requests a second.

The ratios that the page has are floors (`floors.py`): where one of this run is below 0.9 of it, the run fails and
leaves the table as it is, unless told to `--accept` that. A run of some `--paths` checks theirs and does not write it.
"""

import argparse
import compileall
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path as File

import karapace_like
from benchmarks import consume, curves, generator, load, native, page, queues, replay, stalls, table, writes
from benchmarks.curves import BY_CONNECTIONS, BY_RATE
from benchmarks.floors import find_faults, read_ratios
from benchmarks.generator import Found
from benchmarks.paths import Path
from benchmarks.targets import FAILURES, Target, parse_peer
from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_OURS = "karapace_like"


def main(arguments: Sequence[str]) -> None:
    """Measure, print and write."""
    wanted = _parse(arguments)
    # An environment may forbid Python to keep bytecode: a start would be measured with all of it made anew.
    compileall.compile_dir(File(karapace_like.__file__).parent, quiet=1)
    with ExitStack() as stack:
        servers = wanted.bootstrap_servers or stack.enter_context(_kafka(wanted.records)).bootstrap_servers
        # Each connection of a consumer is an instance of its own, and the defaults admit 250 of one caller, and so many
        # at once. Not more than needed: a process has no room for the clients of some 660.
        instances = max(250, max(wanted.connections or [0]) + 40)
        settings = {"consumer_max_active_instances": instances, "consumer_max_instances_of_user": instances}
        service = stack.enter_context(ServiceProcess(servers, **settings))
        targets = [Target(_OURS, service.url, service.url, service.pid), *wanted.peer]
        for peer in wanted.peer:
            peer.create_topics(servers)
        run = _Run(wanted, servers, service, targets, shlex.join(["python", "-m", "benchmarks.bench", *arguments]))
        if wanted.connections:
            run.draw(BY_CONNECTIONS, wanted.connections)
        elif wanted.rate:
            run.draw(BY_RATE, wanted.rate)
        else:
            run.compare()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=200_000, help="of the native tools and of consumers")
    parser.add_argument("--schemas", type=int, default=100_000, help="of the start; 0 leaves it out")
    parser.add_argument("--paths", nargs="+", choices=table.GOALS, metavar="PATH", help=", ".join(table.GOALS))
    parser.add_argument("--bootstrap-servers", default="", help="a Kafka that runs, instead of the embedded one")
    parser.add_argument("--peer", type=_read_peer, action="append", default=[], help="name=registry,rest,pid")
    drawn = parser.add_mutually_exclusive_group()
    drawn.add_argument("--connections", type=_read_count, nargs="+", help="measure curves by connections instead")
    drawn.add_argument(
        "--rate", type=_read_count, nargs="+", help="measure curves by requests offered a second instead"
    )
    parser.add_argument("--dry", action="store_true", help="do not write the page")
    parser.add_argument("--accept", action="store_true", help="write the page although a ratio is below its floor")
    wanted = parser.parse_args(arguments)
    if (wanted.connections or wanted.rate) and (own := table.OF_NO_PEER.intersection(wanted.paths or ())):
        parser.error(f"curves have no {' or '.join(sorted(own))}: leave it out of --paths")
    return wanted


def _read_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _kafka(records: int) -> Cluster:
    """Return a Kafka that forgets old records: a run produces some gigabytes."""
    kept = {"log.retention.bytes": max(2**29, 3 * 1100 * records), "log.segment.bytes": 2**26}
    return Cluster(properties={**kept, "log.retention.check.interval.ms": 5000, "log.segment.delete.delay.ms": 1000})


def _read_peer(text: str) -> Target:
    try:
        return parse_peer(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


Bound = Callable[[int], Found]
"""Measures a bound, with so many connections where it has any."""


class _Run:
    """One run of the command: what was wanted, and what is measured."""

    def __init__(
        self,
        wanted: argparse.Namespace,
        servers: str,
        service: ServiceProcess,
        targets: Sequence[Target],
        command: str,
    ) -> None:
        self._wanted, self._servers, self._service, self._targets = wanted, servers, service, targets
        self._comparisons: list[table.Comparison] = []
        sender = "benchmarks/load.py" if wanted.rate else generator.name()
        libraries = (f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "confluent-kafka", "msgspec"))
        self._conditions = (
            f"`{command}`: {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f} before it; Python {platform.python_version()}, {', '.join(libraries)}; "
            f"{sender}; medians of {wanted.rounds} rounds of {wanted.seconds:.0f} s, with the least and the "
            f"most"
        )

    def draw(self, kind: curves.Kind, xs: Sequence[int]) -> None:
        """Measure curves, print their table, and write that and the pictures unless the run is dry."""
        wanted = self._wanted
        paths = wanted.paths or kind.paths
        self._write_records(paths)
        measured = []
        for curve in curves.measure_curves(kind, self._targets, paths, xs, wanted.rounds, wanted.seconds):
            measured.append(curve)
            print("\n".join(list(curves.render_curves(kind, [curve], xs))[2:]), flush=True)
        pictures = curves.draw_curves(kind, measured)
        titles = (f"{metric.name} by {kind.x_label}" for metric in kind.metrics)
        shown = [f"![{title}](curves/{name})" for title, name in zip(titles, pictures, strict=True)]
        lines = [f"{self._conditions}.\n", *shown, "", *curves.render_curves(kind, measured, xs)]
        if not wanted.dry:
            folder = page.DOCS / "curves"
            folder.mkdir(exist_ok=True)
            for name, picture in pictures.items():
                (folder / name).write_text(picture)
            page.write_section(kind.name, "\n".join(lines))

    def compare(self) -> None:
        """Measure the tables, print and write them; that of the bounds only if all its paths are fast enough."""
        wanted, lines = self._wanted, []
        for line in self._measure_table():
            print(line, flush=True)
            lines += line.splitlines()
        names = [peer.name for peer in wanted.peer]
        peers = [f"{self._conditions}.\n", *table.render_peers(self._comparisons, names)] if names else []
        print("\n".join(peers))
        recorded = page.read_section("bench").splitlines()
        if wanted.paths:
            recorded = [line for line in recorded if any(ratio.path in wanted.paths for ratio in read_ratios([line]))]
        faults = find_faults(recorded, lines)
        if peers and not wanted.dry:
            page.write_section("peers", "\n".join(peers))
        if not wanted.dry and not wanted.paths and (wanted.accept or not faults):
            page.write_section("bench", "\n".join(lines))
        if faults and not wanted.accept:
            sys.exit("\n".join(["Below 0.9 of what docs/benchmarks.md records:", *faults]))

    def _measure_table(self) -> Iterator[str]:
        wanted, service = self._wanted, self._service
        yield f"{self._conditions}. Ratios and goals are of the round with the least CPU."
        yield f"\n{table.HEAD}"
        idle = replay.memory(service.pid, "VmRSS")
        if wanted.paths:
            self._write_records(wanted.paths)
        with _bounds(self._servers, wanted) as bounds:
            for name in wanted.paths or table.GOALS:
                yield from self._measure_path(name, bounds)
        if wanted.paths:
            return
        loaded = replay.memory(service.pid, "VmRSS")
        stalled = min((stalls.run(service.url) for _ in range(wanted.rounds)), key=attrgetter("longest_wait"))
        yield f"\n{stalled} (goal: 50 ms)."
        if wanted.schemas:
            replay.write(self._servers, wanted.schemas, 1000)
            started = min(replay.start(self._servers, replay.TOPIC) for _ in range(wanted.rounds))
            yield f"\nStart with {wanted.schemas:,} schemas: {started} (goal: 3 s CPU, 250 MB)."
        yield f"\nMemory: {idle:.0f} MB when idle (goal: 90 MB), {loaded:.0f} MB after all of the above but the start."

    def _measure_path(self, name: str, bounds: Mapping[str, Bound]) -> Iterator[str]:
        """Yield the line of a path, which takes turns with its bounds and with peers."""
        ours, *peers = self._targets
        goal, run = table.GOALS[name], self._own_run(name)
        names = [bound for bound in (goal.bound, *goal.rates) if bound]
        rounds: dict[str, list[Found]] = {each: [] for each in (*names, name)}
        of_peers: dict[str, list[Found] | str] = {peer.name: peer.find_fault(name) or [] for peer in peers}
        for _ in range(self._wanted.rounds):
            for bound in list(names):
                try:
                    rounds[bound].append(bounds[bound](ours.count_connections(name)))
                except BrokerError as error:
                    yield f"| {bound} | not measured: {error} | | | | | | | |"
                    names.remove(bound)
            rounds[name].append(run() if run is not None else self._run(ours, name))
            for peer in peers:
                measured = of_peers[peer.name]
                if isinstance(measured, list):
                    try:
                        measured.append(self._run(peer, name))
                    except FAILURES as error:
                        of_peers[peer.name] = str(error)
        if run is None:
            self._comparisons.append(table.Comparison(name, rounds[name], of_peers))
        yield table.render_row(name, {each: measured for each, measured in rounds.items() if measured})

    def _run(self, target: Target, name: str) -> Found:
        quarters = 3 if consume.is_native(name) else 1
        return target.run(name, self._wanted.seconds, records=self._wanted.records * quarters // 4)

    def _own_run(self, name: str) -> Callable[[], Found] | None:
        """Return how a path is measured that no peer has; `None` for the others."""
        pid, url, seconds = self._service.pid, self._service.url, self._wanted.seconds
        runs: Mapping[str, Callable[[], Found]] = {
            table.QUEUE: partial(queues.run, pid, url, consume.NATIVE_TOPIC, self._wanted.records // 4),
            table.ATOMIC: partial(writes.run_atomic, pid, url, seconds),
            table.WITH_KEY: partial(writes.run_once, pid, url, seconds),
        }
        return runs.get(name)

    def _write_records(self, paths: Sequence[str]) -> None:
        """Write what consumers read, which other paths and bounds do in a run of all of them."""
        for name in paths:
            if name == table.QUEUE or consume.is_native(name):
                native.loop_produce(self._servers, consume.NATIVE_TOPIC, self._wanted.records)
            elif name in consume.READINGS:
                for target in self._targets:
                    with suppress(*FAILURES):  # a target that cannot produce has nothing to read, which reading shows
                        target.fill(name, self._wanted.records)


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
            table.GET: http(Path(table.GET, "GET", "/ready/1")),
            table.POST: http(Path(table.POST, "POST", "/subjects/a/versions", b"x" * 1200, "application/json")),
            table.LOOP: program(native.loop_produce),
            table.JAVA: program(native.java_produce),
            table.READING: program(native.loop_consume),
            table.JAVA_READING: program(native.java_consume),
        }
    finally:
        with process:  # which waits until it has ended
            process.terminate()


if __name__ == "__main__":
    main(sys.argv[1:])

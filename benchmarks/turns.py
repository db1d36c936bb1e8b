"""Paths of two checkouts, measured in turns at one broker: what a change costs or saves, as a ratio in one run.

    git worktree add ../before HEAD~1
    python -m benchmarks.turns ../before "produce 1 json" "consume avro" [--rounds 4] [--seconds 2] [--delay-ms 6]
    python -m benchmarks.turns ../before "produce 1 json" --connections 1 16 64 256

CPU is for each request, or record of many, the least of the rounds and their median; p50 likewise. `--delay-ms` lets
the brokers' answers come later by so much, as those of brokers do that wait for others. `--connections` measures each
path with so many of them instead of its own.
"""

import argparse
import compileall
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import product
from pathlib import Path as File
from statistics import median

from benchmarks import consume, generator, native
from benchmarks.generator import Found, LoadError
from benchmarks.targets import Target
from karapace_like.kafka.cluster import Cluster
from tests.cluster.relays import Relays
from tests.service_process import ServiceProcess

_HERE = File(__file__).parent.parent
_RECORDS = 200_000


def main() -> None:
    """Print a line for each path."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("other", type=File, help="the other checkout: what was before")
    arguments.add_argument("names", nargs="+", help="of paths, as `make profile` lists them")
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of one round")
    arguments.add_argument("--delay-ms", type=float, default=0.0, help="by which brokers answer later")
    arguments.add_argument("--connections", type=int, nargs="+", default=[0], help="instead of each path's own")
    wanted = arguments.parse_args()
    with ExitStack() as stack:
        kafka, servers = stack.enter_context(_kafka(wanted.delay_ms / 1000))
        services = [stack.enter_context(_service(each, servers)) for each in (wanted.other.resolve(), _HERE)]
        if any(map(consume.is_native, wanted.names)):
            native.loop_produce(kafka.bootstrap_servers, consume.NATIVE_TOPIC, _RECORDS)
        for name, connections in product(wanted.names, wanted.connections):
            before, after = _in_turns(services, name, wanted, connections)
            ratio = generator.least(after).cpu_us / generator.least(before).cpu_us
            title = f"{name}, {connections} connections" if connections else name
            print(f"{title}\n  before {_shown(before)}\n  after  {_shown(after)}\n  ratio  {ratio:.2f}", flush=True)


@contextmanager
def _kafka(delay: float) -> Iterator[tuple[Cluster, str]]:
    """A broker, and where clients find it that are to be answered later."""
    with (
        Relays(nodes=1, brokers=1, delay=delay) as relays,
        Cluster(listeners=relays.listeners, advertised=relays.advertised) as kafka,
    ):
        relays.lead_to(kafka)
        yield kafka, relays.all[0].servers if delay else kafka.bootstrap_servers


def _service(checkout: File, bootstrap_servers: str) -> ServiceProcess:
    compileall.compile_dir(checkout / "karapace_like", quiet=1)
    return ServiceProcess(
        bootstrap_servers, program=["env", "-C", str(checkout), sys.executable, "-m", "karapace_like"]
    )


def _in_turns(
    services: list[ServiceProcess], name: str, wanted: argparse.Namespace, connections: int
) -> tuple[list[Found], ...]:
    runs = [_run(service, name, wanted.seconds, connections) for service in services]
    found: tuple[list[Found], ...] = tuple([] for _ in services)
    for number in range(wanted.rounds):
        order = list(zip(found, runs, strict=True))
        for into, run in order if number % 2 == 0 else reversed(order):
            into.append(run())
    return found


def _run(service: ServiceProcess, name: str, seconds: float, connections: int) -> partial[Found]:
    target = Target("", service.url, service.url, service.pid)
    try:
        target.probe(name)
    except LoadError as error:
        sys.exit(f"{name}: {error}; a path is one of: {', '.join([*target.paths, *consume.READINGS])}")
    if name in consume.READINGS:
        target.fill(name, _RECORDS)
    return partial(target.run, name, seconds, records=_RECORDS * 3 // 4, connections=connections)


def _shown(found: list[Found]) -> str:
    errors = sum(each.errors for each in found)
    return (
        f"{generator.least(found).cpu_us:7.1f} us CPU, median {median(each.cpu_us for each in found):7.1f}; "
        f"{max(each.units_a_second for each in found):9,.0f}/s; p50 {min(each.p50_ms for each in found):6.2f} ms, "
        f"median {median(each.p50_ms for each in found):6.2f}" + (f"; {errors} FAILED" if errors else "")
    )


if __name__ == "__main__":
    main()

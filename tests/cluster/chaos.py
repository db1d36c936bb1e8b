"""Clients write to three nodes while nodes and brokers are killed, paused and restarted; then the history is checked.

Run by itself for as long as wanted: `python -m tests.cluster.chaos --seconds 600 [--seed 1] [--fencing off]`. It prints
figures, and ends with 1 if a promise was broken; `--record FILE` then keeps what is needed to find out why.
"""

import argparse
import asyncio
import re
import sys
import time
import urllib.error
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.clients import Reader, Writer, as_compared, never_twice
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.history import Holding, Version, violations
from tests.cluster.registry_nodes import RegistryNodes, health
from tests.cluster.relays import Relays
from tests.cluster.report import Report
from tests.service_process import ServiceProcess

_WRITERS = 8
_READERS = 2
_CLIENT_TIMEOUT = 30.0
_SETTLE_SECONDS = 120.0
_PAGE = 1000
_AT_ONCE = 32
_PAUSE_BETWEEN_FAULTS = 2.0
_TAKEOVER = re.compile(r"Writes of schemas are accepted ([\d.]+) s after the election")


async def run(
    kafka: Cluster,
    nodes: RegistryNodes,
    faults: Callable[[Faults], None],
    *,
    seed: int,
    relays: Relays | None = None,
) -> Report:
    """Let clients write while `faults` goes on, in a thread; then compare what they saw with what the nodes hold."""
    report = Report()
    over = asyncio.Event()

    def note(name: str) -> None:
        report.faults.append((name, time.monotonic()))

    await asyncio.to_thread(call, nodes.all[0].url, "PUT", "/config", {"compatibility": "NONE"})
    timeout = aiohttp.ClientTimeout(total=_CLIENT_TIMEOUT)
    async with (
        aiohttp.ClientSession(timeout=timeout, middlewares=[never_twice]) as session,
        asyncio.TaskGroup() as group,
    ):
        for number in range(_WRITERS):
            group.create_task(Writer(number, session, nodes, report.events).run(over))
        for number in range(_READERS):
            group.create_task(Reader(number, session, nodes, report.events).run(over))
        try:
            await asyncio.to_thread(faults, Faults(kafka, nodes, note, report.events, seed, relays=relays))
        finally:
            over.set()
    await judge(nodes, report)
    return report


async def judge(nodes: RegistryNodes, report: Report) -> None:
    """Let the nodes come to rest, and compare what they hold with what the report's events say."""
    await asyncio.to_thread(_settle, nodes)
    async with aiohttp.ClientSession() as session:
        holdings = {node.url: await _holding(session, node.url) for node in nodes.all}
    logged = (_TAKEOVER.search(line) for node in nodes.all for line in node.lines)
    report.takeovers = [float(found[1]) for found in logged if found]
    report.broken = violations(report.events, holdings)


def _settle(nodes: RegistryNodes) -> None:
    """Return when all workers of all nodes are at the same place."""
    nodes.primary()
    deadline = time.monotonic() + _SETTLE_SECONDS
    while len({position for node in nodes.all for position in _list_positions(node)}) > 1:
        assert time.monotonic() < deadline, [health(node) for node in nodes.all]
        time.sleep(0.1)


def _list_positions(node: ServiceProcess) -> list[int]:
    """Return how far each worker of the node has read: any of them may answer a request.

    A node of a former release does not list its workers, and the tests give it one.
    """
    try:
        return [worker["position"] for worker in call(node.url, "GET", "/health/nodes")["workers"]]
    except urllib.error.HTTPError as error:
        with error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
        return [health(node)["schema_registry_reader_current_offset"] + 1]


async def _holding(session: aiohttp.ClientSession, url: str) -> Holding:
    async def get(path: str) -> Any:
        async with session.get(url + path) as answer:
            return await answer.json(content_type=None)

    async def pages(path: str) -> list[Any]:
        found: list[Any] = []
        while page := await get(f"{path}&offset={len(found)}&limit={_PAGE}"):
            found += page
        return found

    holding = Holding()
    live = {(each["subject"], each["version"]) for each in await pages("/schemas?deleted=false")}
    for each in await pages("/schemas?deleted=true"):
        versions = holding.versions.setdefault(each["subject"], {})
        deleted = (each["subject"], each["version"]) not in live
        versions[each["version"]] = Version(each["id"], as_compared(each["schema"]), deleted)
    ids = sorted({version.id for versions in holding.versions.values() for version in versions.values()})
    for chunk in (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE)):
        answers = await asyncio.gather(*(get(f"/schemas/ids/{each}") for each in chunk))
        holding.texts.update(zip(chunk, (as_compared(each["schema"]) for each in answers), strict=True))
    for number in range(_WRITERS):
        found = await get(f"/config/configured-{number}?defaultToGlobal=true")
        holding.levels[f"configured-{number}"] = found["compatibilityLevel"]
    return holding


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--fencing", default="auto")
    parser.add_argument("--fault", help="the only kind, such as cut_primary_off; otherwise all of them come in turn")
    parser.add_argument("--record", type=Path, help="gets every request and the nodes' logs, if all is not well")
    arguments = parser.parse_args()

    def for_long(faults: Faults) -> None:
        end = time.monotonic() + arguments.seconds
        fault: Callable[[], None] = getattr(faults, arguments.fault or "next")
        while time.monotonic() < end:
            fault()
            time.sleep(_PAUSE_BETWEEN_FAULTS)

    with (
        Relays(nodes=3, brokers=3) as relays,
        Cluster(brokers=3, listeners=relays.listeners, advertised=relays.advertised) as kafka,
    ):
        relays.lead_to(kafka)
        servers = [relay.servers for relay in relays.all]
        settings = {"session_timeout_ms": SESSION_MS, "replication_factor": 3, "fencing": arguments.fencing}
        with RegistryNodes(servers, 3, **settings) as nodes:
            report = asyncio.run(run(kafka, nodes, for_long, seed=arguments.seed, relays=relays))
            if report.broken and arguments.record:
                _record(arguments.record, report, nodes)
    sys.stdout.write(f"seed {arguments.seed}\n{report}\n")
    return 1 if report.broken else 0


def _record(path: Path, report: Report, nodes: RegistryNodes) -> None:
    lines = [*report.broken, *map(str, report.faults), *map(str, sorted(report.events, key=lambda each: each.begun))]
    for node in nodes.all:
        lines += [node.url, *node.lines]
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())

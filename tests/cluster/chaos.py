"""Clients write to three nodes while nodes and brokers are killed, paused and restarted; then the history is checked.

Run by itself for as long as wanted: `python -m tests.cluster.chaos --seconds 600 [--seed 1] [--fencing off]`. It prints
figures, and ends with 1 if a promise was broken.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from confluent_kafka import ElectionType, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.broker import Broker
from karapace_like.kafka.cluster import Cluster
from tests.cluster.history import Action, Event, Holding, Outcome, Version, violations
from tests.cluster.registry_nodes import RegistryNodes, call, health, kill, pause, resume
from tests.service_process import ServiceProcess

SESSION_MS = 2_000
_CLIENTS = 8
_CLIENT_TIMEOUT = 30.0
_PAUSE_BETWEEN_REQUESTS = 0.01
_SHARED_SUBJECTS = 3
_SETTLE_SECONDS = 60.0
_NOTHING_WRITTEN = frozenset({503, 50004})
"""Error codes by which a node says that it has not even begun."""
_PAGE = 1000
_AT_ONCE = 32
_LEVELS = ("NONE", "BACKWARD", "FULL")


@dataclass
class Report:
    """What happened, and what must not have."""

    events: list[Event] = field(default_factory=list)
    faults: list[tuple[str, float]] = field(default_factory=list)
    """Name and time of each; those that hit the primary are named so."""
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outcomes = Counter(each.outcome for each in self.events)
        gaps = self.unavailability()
        counts = ", ".join(f"{each.name.lower()} {outcomes[each]}" for each in Outcome)
        lines = [
            f"operations {len(self.events)}: {counts}",
            f"faults {len(self.faults)}: {dict(Counter(name for name, _ in self.faults))}",
            f"violations {len(self.broken)}",
        ]
        lines += [
            f"no acknowledged writes after {name}: median {statistics.median(found):.2f} s, worst {max(found):.2f} s"
            for name, found in gaps.items()
        ]
        return "\n".join([*lines, *self.broken])

    def unavailability(self) -> dict[str, list[float]]:
        """By kind of fault: seconds from each of the primary's to the end of the next write that began after it."""
        writes = [
            each
            for each in self.events
            if each.outcome is Outcome.ACKNOWLEDGED and each.action in {Action.REGISTER, Action.CONFIGURE}
        ]
        found: dict[str, list[float]] = {}
        for name, at in self.faults:
            ends = [each.ended for each in writes if each.begun > at]
            if "primary" in name and ends:
                found.setdefault(name, []).append(min(ends) - at)
        return found


class Client:
    """Writes to subjects of its own and to shared ones, through whatever node, one request after the other."""

    def __init__(self, number: int, session: aiohttp.ClientSession, nodes: RegistryNodes, report: Report) -> None:
        self._number = number
        self._session = session
        self._nodes = nodes
        self._report = report
        self._random = random.Random(number)
        self._texts = itertools.count()
        self._live: list[tuple[str, str, int]] = []
        """(subject, text, version) of own versions that are acknowledged and not deleted."""

    async def run(self, until: asyncio.Event) -> None:
        while not until.is_set():
            action = self._random.choices(
                [self._register_own, self._register_shared, self._delete, self._configure], [6, 3, 1, 1]
            )[0]
            await action()
            await asyncio.sleep(_PAUSE_BETWEEN_REQUESTS)

    async def _register_own(self) -> None:
        subject = f"own-{self._number}-{self._random.randrange(5)}"
        text = self._new_text()
        if version := await self._register(subject, text):
            self._live.append((subject, text, version))

    async def _register_shared(self) -> None:
        await self._register(f"shared-{self._random.randrange(_SHARED_SUBJECTS)}", self._new_text())

    async def _register(self, subject: str, text: str) -> int | None:
        """Register, and read it back through the same node; the version, if all of that was acknowledged."""
        node = self._node()
        path = f"/subjects/{subject}/versions"
        registered = await self._ask(Action.REGISTER, node, "POST", path, {"schema": text}, subject, text)
        if registered.id is None:
            return None
        await self._ask(Action.READ, node, "GET", f"/schemas/ids/{registered.id}", None, subject, text)
        looked_up = await self._ask(
            Action.LOOK_UP, node, "POST", f"/subjects/{subject}", {"schema": text}, subject, text
        )
        return looked_up.version

    async def _delete(self) -> None:
        if not self._live:
            return
        subject, text, version = self._live.pop(self._random.randrange(len(self._live)))
        path = f"/subjects/{subject}/versions/{version}"
        await self._ask(Action.DELETE, self._node(), "DELETE", path, None, subject, text)

    async def _configure(self) -> None:
        # A subject without schemas, so that no level stands in the way of a registration.
        subject, level = f"configured-{self._number}", self._random.choice(_LEVELS)
        body = {"compatibility": level}
        await self._ask(Action.CONFIGURE, self._node(), "PUT", f"/config/{subject}", body, subject, level)

    def _new_text(self) -> str:
        return json.dumps(
            {"type": "fixed", "name": f"c{self._number}_{next(self._texts)}", "size": 4}, separators=(",", ":")
        )

    def _node(self) -> ServiceProcess:
        return self._random.choice(self._nodes.all)

    async def _ask(
        self, action: Action, node: ServiceProcess, method: str, path: str, body: object, subject: str, text: str
    ) -> Event:
        begun = time.monotonic()
        outcome, answer, detail = Outcome.UNKNOWN, None, ""
        try:
            async with self._session.request(method, node.url + path, json=body) as response:
                answer = await response.json(content_type=None)
                outcome = _outcome(response.status, answer)
                detail = "" if outcome is Outcome.ACKNOWLEDGED else f"{response.status} {answer}"
        except aiohttp.ClientConnectorError as error:
            # aiohttp repeats what is idempotent by itself, and only tells of the last try.
            outcome, detail = Outcome.REFUSED if method == "POST" else Outcome.UNKNOWN, str(error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            detail = repr(error)
        found: dict[str, Any] = answer if outcome is Outcome.ACKNOWLEDGED and isinstance(answer, dict) else {}
        event = Event(
            action=action,
            subject=subject,
            node=node.url,
            begun=begun,
            ended=time.monotonic(),
            outcome=outcome,
            text=str(found.get("schema", text)),
            id=found.get("id", int(path.rpartition("/")[2]) if found and action is Action.READ else None),
            version=found.get("version"),
            detail=detail,
        )
        self._report.events.append(event)
        return event


def _outcome(status: int, answer: Any) -> Outcome:
    if status < 400:
        return Outcome.ACKNOWLEDGED
    code = answer.get("error_code", status) if isinstance(answer, dict) else status
    return Outcome.REFUSED if status < 500 or code in _NOTHING_WRITTEN else Outcome.UNKNOWN


class Faults:
    """What goes wrong, one thing after the other; each is over when the call returns. Blocking."""

    def __init__(self, kafka: Cluster, nodes: RegistryNodes, report: Report, seed: int) -> None:
        self._kafka = kafka
        self._nodes = nodes
        self._report = report
        self._random = random.Random(seed)
        self._admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})

    def all(self) -> Sequence[Callable[[], None]]:
        """Every kind of fault."""
        return (
            self.kill_primary, self.pause_primary, self.stop_primary, self.kill_follower, self.pause_follower,
            self.kill_broker, self.pause_broker, self.restart_broker, self.move_leader,
        )  # fmt: skip

    def any(self) -> None:
        """One of them."""
        self._random.choice(self.all())()

    def kill_primary(self) -> None:
        self._kill("kill primary", self._nodes.primary())

    def pause_primary(self) -> None:
        self._pause("pause primary", self._nodes.primary())

    def stop_primary(self) -> None:
        node = self._nodes.primary()
        self._note("stop primary")
        node.stop()
        self._wait(1.0)
        node.start()

    def kill_follower(self) -> None:
        self._kill("kill follower", self._follower())

    def pause_follower(self) -> None:
        self._pause("pause follower", self._follower())

    def kill_broker(self) -> None:
        broker = self._broker()
        self._note("kill broker")
        broker.kill()
        self._wait(3.0)
        broker.start()

    def pause_broker(self) -> None:
        broker = self._broker()
        self._note("pause broker")
        broker.pause()
        self._wait(12.0)
        broker.resume()

    def restart_broker(self) -> None:
        broker = self._broker()
        self._note("restart broker")
        broker.stop()
        broker.start()

    def move_leader(self) -> None:
        """Back to the preferred broker, from where the other faults have moved it."""
        self._note("move leader")
        partition = TopicPartition(self._nodes.all[0].topic, 0)
        try:
            self._admin.elect_leaders(ElectionType.PREFERRED, [partition]).result(10)
        except KafkaException:
            return  # a broker is away

    def _kill(self, name: str, node: ServiceProcess) -> None:
        self._note(name)
        kill(node)
        self._wait(2 * SESSION_MS / 1000)
        node.start()

    def _pause(self, name: str, node: ServiceProcess) -> None:
        self._note(name)
        pause(node)
        self._wait(2 * SESSION_MS / 1000)
        resume(node)

    def _note(self, name: str) -> None:
        self._report.faults.append((name, time.monotonic()))

    def _wait(self, most: float) -> None:
        time.sleep(self._random.uniform(most / 2, most))

    def _follower(self) -> ServiceProcess:
        return self._random.choice(self._nodes.others(self._nodes.primary()))

    def _broker(self) -> Broker:
        return self._random.choice(self._kafka.brokers)


async def run(kafka: Cluster, nodes: RegistryNodes, faults: Callable[[Faults], None], *, seed: int) -> Report:
    """Let clients write while `faults` goes on, in a thread; then compare what they saw with what the nodes hold."""
    report = Report()
    over = asyncio.Event()
    await asyncio.to_thread(call, nodes.all[0].url, "PUT", "/config", {"compatibility": "NONE"})
    timeout = aiohttp.ClientTimeout(total=_CLIENT_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        for number in range(_CLIENTS):
            group.create_task(Client(number, session, nodes, report).run(over))
        try:
            await asyncio.to_thread(faults, Faults(kafka, nodes, report, seed))
        finally:
            over.set()
    await asyncio.to_thread(_settle, nodes)
    async with aiohttp.ClientSession() as session:
        holdings = {node.url: await _holding(session, node.url) for node in nodes.all}
    report.broken = violations(report.events, holdings)
    return report


def _settle(nodes: RegistryNodes) -> None:
    """Return when all nodes are at the same place."""
    nodes.primary()
    deadline = time.monotonic() + _SETTLE_SECONDS
    while len({health(node)["schema_registry_reader_current_offset"] for node in nodes.all}) > 1:
        assert time.monotonic() < deadline, [health(node) for node in nodes.all]
        time.sleep(0.1)


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
        versions[each["version"]] = Version(each["id"], each["schema"], deleted)
    ids = sorted({version.id for versions in holding.versions.values() for version in versions.values()})
    for chunk in (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE)):
        answers = await asyncio.gather(*(get(f"/schemas/ids/{each}") for each in chunk))
        holding.texts.update(zip(chunk, (each["schema"] for each in answers), strict=True))
    for number in range(_CLIENTS):
        found = await get(f"/config/configured-{number}?defaultToGlobal=true")
        holding.levels[f"configured-{number}"] = found["compatibilityLevel"]
    return holding


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--fencing", default="auto")
    arguments = parser.parse_args()

    def for_long(faults: Faults) -> None:
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            faults.any()
            time.sleep(2.0)

    with Cluster(brokers=3) as kafka:
        settings = {"session_timeout_ms": SESSION_MS, "replication_factor": 3, "fencing": arguments.fencing}
        with RegistryNodes(kafka.bootstrap_servers, 3, **settings) as nodes:
            report = asyncio.run(run(kafka, nodes, for_long, seed=arguments.seed))
    sys.stdout.write(f"seed {arguments.seed}\n{report}\n")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())

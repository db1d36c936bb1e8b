"""Whether a service that runs for long grows: mixed load with churn of schemas, topics and consumers.

make soak (SOAK_SECONDS, default 1800), or: python -m benchmarks.soak [--seconds 1800] [--workers 1]
"""

import argparse
import asyncio
import itertools
import os
import secrets
import time
from collections import Counter
from pathlib import Path
from statistics import linear_regression, mean
from typing import Any, NamedTuple

import aiohttp

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_CLIENTS = 6
_VERSIONS = 3
_RECORDS = 20
_POLLS = 50
_AVRO = "application/vnd.kafka.avro.v2+json"
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


class Client:
    """Calls one service, and counts what it did."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.done: Counter[str] = Counter()

    async def call(
        self, method: str, path: str, body: object = None, *, sent_as: str = "application/json", accept: str = "*/*"
    ) -> Any:
        """The answer, of a call that must succeed."""
        headers = {"Accept": accept} | ({"Content-Type": sent_as} if body is not None else {})
        async with self._session.request(
            method, self._url + path, json=body, headers=headers, skip_auto_headers={"Content-Type"}
        ) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
            self.done[method] += 1
            return await answer.json(content_type=None) if text else None

    async def life(self) -> None:
        """A subject with versions, a topic with records of them, and a consumer: made, used, and deleted."""
        name = f"soak-{secrets.token_hex(6)}"
        subject = f"/subjects/{name}-value"
        ids = [await self._register(subject, fields) for fields in range(1, _VERSIONS + 1)]
        for each in ids:
            await self.call("GET", f"/schemas/ids/{each}")
        await self.call("GET", f"{subject}/versions/latest")
        cluster = (await self.call("GET", "/v3/clusters"))["data"][0]["cluster_id"]
        topics = f"/v3/clusters/{cluster}/topics"
        await self.call("POST", topics, {"topic_name": name, "partitions_count": 1, "replication_factor": 1})
        records = [{"value": {"f0": f"{number}"}} for number in range(_RECORDS)]
        await self._produce(name, "avro", {"value_schema_id": ids[0], "records": records})
        await self._produce("soak-shared", "json", {"records": records})
        await self._produce("soak-shared", "binary", {"records": [{"value": "QUJD" * 100}]})
        await self._consume(name)
        await self.call("DELETE", f"{topics}/{name}")
        await self.call("DELETE", subject)
        await self.call("DELETE", f"{subject}?permanent=true")
        self.done["lives"] += 1

    async def _register(self, subject: str, fields: int) -> int:
        named = [{"name": f"f{number}", "type": "string", "default": ""} for number in range(fields)]
        schema = {"schema": str({"type": "record", "name": "Soak", "fields": named}).replace("'", '"')}
        found: int = (await self.call("POST", f"{subject}/versions", schema))["id"]
        await self.call("POST", subject, schema)
        await self.call("POST", f"/compatibility{subject}/versions/latest", schema)
        return found

    async def _produce(self, topic: str, embedded: str, body: object) -> None:
        await self.call("POST", f"/topics/{topic}", body, sent_as=f"application/vnd.kafka.{embedded}.v2+json")

    async def _consume(self, topic: str) -> None:
        kafka = "application/vnd.kafka.v2+json"
        wanted = {"format": "avro", "auto.offset.reset": "earliest"}
        made = await self.call("POST", f"/consumers/{topic}", wanted, sent_as=kafka)
        path = f"/consumers/{topic}/instances/{made['instance_id']}"
        await self.call("POST", f"{path}/subscription", {"topics": [topic]}, sent_as=kafka)
        found = 0
        for _ in range(_POLLS):
            found += len(await self.call("GET", f"{path}/records?timeout=500", accept=_AVRO))
            if found >= _RECORDS:
                break
        assert found == _RECORDS, f"{found} records of {topic}"
        await self.call("POST", f"{path}/offsets")
        await self.call("DELETE", path)


class Sample(NamedTuple):
    """What the service and its workers hold."""

    at: float
    """Seconds since the beginning."""
    rss: float
    """Megabytes."""
    threads: int
    descriptors: int


def sampled(service: ServiceProcess, begun: float) -> Sample:
    """What they hold now."""
    found = service.pids
    return Sample(
        time.monotonic() - begun,
        sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * _PAGE_MB for each in found),
        sum(_entries(f"/proc/{each}/task") for each in found),
        sum(_entries(f"/proc/{each}/fd") for each in found),
    )


def _entries(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


async def _loaded(service: ServiceProcess, seconds: float) -> tuple[list[Sample], Counter[str]]:
    begun = time.monotonic()
    samples: list[Sample] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        client = Client(session, service.url)

        async def live() -> None:
            while time.monotonic() - begun < seconds:
                try:
                    await client.life()
                except (AssertionError, aiohttp.ClientError) as error:
                    client.done["failures"] += 1
                    print(f"FAILED {error!r}", flush=True)

        async with asyncio.TaskGroup() as clients:
            for _ in range(_CLIENTS):
                clients.create_task(live())
            for number in itertools.count(1):
                await asyncio.sleep(min(10.0, seconds / 20))
                samples.append(sampled(service, begun))
                if number % 6 == 0:
                    print(_line(samples[-1]), flush=True)
                if samples[-1].at > seconds:
                    break
    return samples, client.done


def _line(each: Sample) -> str:
    return f"{each.at:6.0f} s  {each.rss:6.1f} MB  {each.threads:4} threads  {each.descriptors:4} descriptors"


def main() -> None:
    """Print what the service holds, now and then, and how that changes in the second half."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=1800)
    arguments.add_argument("--workers", type=int, default=1)
    wanted = arguments.parse_args()
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, workers=wanted.workers) as service:
        samples, done = asyncio.run(_loaded(service, wanted.seconds))
    half = [each for each in samples if each.at > wanted.seconds / 2]
    quarters = half[: len(half) // 2], half[len(half) // 2 :]
    print(", ".join(f"{count} {what}" for what, count in done.items()))
    for name in ("rss", "threads", "descriptors"):
        values = [getattr(each, name) for each in half]
        slope = linear_regression([each.at for each in half], values).slope * 3600
        third, fourth = (mean(getattr(each, name) for each in quarter) for quarter in quarters)
        print(
            f"{name:12} third quarter {third:7.1f}, fourth {fourth:7.1f}; slope in the second half {slope:+.1f} an hour"
        )


if __name__ == "__main__":
    main()

"""How long the console's views take in a browser: many subjects and topics, large schemas and records, brokers away.

python -m benchmarks.console [--subjects 10000] [--versions 10] [--topics 1000] [--fields 10000]

Each view is opened three times in Chromium (found on PATH), and the best time counts: from the address to the sight of
what the view is about. Then the brokers are paused, and each view must show something or say why not. Memory is that
of the service's process, which must not grow with what is looked at.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import aiohttp
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from playwright.async_api import Browser, Error, Page, async_playwright

from benchmarks import replay
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_ROUNDS = 3
_LONG_TOPIC = "console-large"
_WIDE = "console-wide-value"
_BROKEN = "console-broken-value"
"""Each field of its second version breaks readers of the first one."""
_SECONDS = 30_000
"""After which a view is given up, in milliseconds."""


class View(NamedTuple):
    """A view: its address, what is to be seen of it, and the seconds that are the goal."""

    address: str
    sight: str
    """A CSS selector."""
    goal: float = 2.0


def _list_views(subjects: int, versions: int) -> Mapping[str, View]:
    last = f"subject-{subjects - 1}-value"
    found = 'tr[data-row]:has-text("{}")'
    return {
        "first view": View("subjects", found.format("subject-0-value"), 1.0),
        "search, a part of the name": View(f"subjects?query={last[:-6]}", found.format(last), 1.0),
        "search, a field": View(f"subjects?query=field:field_1_{subjects * versions - 1}", "tr[data-row]", 1.0),
        "subject": View(f"subject/{last}", ".cm-content:has-text('benchmark')"),
        "subject with a wide schema": View(f"subject/{_WIDE}", ".cm-content:has-text('Wide')"),
        "check a wide schema": View(f"check?subject={_WIDE}", ".success"),
        "check a wide schema that breaks": View(f"check?subject={_BROKEN}", ".reasons li"),
        "references": View(f"subject/{last}?tab=references", "svg text"),
        "topics": View("topics", found.format("console-")),
        "records, one of 1 MB": View(f"topic/{_LONG_TOPIC}/records", "tr[data-row]"),
        "partitions": View(f"topic/{_LONG_TOPIC}/partitions", "tr[data-row]"),
        "groups": View("groups", ".page .empty:not([role=status]), tr[data-row]"),
        "queues": View("queues", ".page .empty:not([role=status]), tr[data-row]"),
        "cluster": View("cluster", ".badge:has-text('reads are served')"),
    }


def _fill(bootstrap_servers: str, topics: int) -> None:
    """Create the topics, and write the record."""
    names = [_LONG_TOPIC, *(f"console-{number:05}" for number in range(topics - 1))]
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for start in range(0, len(names), 100):
        created = admin.create_topics([NewTopic(name, 1, 1) for name in names[start : start + 100]])
        for future in created.values():
            future.result()
    producer = Producer({"bootstrap.servers": bootstrap_servers, "message.max.bytes": 2_000_000})
    producer.produce(_LONG_TOPIC, value=base64.b64encode(b"\0" * 750_000)[:1_000_000])
    producer.flush()


async def _register_wide(url: str, fields: int) -> None:
    async with aiohttp.ClientSession(url) as session:
        await _register(session, _WIDE, _write_wide(fields, "int", 0))
        await _put_level(session, "NONE")
        await _register(session, _BROKEN, _write_wide(fields, "int", 0))
        await _register(session, _BROKEN, _write_wide(fields, "string", ""))
        await _put_level(session, "BACKWARD_TRANSITIVE")


def _write_wide(fields: int, kind: str, default: object) -> str:
    listed = [{"name": f"field_{number}", "type": kind, "default": default} for number in range(fields)]
    return json.dumps({"type": "record", "name": "Wide", "fields": listed})


async def _register(session: aiohttp.ClientSession, subject: str, schema: str) -> None:
    async with session.post(f"/subjects/{subject}/versions", json={"schema": schema}) as response:
        assert response.status == 200, await response.text()


async def _put_level(session: aiohttp.ClientSession, level: str) -> None:
    async with session.put(f"/config/{_BROKEN}", json={"compatibility": level}) as response:
        assert response.status == 200, await response.text()


async def _time_explanations(url: str, fields: int) -> str:
    """Return the line for an explanation that no cache holds: each time another schema breaks every field."""
    times = []
    async with aiohttp.ClientSession(url) as session:
        for default in range(_ROUNDS):
            body = {"schema": _write_wide(fields, "string", f"text {default}")}
            start = time.perf_counter()
            async with session.post(f"/compatibility/subjects/{_WIDE}/explanation", json=body) as response:
                answer = await response.json(content_type=None)
            times.append(time.perf_counter() - start)
            assert len(answer["versions"][0]["incompatibilities"]) > 1, answer
    return _row("explanation of a wide schema that breaks, the call alone", min(times), 2.0)


async def _time(page: Page, url: str, view: View, sight: str) -> float | None:
    """Return the seconds until the sight is there; None if it never is."""
    await page.goto("about:blank")
    start = time.perf_counter()
    try:
        await page.goto(f"{url}/console#/{view.address}", wait_until="commit")
        await page.locator(sight).first.wait_for(timeout=_SECONDS)
    except Error:
        return None
    return time.perf_counter() - start


async def _best_time(browser: Browser, url: str, view: View, sight: str, rounds: int) -> float | None:
    times = []
    for _ in range(rounds):
        context = await browser.new_context()  # nothing is cached
        times.append(await _time(await context.new_page(), url, view, sight))
        await context.close()
    known = [seconds for seconds in times if seconds is not None]
    return min(known) if len(known) == len(times) else None


async def _time_searches(url: str, views: Mapping[str, View]) -> Sequence[str]:
    """Return a line for each search: the call that the view makes, without the browser."""
    lines = []
    async with aiohttp.ClientSession() as session:
        for name, view in views.items():
            if not name.startswith("search"):
                continue
            times = []
            for _ in range(_ROUNDS):
                start = time.perf_counter()
                async with session.get(f"{url}/subjects:search?{view.address.partition('?')[2]}&limit=50") as response:
                    assert (await response.json(content_type=None))["total"] > 0
                times.append(time.perf_counter() - start)
            lines.append(f"| {name}, the call alone | {min(times):.2f} s | 0.5 s |")
    return lines


async def _transfer(url: str) -> int:
    """Return the bytes of the page and all its files as they are sent to browsers."""
    headers = {"Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession(auto_decompress=False, headers=headers) as session:
        async with session.get(f"{url}/console", headers={"Accept-Encoding": "identity"}) as response:
            addresses = re.findall(r'(?:href|src)="(console/[^"]+)"', await response.text())
        digest = addresses[0].split("/")[1]
        lazy = (f"console/{digest}/vendored/{name}" for name in ("codemirror.js", "uplot.js", "uplot.css"))
        total = 0
        for address in {"console", *addresses, *lazy}:
            async with session.get(f"{url}/{address}") as response:
                total += len(await response.read())
    return total


def _row(name: str, seconds: float | None, goal: float) -> str:
    return f"| {name} | {'never' if seconds is None else f'{seconds:.2f} s'} | {goal:.0f} s |"


async def _measure_without_brokers(
    browser: Browser, service: ServiceProcess, kafka: Cluster, views: Mapping[str, View]
) -> Sequence[str]:
    """Return a line for each view: it shows what it is about, an error, or why it has to wait."""
    lines = []
    for broker in kafka.brokers:
        broker.pause()
    try:
        await _wait_for_trouble(service.url)
        for name, view in views.items():
            either = f"{view.sight}, .problem, .waiting"
            lines.append(_row(f"{name}, brokers away", await _best_time(browser, service.url, view, either, 2), 2.0))
            print(lines[-1], flush=True)
    finally:
        for broker in kafka.brokers:
            broker.resume()
    return lines


async def _wait_for_trouble(url: str) -> None:
    """Return when the service has noticed that the brokers are away."""
    async with asyncio.timeout(120), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}/health/ready?writes=true") as response:
                if response.status != 200:
                    print(f"The service says: {(await response.json(content_type=None))['reason']}", flush=True)
                    return
            await asyncio.sleep(0.2)


async def _measure(service: ServiceProcess, kafka: Cluster, wanted: argparse.Namespace) -> Sequence[str]:
    await _register_wide(service.url, wanted.fields)
    views, program = (
        _list_views(wanted.subjects, wanted.versions),
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome"),
    )
    lines = ["| view | shown after | goal |", "|---|---|---|", *await _time_searches(service.url, views)]
    lines.append(await _time_explanations(service.url, wanted.fields))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        await _best_time(browser, service.url, views["first view"], views["first view"].sight, 1)  # warm
        before = replay.memory(service.pid, "VmRSS")
        for name, view in views.items():
            lines.append(_row(name, await _best_time(browser, service.url, view, view.sight, _ROUNDS), view.goal))
            print(lines[-1], flush=True)
        after = replay.memory(service.pid, "VmRSS")
        for view in views.values():
            await _best_time(browser, service.url, view, view.sight, 1)
        again = replay.memory(service.pid, "VmRSS")
        lines += await _measure_without_brokers(browser, service, kafka, views)
        await browser.close()
    sent = await _transfer(service.url)
    return [
        *lines,
        "",
        f"Memory: {before:.0f} MB before, {after:.0f} MB after each view three times, {again:.0f} MB after once more.",
        f"Transfer of all files: {sent / 1000:.0f} kB compressed with gzip (goal: 400 kB).",
    ]


def main() -> None:
    """Print a table of the views."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--subjects", type=int, default=10_000)
    arguments.add_argument("--versions", type=int, default=10, help="of each subject")
    arguments.add_argument("--topics", type=int, default=1_000)
    arguments.add_argument("--fields", type=int, default=10_000, help="of the wide schema")
    wanted = arguments.parse_args()
    with Cluster() as kafka:
        replay.write(kafka.bootstrap_servers, wanted.subjects * wanted.versions, 500, wanted.versions)
        _fill(kafka.bootstrap_servers, wanted.topics)
        with ServiceProcess(kafka.bootstrap_servers, topic_name=replay.TOPIC) as service:
            print("\n".join(asyncio.run(_measure(service, kafka, wanted))))


if __name__ == "__main__":
    main()

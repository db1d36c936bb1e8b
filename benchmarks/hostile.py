"""What one hostile client costs everybody: a row for each attack, each on a service of its own.

python -m benchmarks.hostile [ATTACK ...]

While the attack runs, another client, in a process of its own, sends a small request every 20 milliseconds, or logs in
for the first time. A row shows the attacker's statuses, the other client's slowest response and failures, and the CPU
time, threads and memory that the service has taken.
"""

import asyncio
import base64
import functools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from karapace_like.access.passwords import new_user
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

V2 = "application/vnd.kafka.v2+json"
BINARY = "application/vnd.kafka.binary.v2+json"
JSON_SCHEMA = "application/vnd.kafka.jsonschema.v2+json"
SCHEMA = json.dumps({"type": "record", "name": "R", "fields": []})
_PAUSE_SECONDS = 0.02
_POLL_SECONDS = 10
_BOMB_BYTES = 2**30
_LEVELS = 16
"""Of nested `oneOf`: 18 took 28 s and 2.3 GB, and 21 took 16.7 GB."""
_FILES = 470


class Attacker(NamedTuple):
    """Sends requests, and counts the statuses of their responses."""

    session: aiohttp.ClientSession
    statuses: Counter[str]

    async def __call__(self, method: str, path: str, body: object = None, **options: Any) -> None:
        headers = {"Content-Type": V2 if path.startswith("/consumers") else "application/json"}
        headers |= options.pop("headers", {})
        data = json.dumps(body).encode() if body is not None else options.pop("data", None)
        try:
            async with self.session.request(method, path, data=data, headers=headers, **options) as response:
                await response.read()
                self.statuses[str(response.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.statuses[type(error).__name__] += 1


class Attack(NamedTuple):
    """One row. `prepare` is not measured. `bystander`: (path, headers) of the other client's requests."""

    run: Callable[[Attacker], Awaitable[None]]
    prepare: Callable[[Attacker], Awaitable[None]] | None = None
    bystander: tuple[str, Mapping[str, str]] = ("/config", {})
    is_guarded: bool = False
    is_for_first_login: bool = False
    """Whether the other client sends one request only, once the attack has its first response."""


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def _subscribe_to_pattern(attacker: Attacker) -> None:
    await attacker("POST", "/consumers/g", {"name": "c"})
    await attacker("POST", "/consumers/g/instances/c/subscription", {"topic_pattern": "((a{1,100}){1,100}){1,60}"})


async def _register(attacker: Attacker) -> None:
    await attacker("POST", "/subjects/s/versions", {"schema": SCHEMA})


async def _look_up_with_large_bodies(attacker: Attacker) -> None:
    for number in range(60):
        padded = json.dumps({"schema": SCHEMA}).encode() + b" " * (15_000_000 + number)
        for _ in range(2):
            await attacker("POST", "/subjects/s", data=padded)


async def _send_large_heads(attacker: Attacker) -> None:
    async def send(part: int) -> None:
        for number in range(1_000):
            await attacker("GET", "/schemas/ids/1", headers={"X-Padding": f"{part}-{number}-".ljust(7_500, "x")})

    await asyncio.gather(*map(send, range(10)))


@functools.cache
def _bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(_BOMB_BYTES // 2**20)) + packer.flush()


async def _pack_bomb(_: Attacker) -> None:
    _bomb()


async def _send_bomb(attacker: Attacker) -> None:
    await attacker("POST", "/subjects/s/versions", data=_bomb(), headers={"Content-Encoding": "gzip"})


def _produce(schema: object, value: object) -> Callable[[Attacker], Awaitable[None]]:
    async def run(attacker: Attacker) -> None:
        body = {"value_schema": json.dumps(schema), "records": [{"value": value}]}
        await attacker("POST", "/topics/costly", body, headers={"Content-Type": JSON_SCHEMA})

    return run


def _doubling() -> dict[str, object]:
    levels = {
        f"l{level}": {"oneOf": [{"$ref": f"#/definitions/l{level + 1}"}, {"$ref": f"#/definitions/l{level + 1}"}]}
        for level in range(_LEVELS)
    }
    return {"$ref": "#/definitions/l0", "definitions": {**levels, f"l{_LEVELS}": {"type": "string"}}}


async def _guess_passwords(attacker: Attacker) -> None:
    await asyncio.gather(*(attacker("GET", "/subjects", headers=_basic("eve", f"wrong-{n}")) for n in range(400)))


async def _ask_for_long_names(attacker: Attacker) -> None:
    for _ in range(200):
        await attacker("GET", "/topics/" + "x" * 40_000)


async def _make_topic(attacker: Attacker) -> None:
    await attacker("POST", "/topics/quiet", {"records": [{"value": "MQ=="}]}, headers={"Content-Type": BINARY})


async def _make_instances(attacker: Attacker) -> None:
    await _make_topic(attacker)
    for number in range(100):
        path = f"/consumers/quiet-{number}"
        await attacker("POST", path, {"name": "c"})
        await attacker("POST", f"{path}/instances/c/assignments", {"partitions": [{"topic": "quiet", "partition": 0}]})


async def _poll(attacker: Attacker) -> None:
    query = f"records?timeout={_POLL_SECONDS * 1_000}"
    paths = [f"/consumers/quiet-{number}/instances/c/{query}" for number in range(100)]
    await asyncio.gather(*(attacker("GET", path, headers={"Accept": BINARY}) for path in paths))


async def _send_many_headers(attacker: Attacker) -> None:
    for number in (126, 190, 1_000):
        await attacker("GET", "/subjects", headers={f"X-{n}": "y" for n in range(number)})
    await attacker("GET", "/subjects", headers={"X": "y" * 9_000})


ATTACKS = {
    "topic_pattern ((a{1,100}){1,100}){1,60}": Attack(_subscribe_to_pattern),
    "60 look-ups of 15 MB": Attack(_look_up_with_large_bodies, _register),
    "10,000 heads of 7.5 kB": Attack(_send_large_heads, _register),
    "gzip of 1 GB, no credentials": Attack(_send_bomb, _pack_bomb, is_guarded=True, bystander=("/health/live", {})),
    f"oneOf in {_LEVELS} levels": Attack(_produce(_doubling(), 1)),
    "300 contains, 20,000 numbers": Attack(
        _produce({"allOf": [{"contains": {"const": -at - 1}} for at in range(300)]}, list(range(20_000)))
    ),
    "400 wrong passwords": Attack(
        _guess_passwords, is_guarded=True, bystander=("/subjects", _basic("bob", "right")), is_for_first_login=True
    ),
    "200 names of 40,000 characters": Attack(_ask_for_long_names, _make_topic, bystander=("/topics/quiet", {})),
    f"100 polls that wait {_POLL_SECONDS} s": Attack(_poll, _make_instances),
    "128, 192 and 1,002 headers, one of 9 kB": Attack(_send_many_headers),
}


class Bystander(NamedTuple):
    """The responses that the other client got."""

    slowest: float
    """In seconds."""
    sent: int
    failed: int


class _Signals(NamedTuple):
    """Between this process and that of the other client."""

    ready: Event
    go: Event
    stop: Event


def _stand_by(url: str, path: str, headers: Mapping[str, str], signals: _Signals, results: Connection) -> None:
    """Send one request after `go`, and more until `stop`; in a process of its own, which no attack occupies."""
    split, seconds, failed = urlsplit(url), list[float](), 0
    connection = HTTPConnection(str(split.hostname), split.port)
    signals.ready.set()
    signals.go.wait()
    while not (seconds and signals.stop.is_set()):
        begun = time.monotonic()
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            response.read()
            failed += response.status != HTTPStatus.OK
        except (OSError, HTTPException):
            connection.close()
            failed += 1
        seconds.append(time.monotonic() - begun)
        signals.stop.wait(_PAUSE_SECONDS)
    results.send(Bystander(max(seconds), len(seconds), failed))


async def _measure_bystander(url: str, attack: Attack, attacker: Attacker) -> Bystander:
    """Run the attack, and return what the other client got meanwhile."""
    spawning = multiprocessing.get_context("spawn")
    signals = _Signals(spawning.Event(), spawning.Event(), spawning.Event())
    results, sender = spawning.Pipe(duplex=False)
    process = spawning.Process(target=_stand_by, args=(url, *attack.bystander, signals, sender), daemon=True)
    process.start()
    await asyncio.to_thread(signals.ready.wait)
    running = asyncio.ensure_future(attack.run(attacker))
    while attack.is_for_first_login and not attacker.statuses:  # noqa: ASYNC110 - the attack knows of nobody else
        await asyncio.sleep(_PAUSE_SECONDS)
    signals.go.set()
    if attack.is_for_first_login:
        signals.stop.set()
    await running
    signals.stop.set()
    await asyncio.to_thread(process.join)
    bystander: Bystander = results.recv()
    return bystander


class Usage(NamedTuple):
    """Of a process; CPU time and memory with its children: proc(5)."""

    cpu_seconds: float
    threads: int
    megabytes: float

    @classmethod
    def of(cls, pids: Sequence[int]) -> "Usage":
        """`pids`: of the process, then of its children."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        return cls(
            sum(sum(map(int, fields[11:15])) for fields in stats) / os.sysconf("SC_CLK_TCK"),
            int(stats[0][17]),
            sum(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses) / 1024,
        )


async def _measure(name: str, attack: Attack, service: ServiceProcess) -> None:
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(service.url, connector=connector, timeout=timeout) as session:
        if attack.prepare is not None:
            await attack.prepare(Attacker(session, Counter()))
        before, attacker = Usage.of(service.pids), Attacker(session, Counter())
        bystander = await _measure_bystander(service.url, attack, attacker)
        after = Usage.of(service.pids)
    _print_row(name, attacker.statuses, bystander, before, after)


def _print_row(name: str, statuses: Mapping[str, int], other: Bystander, before: Usage, after: Usage) -> None:
    counts = ", ".join(f"{count:,} x {status}" if count > 1 else status for status, count in sorted(statuses.items()))
    print(
        f"| {name} | {counts} | {other.slowest * 1e3:,.0f} ms | {other.failed} of {other.sent} "
        f"| {after.cpu_seconds - before.cpu_seconds:.1f} s | {after.threads - before.threads:+} "
        f"| {after.megabytes - before.megabytes:+,.0f} MB |",
        flush=True,
    )


def _measure_lint(folder: Path) -> None:
    """Files of which each refers to one with 300 definitions; only `lint` itself is measured, no service."""
    shared = {"definitions": {f"d{number}": {"type": "string", "description": "Some."} for number in range(300)}}
    (folder / "shared.schema.json").write_text(json.dumps(shared, indent=1))
    for number in range(_FILES):
        properties = {"a": {"$ref": f"shared.schema.json#/definitions/d{number % 300}"}}
        text = json.dumps({"type": "object", "properties": properties}, indent=1)
        (folder / f"f{number}.schema.json").write_text(text)
    begun = os.times()
    command = [sys.executable, "-m", "karapace_like", "lint", str(folder)]
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    ended = os.times()
    used = ended.children_user - begun.children_user + ended.children_system - begun.children_system
    print(f"| lint of {_FILES} files | exit code {status} | | | {used:.1f} s | | |", flush=True)


def main() -> None:
    """Print the table, or those rows of it whose name contains an argument."""
    print("| attack | answered | another's slowest | another's failures | CPU | threads | memory, highest |")
    print("|---|---|---|---|---|---|---|")
    wanted = sys.argv[1:] or [""]
    with Cluster() as kafka, tempfile.TemporaryDirectory() as folder:
        authfile = Path(folder, "auth.json")
        users = [msgspec.to_builtins(new_user(name, "right")) for name in ("bob", "eve")]
        grant = {"principals": ["*"], "operations": ["read"], "resource": "subject"}
        authfile.write_bytes(msgspec.json.encode({"users": users, "grants": [grant]}))
        for name, attack in ATTACKS.items():
            if any(part in name for part in wanted):
                settings: dict[str, Any] = {"registry_authfile": authfile} if attack.is_guarded else {}
                with ServiceProcess(kafka.bootstrap_servers, **settings) as service:
                    asyncio.run(_measure(name, attack, service))
        if any(part in f"lint of {_FILES} files" for part in wanted):
            files = Path(folder, "files")
            files.mkdir()
            _measure_lint(files)


if __name__ == "__main__":
    main()

"""A primary of another product, imitated: its answers, its records and its election are in `foreign_products.py`.

It gives ids by its own count, writes plainly, and knows neither offsets nor fencing. While it is not the primary it
answers 500. It stops as on SIGTERM: what it has begun is written before it leaves.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web
from confluent_kafka import Consumer, Producer, TopicPartition

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.group import Generation, Group, GroupSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.registry import apply
from karapace_like.registry.store import Deleted, Store, StoredVersion
from tests.cluster.foreign_products import ForeignProduct, Identity
from tests.web.conftest import TopicRecord

HOST = "0.0.0.0"
"""As text before every other host of this machine, so that it is elected."""
_START_SECONDS = 60.0
_HEARTBEAT_SECONDS = 0.2
_FLUSH_SECONDS = 60.0


class ForeignPrimary:
    """Is the primary inside of the block, in a thread with an event loop of its own."""

    def __init__(
        self, product: ForeignProduct, bootstrap_servers: str, *, group: str, topic: str, session_ms: int
    ) -> None:
        self._product = product
        self._bootstrap_servers = bootstrap_servers
        self._group_id, self._topic, self._session_ms = group, topic, session_ms
        self._store = Store()
        self._offset = 0
        self._leads_until = 0.0
        self.written = 0
        """Records."""
        self._is_primary = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._writing = asyncio.Lock()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="foreign-primary")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_primary.wait(_START_SECONDS), "the imitation was not elected"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        options: dict[str, Any] = {"bootstrap.servers": self._bootstrap_servers, "log_level": 0}
        self._consumer = Consumer({**options, "group.id": "imitation", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(self._topic, 0, 0)])
        self._producer = Producer({**options, "acks": "all", "enable.idempotence": True, "linger.ms": 0})
        app = web.Application()
        app.router.add_post("/subjects/{subject}/versions", self._answer(self._register))
        app.router.add_delete("/subjects/{subject}/versions/{version}", self._answer(self._delete))
        app.router.add_put("/config/{subject}", self._answer(self._configure))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        member = asyncio.create_task(self._take_part(runner.addresses[0][1]))
        await self._stopping.wait()
        async with self._writing:
            self._leads_until = 0.0
        member.cancel()
        await asyncio.gather(member, return_exceptions=True)
        await runner.cleanup()
        self._consumer.close()
        del self._producer

    async def _take_part(self, port: int) -> None:
        group = Group(
            KafkaSettings(bootstrap_servers=self._bootstrap_servers),
            GroupSettings(id=self._group_id, session_timeout_ms=self._session_ms),
        )
        identity = self._product.describe(HOST, port)
        try:
            while True:
                try:
                    await self._take_part_in_generation(group, identity)
                except KafkaFailure:
                    async with self._writing:
                        self._leads_until = 0.0
        finally:
            await group.leave()

    async def _take_part_in_generation(self, group: Group, identity: Identity) -> None:
        generation = await group.join(json.dumps(identity).encode())
        sent = time.monotonic()
        assigned = json.loads(await group.sync(generation, self._assign(generation)))
        is_elected = self._product.is_elected(assigned, generation.member_id, identity)
        while True:
            if is_elected:
                if not self._leads_until:
                    await asyncio.to_thread(self._begin_term)
                self._leads_until = sent + self._session_ms / 1000
                self._is_primary.set()
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            sent = time.monotonic()
            await group.heartbeat(generation)

    def _begin_term(self) -> None:
        if self._product.noop_key is not None:
            self._producer.produce(self._topic, partition=0, key=self._product.noop_key)
            assert self._producer.flush(_FLUSH_SECONDS) == 0
        self._catch_up()

    def _assign(self, generation: Generation) -> dict[str, bytes]:
        """Choose, as the group's leader, the smallest URL."""
        members = {name: json.loads(each) for name, each in (generation.members or {}).items()}
        if not members:
            return {}
        eligible = {name: each for name, each in members.items() if each["master_eligibility"]}
        master = min(eligible, key=lambda name: f"{eligible[name]['host']}:{eligible[name]['port']}")
        return dict.fromkeys(members, self._product.assign(master, eligible[master]))

    def _answer(
        self, write: Callable[[web.Request, Any], tuple[int, Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            body = await request.json() if request.can_read_body else None
            async with self._writing:
                if time.monotonic() > self._leads_until:
                    return web.json_response(self._product.refusal, status=500)
                status, found = await asyncio.to_thread(self._write, write, request, body)
            return web.json_response(found, status=status)

        return answer

    def _write(
        self, write: Callable[[web.Request, Any], tuple[int, Any]], request: web.Request, body: Any
    ) -> tuple[int, Any]:
        self._catch_up()
        answered = write(request, body)
        self.written += len(self._producer)
        assert self._producer.flush(_FLUSH_SECONDS) == 0
        return answered

    def _catch_up(self) -> None:
        """Apply the topic up to its end; the state of this project serves, since only what is written is judged."""
        _, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, 0), 10)
        while self._offset < end:
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                apply.replay(self._store, TopicRecord(message.key(), message.value(), 0))
            [place] = self._consumer.position([TopicPartition(self._topic, 0)])
            self._offset = max(self._offset, place.offset)

    def _register(self, request: web.Request, body: Any) -> tuple[int, Any]:
        subject, text = request.match_info["subject"], self._spell(body["schema"])
        context = self._store.contexts["."]
        versions = self._store.versions(subject, Deleted.INCLUDE)
        for each in versions:
            if not each.deleted and self._spell(each.content.text) == text:
                return 200, self._product.answer_registration(subject, each.version, each.id, text)
        known = (held[0] for held in context.ids.values())
        schema_id = next((each.id for each in known if self._spell(each.content.text) == text), context.max_id + 1)
        version = versions[-1].version + 1 if versions else 1
        self._produce(subject, version, schema_id, text, deleted=False)
        return 200, self._product.answer_registration(subject, version, schema_id, text)

    def _spell(self, text: str) -> str:
        """A schema's text as the product stores it."""
        return self._product.storage.text("AVRO", text)

    def _delete(self, request: web.Request, _: Any) -> tuple[int, Any]:
        subject, number = request.match_info["subject"], int(request.match_info["version"])
        found: StoredVersion | None = self._store.version(subject, number)
        if found is None:
            return 404, {"error_code": 40402, "message": f"Version {number} not found."}
        self._produce(subject, number, found.id, found.content.text, deleted=True)
        return 200, number

    def _configure(self, request: web.Request, body: Any) -> tuple[int, Any]:
        key = {"keytype": "CONFIG", "subject": request.match_info["subject"], "magic": 0}
        value = self._product.encode_level(request.match_info["subject"], body["compatibility"])
        encoded = json.dumps(key, separators=(",", ":")).encode()
        self._producer.produce(self._topic, partition=0, key=encoded, value=value)
        return 200, body

    def _produce(self, subject: str, version: int, schema_id: int, text: str, *, deleted: bool) -> None:
        [(key, value)] = self._product.storage.store(subject, version, schema_id, "AVRO", text, deleted=deleted)
        self._producer.produce(self._topic, partition=0, key=key, value=value)

"""The consumer instances of this process: created by REST clients, and kept until deleted or idle for long.

Once a second a task visits every instance: it keeps the membership, parks an instance after `park_after` seconds
without a request, and closes it after `idle_timeout`.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple

from karapace_like.background import BackgroundTasks
from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.ownership import Claims, Owner
from karapace_like.process.lru import LruCache
from karapace_like.proxy import errors
from karapace_like.proxy.consumer_instance import ConsumerInstance, InstanceRequest
from karapace_like.proxy.ports import KafkaConsumer, KafkaConsumers
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.topic_patterns import TopicNames

logger = logging.getLogger(__name__)

_TEND_SECONDS = 1.0
_CLOSE_SECONDS = 15.0
"""How long a deletion waits until the member has left its group."""
_REMEMBERED = 10_000


class InstanceUser(NamedTuple):
    """A caller of consumer instances."""

    name: str | None = None
    """Whose the instances are; None for an anonymous caller: those share theirs."""
    counted_as: str = ""
    """Under whose limit they fall: no client can invent it, as any may invent a name where none is checked."""


ANYBODY = InstanceUser()


@dataclass(slots=True)
class _Entry:
    """An instance, its caller, and the time of its last request on the clock of the event loop."""

    instance: ConsumerInstance
    user: InstanceUser
    used: float


class ConsumerInstances:
    """The instances of this process, by group and name. `start` it, and `close` it at the end."""

    def __init__(
        self,
        owner: Owner,
        consumers: KafkaConsumers,
        topic_names: TopicNames,
        schemas: SchemaCache,
        settings: ProxySettings,
        claims: Claims | None = None,
        background: BackgroundTasks | None = None,
    ) -> None:
        """`owner` is this process; `claims` are those of the node, None if this is its only process.

        `background` runs the upkeep of the instances.
        """
        self._background = background or BackgroundTasks()
        self._owner = owner
        self._consumers = consumers
        self._topic_names = topic_names
        self._schemas = schemas
        self._settings = settings
        self._claims = claims
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._expired: LruCache[tuple[str, str], bool] = LruCache(_REMEMBERED)
        """(group, name) -> whether the instance was closed because it was idle; later requests get that reason."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._upkeep: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def start(self) -> None:
        """Start the upkeep of the instances."""
        self._upkeep = self._background.start("upkeep of consumer instances", self._run_upkeep)

    def create(self, group: str, request: InstanceRequest, user: InstanceUser = ANYBODY) -> str:
        """Create an instance and return its name; 40902 if the node has one of that name, 42901 if there are too many.

        The instance belongs to `user`.
        """
        name = request.name or self._owner.create_id()
        if (group, name) in self._entries:
            raise errors.consumer_exists()
        if len(self._entries) >= self._settings.max_instances:
            raise errors.too_many("consumer instances")
        if self._count_of(user.counted_as) >= self._settings.max_instances_of_user:
            raise errors.too_many("consumer instances of this caller")
        if self._claims is not None and not self._claims.claim(group, name):
            raise errors.consumer_exists()
        try:
            consumer = self._create_consumer(group, request)
        except Exception:
            self._release(group, name)
            raise
        instance = ConsumerInstance(consumer, self._topic_names, self._schemas, request, self._settings)
        self._entries[group, name] = _Entry(instance, user, asyncio.get_running_loop().time())
        return name

    def has(self, group: str, name: str) -> bool:
        """Return whether this process has the instance."""
        return (group, name) in self._entries

    def find(self, group: str, name: str, user: InstanceUser = ANYBODY) -> ConsumerInstance:
        """Return the instance and note the request; 40403 if there is none, or it belongs to another caller."""
        entry = self._entries.get((group, name))
        if entry is None:
            if self._expired.get((group, name)):
                raise errors.consumer_expired_error(self._settings.idle_timeout)
            raise errors.consumer_not_found_error()
        if entry.user.name != user.name:
            raise errors.consumer_of_another_caller()
        entry.used = asyncio.get_running_loop().time()
        if entry.instance.is_parked:
            self._make_room()
        return entry.instance

    async def delete(self, group: str, name: str, user: InstanceUser = ANYBODY) -> None:
        """Close the instance and remove it; 40403 if there is none, or it belongs to another caller."""
        instance = self.find(group, name, user)
        self._forget(group, name)
        self._expired.put((group, name), False)
        # In a task of its own, so that the member leaves its group even if the client disconnects or brokers are slow.
        await asyncio.wait({self._run(_close(name, instance))}, timeout=_CLOSE_SECONDS)

    async def close(self) -> None:
        """Close all instances."""
        if self._upkeep is not None:
            self._upkeep.cancel()
        for task in self._tasks:
            task.cancel()
        instances = [entry.instance for entry in self._entries.values()]
        for group, name in list(self._entries):
            self._forget(group, name)
        await asyncio.gather(*(instance.close() for instance in instances), return_exceptions=True)

    def _create_consumer(self, group: str, request: InstanceRequest) -> KafkaConsumer:
        with errors.translate_kafka_failures():
            return self._consumers.create_consumer(
                group=group,
                auto_commit=self._settings.auto_commit if request.auto_commit is None else request.auto_commit,
                offset_reset=request.offset_reset or self._settings.auto_offset_reset,
                isolation=request.isolation,
            )

    def _forget(self, group: str, name: str) -> None:
        del self._entries[group, name]
        self._release(group, name)

    def _release(self, group: str, name: str) -> None:
        if self._claims is not None:
            self._claims.release(group, name)

    def _make_room(self) -> None:
        """Park the least recently used instance if as many are active as may be; 42901 if twice as many are.

        There may be more while instances leave their groups, find out their positions, or have a request in progress.
        """
        active = [entry for entry in self._entries.values() if not entry.instance.is_parked]
        limit = self._settings.max_active_instances
        if len(active) < limit:
            return
        if sum(entry.instance.has_client for entry in self._entries.values()) >= 2 * limit:
            raise errors.too_many("active consumer instances")
        idle = [entry for entry in active if not entry.instance.is_busy]
        if idle:
            self._run(min(idle, key=lambda entry: entry.used).instance.start_parking())

    def _count_of(self, counted_as: str) -> int:
        return sum(entry.user.counted_as == counted_as for entry in self._entries.values())

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._background.run_once("parking or closing of a consumer instance", work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_upkeep(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            self._tend_all()

    def _tend_all(self) -> None:
        """Visit every instance once. Not part of the loop, whose frame would keep the last instance alive."""
        now = asyncio.get_running_loop().time()
        for (group, name), entry in list(self._entries.items()):
            if entry.instance.is_busy:
                entry.used = now
            elif 0 < self._settings.idle_timeout < now - entry.used:
                logger.info("Closing the consumer instance %s of group %s: it was idle", name, group)
                self._forget(group, name)
                self._expired.put((group, name), True)
                self._run(_close(name, entry.instance))
            elif entry.instance.is_parked:
                continue
            else:
                try:
                    # Before parking too: the member cannot be parked until it knows its positions.
                    entry.instance.tend()
                except Exception as error:  # noqa: BLE001 - the other instances have to be looked after
                    self._background.report("upkeep of a consumer instance", error)
                if 0 < self._settings.park_after < now - entry.used:
                    self._run(entry.instance.start_parking())
                elif entry.instance.is_outdated:
                    self._run(entry.instance.follow_topics())
        if self._topic_names.is_outdated and any(entry.instance.reads_pattern for entry in self._entries.values()):
            self._run(self._list_topics())

    async def _list_topics(self) -> None:
        try:
            await self._topic_names.refresh()
        except KafkaFailure as failure:
            logger.warning("Cannot list the topics for subscriptions to patterns: %s", failure.message)


async def _close(name: str, instance: ConsumerInstance) -> None:
    try:
        await instance.close()
    except ApiError as error:
        logger.warning("Cannot close the consumer instance %s: %s", name, error.message)

"""The REST proxy as its API sees it."""

from dataclasses import dataclass
from typing import Self

from karapace_like.measures import Cache
from karapace_like.ownership import Owner
from karapace_like.proxy.consumers import ConsumerInstances
from karapace_like.proxy.ports import Members, Producer, Schemas
from karapace_like.proxy.produce import Producing
from karapace_like.proxy.reading import Reading
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.topics import Topics
from karapace_like.proxy.v3.management import Management
from karapace_like.proxy.v3.ports import ClusterAdmin


@dataclass(frozen=True, slots=True)
class Proxy:
    """What the API's calls are about. `start` it on the event loop, and `close` it at the end."""

    topics: Topics
    producing: Producing
    reading: Reading
    consumers: ConsumerInstances
    management: Management
    settings: ProxySettings
    codecs: Cache
    """How the cache of codecs is used."""
    _producer: Producer

    @classmethod
    def over(
        cls,
        *,
        owner: Owner,
        schemas: Schemas,
        admin: ClusterAdmin,
        producer: Producer,
        members: Members,
        settings: ProxySettings,
    ) -> Self:
        """The proxy between these; `owner` is this process."""
        cache = SchemaCache(schemas)
        reading = Reading(admin, cache, settings)
        return cls(
            Topics(admin),
            Producing(cache, producer, settings),
            reading,
            ConsumerInstances(owner, members, cache, settings),
            Management.over(admin=admin, schemas=cache, producer=producer, reading=reading),
            settings,
            cache.use,
            producer,
        )

    def start(self) -> None:
        """Begin to look after consumer instances."""
        self.consumers.start()

    async def close(self) -> None:
        """Leave every group, wait for what is still being written, and let go of the cluster."""
        await self.consumers.close()
        await self._producer.close()
        self.topics.close()

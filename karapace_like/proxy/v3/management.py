"""REST v3: what the handlers of its API call."""

from dataclasses import dataclass
from typing import Self

from karapace_like.proxy.atomic import AtomicWriter
from karapace_like.proxy.contracts.gate import Gate
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.ports import ClusterAdmin, Producer
from karapace_like.proxy.reading import Reading
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.v3.acls import Acls
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.proxy.v3.configs import Configs
from karapace_like.proxy.v3.groups import Groups
from karapace_like.proxy.v3.producing import RecordProducing
from karapace_like.proxy.v3.reading import RecordReading
from karapace_like.proxy.v3.topics import Topics


@dataclass(frozen=True, slots=True)
class Management:
    """The services of REST v3."""

    clusters: Clusters
    topics: Topics
    configs: Configs
    groups: Groups
    acls: Acls
    producing: RecordProducing
    reading: RecordReading

    @classmethod
    def over(
        cls,
        *,
        admin: ClusterAdmin,
        schemas: SchemaCache,
        producer: Producer,
        gate: Gate,
        reading: Reading,
        internal: InternalResources,
        atomic: AtomicWriter,
    ) -> Self:
        """Create the services over these clients."""
        clusters = Clusters(admin)
        topics = Topics(admin, clusters)
        return cls(
            clusters,
            topics,
            Configs(admin, clusters),
            Groups(admin, clusters),
            Acls(admin, clusters),
            RecordProducing(schemas, producer, gate, internal, atomic=atomic),
            RecordReading(topics, reading),
        )

"""Describe the cluster and its brokers. There is one cluster, and every path names it."""

from karapace_like.administration import Broker, ClusterDescription
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.v3 import errors


class Clusters:
    """The cluster of this service."""

    def __init__(self, admin: ClusterAdmin) -> None:
        self._admin = admin
        self._id: str | None = None

    async def check(self, cluster: str, *, verb: str = "cannot") -> None:
        """Raise ProxyError (404) unless this is the id of the cluster; `verb` is part of the message."""
        if cluster != self._id and cluster != (await self.describe()).id:
            raise errors.cluster_not_found_error(cluster, verb=verb)

    async def describe(self) -> ClusterDescription:
        """Return the current state of the cluster."""
        with errors.translate_kafka_failures():
            described = await self._admin.cluster()
        self._id = described.id
        return described

    async def brokers(self, cluster: str) -> tuple[Broker, ...]:
        """Return the brokers that are up; 404 for another cluster."""
        described = await self.describe()
        if described.id != cluster:
            raise errors.cluster_not_found_error(cluster)
        return described.brokers

    async def broker(self, cluster: str, broker: int) -> Broker | None:
        """Return the broker; None if it is not up."""
        return next((candidate for candidate in await self.brokers(cluster) if candidate.id == broker), None)

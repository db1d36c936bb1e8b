"""The cluster and its brokers. There is one cluster, and every request says that it means this one."""

from karapace_like.administration import Broker, ClusterDescription
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.ports import ClusterAdmin


class Clusters:
    """The cluster that is served."""

    def __init__(self, admin: ClusterAdmin) -> None:
        self._admin = admin
        self._id: str | None = None

    async def check(self, cluster: str, *, verb: str = "cannot") -> None:
        """404 unless the cluster is the one that is served; `verb` is for the message."""
        if cluster != self._id and cluster != (await self.describe()).id:
            raise errors.cluster_not_found(cluster, verb=verb)

    async def describe(self) -> ClusterDescription:
        """The cluster as it is now."""
        with errors.kafka_failures():
            described = await self._admin.cluster()
        self._id = described.id
        return described

    async def brokers(self, cluster: str) -> tuple[Broker, ...]:
        """The brokers that are up; 404 for another cluster."""
        described = await self.describe()
        if described.id != cluster:
            raise errors.cluster_not_found(cluster)
        return described.brokers

    async def broker(self, cluster: str, broker: int) -> Broker | None:
        """The broker, if it is up."""
        return next((each for each in await self.brokers(cluster) if each.id == broker), None)

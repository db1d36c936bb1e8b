"""Access control lists."""

from collections.abc import Collection, Sequence

from karapace_like.administration import Acl, AclFilter, Operation, PatternType, Permission, ResourceType
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters
from karapace_like.proxy.v3.ports import ClusterAdmin

_NOTHING = frozenset({"UNKNOWN"})
"""What cannot be looked for: brokers break off the connection."""
_UNDEFINED = _NOTHING | {"ANY", "MATCH"}
"""What an ACL that is made must not leave open."""


class Acls:
    """The cluster's ACLs. Every call raises ProxyError: 404 for another cluster, 40002 where there is no authorizer."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def search(self, cluster: str, wanted: AclFilter) -> list[Acl]:
        """The ACLs that match, in order."""
        _check(wanted, _NOTHING)
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            return await self._admin.acls.search(wanted)

    async def create(self, cluster: str, acls: Sequence[Acl]) -> None:
        """Add them; one that is there already stays. None is added if one of them leaves something open."""
        for acl in acls:
            _check(acl, _UNDEFINED)
            if not acl.resource_name:
                raise errors.bad_value("resource_name is required in an ACL that is created.")
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            await self._admin.acls.create(acls)

    async def delete(self, cluster: str, wanted: AclFilter) -> list[Acl]:
        """Remove the ACLs that match; they are returned, in order."""
        _check(wanted, _NOTHING)
        await self._clusters.check(cluster)
        with errors.kafka_failures():
            return await self._admin.acls.delete(wanted)


def _check(acl: Acl | AclFilter, refused: Collection[str]) -> None:
    named: tuple[tuple[str, ResourceType | PatternType | Operation | Permission], ...] = (
        ("resource_type", acl.resource_type),
        ("pattern_type", acl.pattern_type),
        ("operation", acl.operation),
        ("permission", acl.permission),
    )
    for name, value in named:
        if value in refused:
            raise errors.malformed(f"{name} cannot be {value}")

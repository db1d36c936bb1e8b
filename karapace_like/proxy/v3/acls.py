"""Search, create and delete access control lists (ACLs)."""

from collections.abc import Collection, Sequence

from karapace_like.administration import Acl, AclFilter, Operation, PatternType, Permission, ResourceType
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.clusters import Clusters

_NOTHING = frozenset({"UNKNOWN"})
"""Values that no filter may have: brokers close the connection."""
_UNDEFINED = _NOTHING | {"ANY", "MATCH"}
"""Values that no ACL may have."""


class Acls:
    """The cluster's ACLs. Every call raises ProxyError: 404 for another cluster, 40002 where there is no authorizer."""

    def __init__(self, admin: ClusterAdmin, clusters: Clusters) -> None:
        self._admin = admin
        self._clusters = clusters

    async def search(self, cluster: str, wanted: AclFilter) -> list[Acl]:
        """Return the ACLs that match, sorted."""
        _check(wanted, _NOTHING)
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            return await self._admin.acls.search(wanted)

    async def create(self, cluster: str, acls: Sequence[Acl]) -> None:
        """Create the ACLs; those that exist stay. None is created if one of them is incomplete."""
        for acl in acls:
            _check(acl, _UNDEFINED)
            if not acl.resource_name:
                raise errors.bad_value("resource_name is required in an ACL that is created.")
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
            await self._admin.acls.create(acls)

    async def delete(self, cluster: str, wanted: AclFilter) -> list[Acl]:
        """Delete the ACLs that match, and return them, sorted."""
        _check(wanted, _NOTHING)
        await self._clusters.check(cluster)
        with errors.translate_kafka_failures():
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
            raise errors.malformed_request(f"{name} cannot be {value}")

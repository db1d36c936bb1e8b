"""Access control lists (ACLs) of a cluster that has an authorizer.

Requests use the Kafka protocol itself (keys 29 to 31): librdkafka does not know every resource type, and reports a
cluster without an authorizer as one without ACLs.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from karapace_like.administration import Acl, AclFilter, Operation, PatternType, Permission, ResourceType
from karapace_like.kafka.admin.protocol import ProtocolClient, check

E = TypeVar("E", bound=StrEnum)
Wire = tuple[int, str | None, int, str | None, str | None, int, int]
"""An ACL, or a filter, in the order of the protocol's fields; enumerations are numbers."""


class Acls:
    """Reads and changes ACLs. Every call raises KafkaFailure."""

    def __init__(self, protocol: ProtocolClient) -> None:
        self._protocol = protocol

    async def search(self, wanted: AclFilter) -> list[Acl]:
        """Return the ACLs that match, in order."""
        response = await self._protocol.ask(DescribeAclsRequest(*_encode(wanted)))
        check(response.error_code, response.error_message)
        return sorted(
            _decode((kind, name, pattern, *rest)) for kind, name, pattern, acls in response.resources for rest in acls
        )

    async def create(self, acls: Sequence[Acl]) -> None:
        """Create ACLs; existing ones stay. Raises the first failure, and the other ACLs may have been created then."""
        requests = [CreateAclsRequest(*_encode(acl)) for acl in acls]
        for response in await asyncio.gather(*map(self._protocol.ask, requests)):
            for error_code, message in response.creation_responses:
                check(error_code, message)

    async def delete(self, wanted: AclFilter) -> list[Acl]:
        """Delete the ACLs that match; return them, in order."""
        response = await self._protocol.ask(DeleteAclsRequest(*_encode(wanted)))
        deleted = []
        for error_code, message, matching in response.filter_responses:
            check(error_code, message)
            for acl_error_code, acl_message, *acl in matching:
                check(acl_error_code, acl_message)
                deleted.append(_decode(tuple(acl)))
        return sorted(deleted)


def _encode(acl: Acl | AclFilter) -> Wire:
    return (
        _get_number(acl.resource_type),
        acl.resource_name,
        _get_number(acl.pattern_type),
        acl.principal,
        acl.host,
        _get_number(acl.operation),
        _get_number(acl.permission),
    )


def _decode(wire: tuple[int, str, int, str, str, int, int]) -> Acl:
    kind, name, pattern, principal, host, operation, permission = wire
    return Acl(
        _get_member(ResourceType, kind),
        name,
        _get_member(PatternType, pattern),
        principal,
        host,
        _get_member(Operation, operation),
        _get_member(Permission, permission),
    )


def _get_number(member: StrEnum) -> int:
    """Return the protocol's number of a member: the members are declared in its order, from 0."""
    return list(type(member)).index(member)


def _get_member(kind: type[E], number: int) -> E:
    members = list(kind)
    return members[number] if number < len(members) else members[0]

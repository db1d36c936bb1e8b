"""Access control lists, of a cluster that has an authorizer.

Asked in the protocol itself: librdkafka knows not all kinds of resources, and takes "there is no authorizer" for
"there are no ACLs".
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from karapace_like.administration import Acl, AclFilter, Operation, PatternType, Permission, ResourceType
from karapace_like.kafka.admin.protocol import Protocol, check

E = TypeVar("E", bound=StrEnum)
Wire = tuple[int, str | None, int, str | None, str | None, int, int]
"""An ACL, or what to look for, in the protocol's order; enumerations are numbers."""


class Acls:
    """Reads and changes ACLs. Every call raises KafkaFailure."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    async def search(self, wanted: AclFilter) -> list[Acl]:
        """The ACLs that match, in order."""
        answer = await self._protocol.ask(DescribeAclsRequest(*_wire(wanted)))
        check(answer.error_code, answer.error_message)
        return sorted(
            _acl((kind, name, pattern, *rest)) for kind, name, pattern, acls in answer.resources for rest in acls
        )

    async def create(self, acls: Sequence[Acl]) -> None:
        """Add them; one that is there already stays. The first failure is raised, and the others may be there then."""
        requests = [CreateAclsRequest(*_wire(each)) for each in acls]
        for answer in await asyncio.gather(*map(self._protocol.ask, requests)):
            for error_code, message in answer.creation_responses:
                check(error_code, message)

    async def delete(self, wanted: AclFilter) -> list[Acl]:
        """Remove the ACLs that match; they are returned, in order."""
        answer = await self._protocol.ask(DeleteAclsRequest(*_wire(wanted)))
        deleted = []
        for error_code, message, matching in answer.filter_responses:
            check(error_code, message)
            for failed, why, *acl in matching:
                check(failed, why)
                deleted.append(_acl(tuple(acl)))
        return sorted(deleted)


def _wire(acl: Acl | AclFilter) -> Wire:
    return (
        _number(acl.resource_type),
        acl.resource_name,
        _number(acl.pattern_type),
        acl.principal,
        acl.host,
        _number(acl.operation),
        _number(acl.permission),
    )


def _acl(wire: tuple[int, str, int, str, str, int, int]) -> Acl:
    kind, name, pattern, principal, host, operation, permission = wire
    return Acl(
        _member(ResourceType, kind),
        name,
        _member(PatternType, pattern),
        principal,
        host,
        _member(Operation, operation),
        _member(Permission, permission),
    )


def _number(member: StrEnum) -> int:
    """The protocol numbers the members in the order in which they are declared, from 0 on."""
    return list(type(member)).index(member)


def _member(kind: type[E], number: int) -> E:
    members = list(kind)
    return members[number] if number < len(members) else members[0]

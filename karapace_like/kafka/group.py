"""Membership in a group of Kafka's group protocol: join, sync, heartbeat, describe and leave, as bytes.

Source: Kafka protocol guide, JoinGroup (key 11), SyncGroup (14), Heartbeat (12), DescribeGroups (15), LeaveGroup (13).
librdkafka supports groups of consumers only, so the requests go through aiokafka's connections. One connection to the
group's coordinator is kept; a failure closes it, and the next call looks up the coordinator again. Every call raises
KafkaFailure under the protocol's names.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate, wire
from karapace_like.kafka.settings import KafkaSettings

PROTOCOL_TYPE = "sr"
SUBPROTOCOL = "v0"

_COORDINATOR_LOST = frozenset({"NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE"})
_REQUEST_SECONDS = 3.0
"""How long a request other than a join may take: after that another broker may be the coordinator."""

_CONNECT_SECONDS = 1.5
"""How long the lookup of the coordinator through one broker may take: the next broker may be quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """The group, and how soon it notices a lost member."""

    id: str = "schema-registry"
    session_timeout_ms: int = 10_000
    """Also the rebalance timeout: how long a rebalance waits for the earlier members."""


class Generation(NamedTuple):
    """One generation of the group: a fixed set of members."""

    number: int
    member_id: str
    """The id of this member."""
    members: Mapping[str, bytes] | None
    """Member id -> metadata, for the group's leader, which has to assign; None for the other members."""


class GroupMember(NamedTuple):
    """A member as the coordinator describes it."""

    id: str
    metadata: bytes
    assignment: bytes


class Group:
    """This process's membership in one group."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: GroupSettings,
        *,
        member_id: str = "",
        on_member: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`member_id` continues the membership of a process that has ended; `on_member` is called with each new id."""
        self.settings = settings
        self._kafka = kafka
        self._connection: AIOKafkaConnection | None = None
        self._member_id = member_id
        self._on_member = on_member

    async def join(self, metadata: bytes) -> Generation:
        """Join or rejoin the group; return its generation once every member has joined."""
        timeout_ms = self.settings.session_timeout_ms

        def request() -> JoinGroupRequest:
            protocols = [(SUBPROTOCOL, metadata)]
            return JoinGroupRequest(
                self.settings.id, timeout_ms, timeout_ms, self._member_id, None, PROTOCOL_TYPE, protocols
            )

        limit = timeout_ms / 1000 + _REQUEST_SECONDS
        response = await self._send(request(), limit)
        if response.error_code == errors.MemberIdRequired.errno:
            self._set_member_id(response.member_id)
            response = await self._send(request(), limit)
        self._check(response.error_code)
        self._set_member_id(response.member_id)
        members = (
            {member[0]: member[-1] for member in response.members} if response.leader_id == response.member_id else None
        )
        return Generation(response.generation_id, response.member_id, members)

    async def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> bytes:
        """Return this member's assignment; the group's leader passes those of all members, the others pass none."""
        pairs = list(assignments.items())
        request = SyncGroupRequest(self.settings.id, generation.number, generation.member_id, None, pairs)
        response = await self._send(request, self.settings.session_timeout_ms / 1000)
        self._check(response.error_code)
        return bytes(response.member_assignment)

    async def heartbeat(self, generation: Generation) -> None:
        """Keep the membership; raises REBALANCE_IN_PROGRESS where the members have to join again."""
        request = HeartbeatRequest(self.settings.id, generation.number, generation.member_id)
        self._check((await self._send(request)).error_code)

    async def fetch_members(self) -> list[bytes]:
        """Return the metadata of every member; it is empty bytes while a rebalance is under way."""
        return [member.metadata for member in await self.describe_members()]

    async def describe_members(self) -> list[GroupMember]:
        """Return every member; metadata and assignment are empty bytes while a rebalance is under way."""
        response = await self._send(DescribeGroupsRequest([self.settings.id]))
        (error_code, *_, members) = response.groups[0][:6]
        self._check(error_code)
        return [GroupMember(id_, bytes(metadata), bytes(assigned)) for id_, _, _, metadata, assigned in members]

    async def leave(self) -> None:
        """Leave the group, if the coordinator can be reached, and close the connection."""
        if self._member_id and self._connection is not None:
            with contextlib.suppress(KafkaFailure):
                await self._send(LeaveGroupRequest(self.settings.id, self._member_id))
        self._set_member_id("")
        self._close()

    def _set_member_id(self, member_id: str) -> None:
        if member_id != self._member_id:
            self._member_id = member_id
            self._on_member(member_id)

    async def _send(self, request: Any, limit: float = _REQUEST_SECONDS) -> Any:
        try:
            with translate.aiokafka_failures():
                self._connection = connection = self._connection or await self._connect_to_coordinator()
                async with asyncio.timeout(limit):
                    return await connection.send(request)
        except BaseException:
            # Also when cancelled: a late response must not be taken for that of the next request.
            self._close()
            raise

    async def _connect_to_coordinator(self) -> AIOKafkaConnection:
        """Return a new connection to the group's coordinator, which any broker knows."""
        return await wire.try_brokers(self._kafka, self._connect_to_coordinator_by)

    async def _connect_to_coordinator_by(self, address: str) -> AIOKafkaConnection:
        async with asyncio.timeout(_CONNECT_SECONDS):
            broker = await self._connect(address)
            try:
                location = await broker.send(wire.request_group_coordinator(self.settings.id))
            finally:
                broker.close()
            self._check(location.error_code)
            return await self._connect(f"{location.host}:{location.port}")

    async def _connect(self, address: str) -> AIOKafkaConnection:
        limit_ms = self.settings.session_timeout_ms + int(_REQUEST_SECONDS * 1000)
        return await wire.connect(self._kafka, address, timeout_ms=limit_ms)

    def _check(self, error_code: int) -> None:
        if error_code == 0:
            return
        failure = translate.error_code(error_code)
        if failure.name == "UNKNOWN_MEMBER_ID":
            self._set_member_id("")
        if failure.name in _COORDINATOR_LOST:
            self._close()
        raise failure

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

"""Membership in a group of Kafka's group protocol: join, sync, heartbeat, describe and leave, as bytes.

librdkafka knows no groups but consumers', so this speaks through aiokafka's connection and request classes; nothing
else does. One connection to the group's coordinator is kept; what fails closes it, and the next call looks for the
coordinator anew. Failures are raised as KafkaFailure under the protocol's names.
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
"""How long a coordinator may take to answer anything but a join: one that takes longer may be another broker now."""

_CONNECT_SECONDS = 1.5
"""How long finding and connecting to the coordinator may take through one broker: the next one may be quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """Which group, and how soon it notices that a member is gone."""

    id: str = "schema-registry"
    session_timeout_ms: int = 10_000
    """Also how long a rebalance waits for the members that were there."""


class Generation(NamedTuple):
    """A group whose members are settled."""

    number: int
    member_id: str
    """This member."""
    members: Mapping[str, bytes] | None
    """Member id -> metadata, for the member that leads the group and has to assign; None for the others."""


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
        """`member_id` is of a process that has ended, and goes on here; `on_member` is told of each new one."""
        self.settings = settings
        self._kafka = kafka
        self._connection: AIOKafkaConnection | None = None
        self._member_id = member_id
        self._on_member = on_member

    async def join(self, metadata: bytes) -> Generation:
        """Join, or join again, and wait until every member has done so."""
        timeout_ms = self.settings.session_timeout_ms

        def request() -> JoinGroupRequest:
            protocols = [(SUBPROTOCOL, metadata)]
            return JoinGroupRequest(
                self.settings.id, timeout_ms, timeout_ms, self._member_id, None, PROTOCOL_TYPE, protocols
            )

        limit = timeout_ms / 1000 + _REQUEST_SECONDS
        answer = await self._asked(request(), limit)
        if answer.error_code == errors.MemberIdRequired.errno:
            self._be(answer.member_id)
            answer = await self._asked(request(), limit)
        self._check(answer.error_code)
        self._be(answer.member_id)
        members = {each[0]: each[-1] for each in answer.members} if answer.leader_id == answer.member_id else None
        return Generation(answer.generation_id, answer.member_id, members)

    async def sync(self, generation: Generation, assignments: Mapping[str, bytes]) -> bytes:
        """What the group's leader has assigned to this member; the leader itself gives the assignments of all."""
        pairs = list(assignments.items())
        request = SyncGroupRequest(self.settings.id, generation.number, generation.member_id, None, pairs)
        answer = await self._asked(request, self.settings.session_timeout_ms / 1000)
        self._check(answer.error_code)
        return bytes(answer.member_assignment)

    async def heartbeat(self, generation: Generation) -> None:
        """Stay in; raises REBALANCE_IN_PROGRESS where the members are to join again."""
        request = HeartbeatRequest(self.settings.id, generation.number, generation.member_id)
        self._check((await self._asked(request)).error_code)

    async def members(self) -> list[bytes]:
        """The metadata of every member."""
        answer = await self._asked(DescribeGroupsRequest([self.settings.id]))
        (error_code, *_, members) = answer.groups[0][:6]
        self._check(error_code)
        return [bytes(metadata) for _, _, _, metadata, _ in members]

    async def leave(self) -> None:
        """Tell the coordinator, as far as it can be reached, and close the connection."""
        if self._member_id and self._connection is not None:
            with contextlib.suppress(KafkaFailure):
                await self._asked(LeaveGroupRequest(self.settings.id, self._member_id))
        self._be("")
        self._close()

    def _be(self, member_id: str) -> None:
        if member_id != self._member_id:
            self._member_id = member_id
            self._on_member(member_id)

    async def _asked(self, request: Any, limit: float = _REQUEST_SECONDS) -> Any:
        try:
            with translate.group_failures():
                self._connection = connection = self._connection or await self._coordinator()
                async with asyncio.timeout(limit):
                    return await connection.send(request)
        except BaseException:
            # Also when cancelled: an answer that comes later must not be taken for the next request's.
            self._close()
            raise

    async def _coordinator(self) -> AIOKafkaConnection:
        """A connection to the group's coordinator, whom any broker knows."""
        return await wire.by_any_broker(self._kafka, self._coordinator_by)

    async def _coordinator_by(self, address: str) -> AIOKafkaConnection:
        async with asyncio.timeout(_CONNECT_SECONDS):
            broker = await self._connect(address)
            try:
                found = await broker.send(wire.who_coordinates(self.settings.id))
            finally:
                broker.close()
            self._check(found.error_code)
            return await self._connect(f"{found.host}:{found.port}")

    async def _connect(self, address: str) -> AIOKafkaConnection:
        limit_ms = self.settings.session_timeout_ms + int(_REQUEST_SECONDS * 1000)
        return await wire.connect(self._kafka, address, timeout_ms=limit_ms)

    def _check(self, error_code: int) -> None:
        if error_code == 0:
            return
        failure = translate.protocol_failure(error_code)
        if failure.name == "UNKNOWN_MEMBER_ID":
            self._be("")
        if failure.name in _COORDINATOR_LOST:
            self._close()
        raise failure

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

"""Requests to the coordinators of groups (FindCoordinator, Kafka protocol guide, key 10).

A listing sends one or two for each group, so connections are shared, and kept until they are idle for a minute.
"""

import asyncio
import logging
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.group import LeaveGroupRequest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate, wire
from karapace_like.kafka.admin.protocol import ProtocolClient, check
from karapace_like.kafka.settings import KafkaSettings

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 5.0
"""How long a response may take: after that another broker may be the coordinator."""
_AT_ONCE = 100
"""How many requests may be in flight: of more, the last would time out."""
_IDLE_MS = 60_000


class CoordinatorResponse(NamedTuple):
    """The response of a group's coordinator."""

    coordinator: int
    """The broker's id."""
    response: Any


class Coordinators:
    """Sends requests to coordinators; `close` it at the end."""

    def __init__(self, protocol: ProtocolClient) -> None:
        self._protocol = protocol
        self._connections: dict[str, asyncio.Task[AIOKafkaConnection]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, group: str, request: Any) -> CoordinatorResponse:
        """Send a request to the group's coordinator; return the response.

        Raises KafkaFailure, COORDINATOR_NOT_AVAILABLE where the coordinator cannot be reached or disconnects.
        """
        try:
            location = await self._ask_any(wire.request_group_coordinator(group))
            check(location.error_code, location.error_message)
            address = f"{location.host}:{location.port}"
            return CoordinatorResponse(location.coordinator_id, await self._ask(address, request))
        except KafkaFailure as failure:
            if failure.name != "_TRANSPORT":
                raise
            raise KafkaFailure("COORDINATOR_NOT_AVAILABLE", failure.message, retriable=True) from failure

    def close(self) -> None:
        """Close the connections."""
        for connecting in self._connections.values():
            if _is_open(connecting):
                connecting.result().close()
            connecting.cancel()
        self._connections.clear()

    async def _ask_any(self, request: Any) -> Any:
        """Return the response of a bootstrap server, preferably of one with an open connection."""
        addresses = sorted(self._protocol.addresses(), key=lambda address: not _is_open(self._connections.get(address)))
        for address in addresses[:-1]:
            try:
                return await self._ask(address, request)
            except KafkaFailure as failure:
                if failure.name != "_TRANSPORT":
                    raise
        return await self._ask(addresses[-1], request)

    async def _ask(self, address: str, request: Any) -> Any:
        with translate.aiokafka_failures():
            connection = await self._connect(address)
            async with self._turn:
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        return await connection.send(request)
                except TimeoutError:
                    connection.close()
                    raise

    async def _connect(self, address: str) -> AIOKafkaConnection:
        connecting = self._connections.get(address)
        if connecting is None or (connecting.done() and not _is_open(connecting)):
            connecting = asyncio.create_task(self._protocol.connect_to(address, max_idle_ms=_IDLE_MS))
            self._connections[address] = connecting
        # Other requests wait for it too, so the cancellation of one must not cancel it.
        return await asyncio.shield(connecting)


async def remove_member(kafka: KafkaSettings, group: str, member_id: str) -> None:
    """Have a member leave the group that cannot do so itself (LeaveGroup, key 13).

    A failure is logged only: the member's session ends anyway.
    """
    coordinators = Coordinators(ProtocolClient(kafka, timeout=_ANSWER_SECONDS))
    try:
        await coordinators.ask(group, LeaveGroupRequest(group, member_id))
    except KafkaFailure as failure:
        logger.info("The member %s of group %s stays until its session ends: %s", member_id, group, failure.message)
    finally:
        coordinators.close()


def _is_open(connecting: asyncio.Task[AIOKafkaConnection] | None) -> bool:
    if connecting is None or not connecting.done() or connecting.cancelled() or connecting.exception():
        return False
    return bool(connecting.result().connected())

"""The brokers that coordinate groups: who does it for a group, and what that one answers.

Questions are many, one or two for each group of a listing, so connections are kept and shared until nobody has asked
for a minute.
"""

import asyncio
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate, wire
from karapace_like.kafka.admin.protocol import Protocol, check

_ANSWER_SECONDS = 5.0
"""How long a broker may take: one that takes longer may be gone, and another one the coordinator by now."""
_AT_ONCE = 100
"""How many questions may wait for answers: of more of them, the last would not be answered in time."""
_IDLE_MS = 60_000


class Coordinated(NamedTuple):
    """What a group's coordinator has answered."""

    coordinator: int
    """The broker's id."""
    answer: Any


class Coordinators:
    """Asks them; `close` it at the end."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._connections: dict[str, asyncio.Task[AIOKafkaConnection]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, group: str, request: Any) -> Coordinated:
        """What the group's coordinator answers.

        Raises KafkaFailure: COORDINATOR_NOT_AVAILABLE where it is not reached, or goes away before its answer was here.
        """
        try:
            found = await self._ask_any(wire.who_coordinates(group))
            check(found.error_code, found.error_message)
            return Coordinated(found.coordinator_id, await self._ask(f"{found.host}:{found.port}", request))
        except KafkaFailure as failure:
            if failure.name != "_TRANSPORT":
                raise
            raise KafkaFailure("COORDINATOR_NOT_AVAILABLE", failure.message, retriable=True) from failure

    def close(self) -> None:
        """Let go of the brokers."""
        for connecting in self._connections.values():
            if _is_open(connecting):
                connecting.result().close()
            connecting.cancel()
        self._connections.clear()

    async def _ask_any(self, request: Any) -> Any:
        """What a bootstrap server answers, one with a connection if there is any."""
        addresses = sorted(self._protocol.addresses(), key=lambda each: not _is_open(self._connections.get(each)))
        for address in addresses[:-1]:
            try:
                return await self._ask(address, request)
            except KafkaFailure as failure:
                if failure.name != "_TRANSPORT":
                    raise
        return await self._ask(addresses[-1], request)

    async def _ask(self, address: str, request: Any) -> Any:
        with translate.group_failures():
            connection = await self._connection(address)
            async with self._turn:
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        return await connection.send(request)
                except TimeoutError:
                    connection.close()
                    raise

    async def _connection(self, address: str) -> AIOKafkaConnection:
        connecting = self._connections.get(address)
        if connecting is None or (connecting.done() and not _is_open(connecting)):
            connecting = asyncio.create_task(self._protocol.connect_to(address, max_idle_ms=_IDLE_MS))
            self._connections[address] = connecting
        # Others wait for it too, so who leaves must not cancel it.
        return await asyncio.shield(connecting)


def _is_open(connecting: asyncio.Task[AIOKafkaConnection] | None) -> bool:
    if connecting is None or not connecting.done() or connecting.cancelled() or connecting.exception():
        return False
    return bool(connecting.result().connected())

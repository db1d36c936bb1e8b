"""Produce requests that are carried out after their response, and what became of them, for a while.

They are in the memory of the process that has taken them, and of no other one: once it has ended, their outcome is
unknown.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Self, TypeVar

from karapace_like.background import BackgroundTasks
from karapace_like.ownership import Owner
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError

R = TypeVar("R")
"""The response."""

_ID = re.compile(r"([0-9a-f]{8})\.([0-9]{1,4})-([0-9a-f]{24})", re.ASCII)
_TOKEN_BYTES = 12
_ENTRY_BYTES = 2_000
"""What a request takes beside its body or response."""
SECONDS = 300.0
"""How long a response can be asked for."""


class DeliveryId(NamedTuple):
    """The process that has taken the request, and the request."""

    owner: Owner
    token: str

    def __str__(self) -> str:
        """Return the text in the path."""
        return f"{self.owner.node}.{self.owner.worker}-{self.token}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id; raises ProxyError 404 for another text."""
        match = _ID.fullmatch(text)
        if match is None:
            raise not_found_error(text)
        return cls(Owner(match[1], int(match[2])), match[3])


@dataclass(slots=True)
class _Entry(Generic[R]):
    caller: str
    size: int
    is_asked_for: bool
    response: R | None = None
    """None while the request is under way."""


class Deliveries(Generic[R]):
    """The requests of this process. Used on the event loop."""

    def __init__(self, owner: Owner, background: BackgroundTasks, max_bytes: int, seconds: float = SECONDS) -> None:
        """`max_bytes` of requests under way and of responses; `seconds`: how long responses are kept."""
        self.owner = owner
        self.max_bytes = max_bytes
        self.bytes = 0
        self._background = background
        self._seconds = seconds
        self._entries: dict[str, _Entry[R]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def check_room(self, size: int) -> None:
        """Raise ProxyError 42901 where a request with so many bytes cannot be taken."""
        if self.bytes + size + _ENTRY_BYTES > self.max_bytes:
            raise errors.too_many("requests that are carried out after their response")

    def start(self, work: Awaitable[tuple[R, int]], caller: str, size: int, *, is_asked_for: bool) -> DeliveryId:
        """Carry out the work, which returns the response and its bytes, and never raises; return its id.

        Only the caller can ask for it, if anybody is to.
        """
        token = secrets.token_hex(_TOKEN_BYTES)
        entry: _Entry[R] = _Entry(caller, size + _ENTRY_BYTES, is_asked_for)
        self._entries[token] = entry
        self.bytes += entry.size
        self._background.run_once("produce request after its response", self._carry_out(token, entry, work))
        return DeliveryId(self.owner, token)

    def find(self, delivery: DeliveryId, caller: str) -> R | None:
        """Return the response, None while the request is under way; raises ProxyError 404 where there is none."""
        entry = self._entries.get(delivery.token)
        if entry is None or entry.caller != caller:
            raise not_found_error(str(delivery))
        return entry.response

    async def _carry_out(self, token: str, entry: _Entry[R], work: Awaitable[tuple[R, int]]) -> None:
        try:
            entry.response, size = await work
        finally:
            if entry.response is None or not entry.is_asked_for:
                self._remove(token)
        if entry.is_asked_for:
            self.bytes += size + _ENTRY_BYTES - entry.size
            entry.size = size + _ENTRY_BYTES
            asyncio.get_running_loop().call_later(self._seconds, self._remove, token)

    def _remove(self, token: str) -> None:
        entry = self._entries.pop(token, None)
        if entry is not None:
            self.bytes -= entry.size


def not_found_error(delivery: str) -> ProxyError:
    """Return the 404 for a delivery that this caller cannot ask for."""
    return ProxyError(
        40408,
        f"There is no delivery {errors.quote(delivery)}: its response was kept for {SECONDS:g} s, or it is of another "
        "caller.",
    )


def owner_gone_error() -> ProxyError:
    """Return the 410 for a request whose process has ended: no failure of this one, and asking again does not help."""
    return ProxyError(
        41001,
        "It is unknown whether the records were written: the process that has taken the request has ended.",
    )

"""The bytes of the election: each member's identity, and the assignment that names the primary.

They follow Confluent Schema Registry's group protocol `sr`, subprotocol `v0`: UTF-8 JSON. Karapace uses it too, but
re-encodes the elected member's identity when it leads the group: so a node recognises its election by its member id
alone. Pure: the group's requests are in `group.py`, the rounds in `election.py`.
"""

import ipaddress
import logging
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.leadership import Strategy

logger = logging.getLogger(__name__)

SOFTWARE = "karapace-like"
"""Marks the members that run this product, and so know fencing."""
EPOCH_FENCE = "epoch"
"""Marks the members whose first record fences by its epoch, however they write afterwards."""

_VERSION = 1
_NAME = re.compile(r"(?=.{1,253}\Z)[\w-]{1,63}(\.[\w-]{1,63})*\.?")
"""A host name or an IPv4 address, and nothing that would change the meaning of a URL."""
_MAX_PORT = 65_535


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One member, in the order of the wire's fields."""

    host: str
    port: int
    master_eligibility: bool = False
    scheme: str = "http"
    version: int = _VERSION
    leader: bool = False
    """Whether it is the primary now, which a sticky election keeps."""
    software: str | None = None
    node: str | None = None
    """The token that names this node in the ids of its consumer instances; None: it has none."""
    fence: str | None = None
    """`EPOCH_FENCE`, or None for other products and earlier releases."""

    @property
    def url(self) -> str:
        """The URL at which other nodes reach it."""
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return f"{self.scheme}://{host}:{self.port}"


class _Assignment(msgspec.Struct, omit_defaults=True):
    error: int = 0
    master: str | None = None
    master_identity: msgspec.Raw = msgspec.Raw(b"null")
    version: int | None = None


class ElectedPrimary(NamedTuple):
    """The primary that an assignment names."""

    member_id: str | None = None
    """None: no member is eligible, or none is known."""
    url: str | None = None


def encode_identity(identity: Identity) -> bytes:
    """Return the metadata with which a member joins."""
    return msgspec.json.encode(identity)


def decode_identity(metadata: bytes) -> Identity | None:
    """Return the member that joined with this metadata; None for other bytes, or without a valid address."""
    try:
        identity = msgspec.json.decode(metadata, type=Identity)
    except NOT_JSON:
        return None
    is_address = _is_host(identity.host) and 0 < identity.port <= _MAX_PORT and identity.scheme in {"http", "https"}
    return identity if is_address else None


def _is_host(host: str) -> bool:
    if _NAME.fullmatch(host):
        return True
    is_bracketed = host.startswith("[") and host.endswith("]")
    try:
        ipaddress.IPv6Address(host[1:-1] if is_bracketed else host)
    except ValueError:
        return False
    return True


def encode_assignment(members: Mapping[str, bytes], strategy: Strategy, *, sticky: bool) -> bytes:
    """Elect the primary; return the assignment for every member, with the primary's metadata verbatim."""
    identities = {
        member_id: identity
        for member_id, metadata in members.items()
        if (identity := decode_identity(metadata)) is not None
    }
    eligible = {member_id: identity for member_id, identity in identities.items() if identity.master_eligibility}
    _warn_of_equal_urls(identities)
    if sticky:
        eligible = {member_id: identity for member_id, identity in eligible.items() if identity.leader} or eligible
    if not eligible:
        return b'{"error":0,"version":1}'
    select = min if strategy is Strategy.LOWEST else max
    primary = select(eligible, key=lambda member_id: (eligible[member_id].url, member_id))
    return b'{"error":0,"master":%b,"master_identity":%b,"version":1}' % (
        msgspec.json.encode(primary),
        members[primary],
    )


def decode_assignment(raw: bytes) -> ElectedPrimary:
    """Return the primary of an assignment; none where it is not eligible (Karapace names one if no member is)."""
    try:
        assignment = msgspec.json.decode(raw, type=_Assignment)
    except NOT_JSON:
        logger.warning(
            "The leader of the election's group has sent an assignment that is no JSON of protocol sr/v0: %r", raw
        )
        return ElectedPrimary()
    if assignment.error != 0:
        logger.error(
            "The leader of the election's group has elected no primary (error %d): give each node an "
            "advertised_hostname of its own",
            assignment.error,
        )
        return ElectedPrimary()
    identity = decode_identity(bytes(assignment.master_identity))
    if assignment.master is None or identity is None or not identity.master_eligibility:
        return ElectedPrimary()
    return ElectedPrimary(assignment.master, identity.url)


def _warn_of_equal_urls(identities: Mapping[str, Identity]) -> None:
    urls = [identity.url for identity in identities.values()]
    for url in sorted({url for url in urls if urls.count(url) > 1}):
        logger.error("%d members advertise %s: give each node an advertised_hostname of its own", urls.count(url), url)

"""What the members of the election tell each other: identities, and the assignment that names the primary.

The bytes are those of the reference registry's group protocol `sr`, subprotocol `v0`: UTF-8 JSON without a frame.
Karapace speaks it too, but rebuilds the chosen member's identity when it leads the group: so a node finds out whether
it was chosen by its member id alone. Pure: the group's requests are in `group.py`, the rounds in `election.py`.
"""

import logging
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.leadership import Strategy

logger = logging.getLogger(__name__)

SOFTWARE = "karapace-like"
"""How members of this product, which know of fencing, tell each other from other products'."""

_VERSION = 1
_HOST = re.compile(r"[\w.:%\[\]-]+")
"""A name or an address: nothing that would lead a request elsewhere."""
_MAX_PORT = 65_535


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One member. Field order is the wire's."""

    host: str
    port: int
    master_eligibility: bool = False
    scheme: str = "http"
    version: int = _VERSION
    leader: bool = False
    """Whether it is the primary at the moment: sticky elections keep it."""
    software: str | None = None
    node: str | None = None
    """The token that names this node in what it owns; None: it owns nothing that others would ask it for."""

    @property
    def url(self) -> str:
        """Where the other nodes reach it."""
        return f"{self.scheme}://{self.host}:{self.port}"


class _Assignment(msgspec.Struct, omit_defaults=True):
    error: int = 0
    master: str | None = None
    master_identity: msgspec.Raw = msgspec.Raw(b"null")
    version: int | None = None


class Choice(NamedTuple):
    """What an assignment says."""

    member_id: str | None = None
    """None: no member is eligible, or none is known."""
    url: str | None = None


def encode(identity: Identity) -> bytes:
    """The metadata with which a member joins."""
    return msgspec.json.encode(identity)


def decode(metadata: bytes) -> Identity | None:
    """The member that joined with these bytes; None if they cannot be understood, or name no address of a node."""
    try:
        found = msgspec.json.decode(metadata, type=Identity)
    except NOT_JSON:
        return None
    is_address = _HOST.fullmatch(found.host) and 0 < found.port <= _MAX_PORT and found.scheme in {"http", "https"}
    return found if is_address else None


def assignment(members: Mapping[str, bytes], strategy: Strategy, *, sticky: bool) -> bytes:
    """What the group's leader tells every member: whose turn it is, with that member's own bytes, verbatim."""
    identities = {member_id: found for member_id, each in members.items() if (found := decode(each)) is not None}
    eligible = {member_id: each for member_id, each in identities.items() if each.master_eligibility}
    _warn_of_equal_urls(identities)
    if sticky:
        eligible = {member_id: each for member_id, each in eligible.items() if each.leader} or eligible
    if not eligible:
        return b'{"error":0,"version":1}'
    choose = min if strategy is Strategy.LOWEST else max
    chosen = choose(eligible, key=lambda member_id: (eligible[member_id].url, member_id))
    return b'{"error":0,"master":%b,"master_identity":%b,"version":1}' % (
        msgspec.json.encode(chosen),
        members[chosen],
    )


def choice(raw: bytes) -> Choice:
    """Read an assignment; a primary that is not eligible is none (Karapace names one where nobody is)."""
    try:
        found = msgspec.json.decode(raw, type=_Assignment)
    except NOT_JSON:
        logger.warning("The group's leader sent an assignment that cannot be read: %r", raw)
        return Choice()
    if found.error != 0:
        logger.error("The group's leader refuses to name a primary: two members may have the same advertised URL")
        return Choice()
    identity = decode(bytes(found.master_identity))
    if found.master is None or identity is None or not identity.master_eligibility:
        return Choice()
    return Choice(found.master, identity.url)


def _warn_of_equal_urls(identities: Mapping[str, Identity]) -> None:
    urls = [each.url for each in identities.values()]
    for url in sorted({each for each in urls if urls.count(each) > 1}):
        logger.error("%d members advertise %s: give each node an advertised_hostname of its own", urls.count(url), url)

"""What an imitated primary of another product says and writes, by what is known of Karapace and Confluent."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.web import dialects
from tests.web.dialects import Product

Identity = dict[str, Any]
"""How a member of the group describes itself."""


def _encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


class ForeignProduct(ABC):
    """One product's election, refusals, answers and records."""

    storage: ClassVar[Product]
    """How it stores versions."""
    refusal: ClassVar[Mapping[str, Any]]
    """The body of its 500 while it is not the primary."""
    noop_key: ClassVar[bytes | None] = None
    """The key of the record that it writes when it is elected."""

    @abstractmethod
    def describe(self, host: str, port: int) -> Identity:
        """Return the identity of an eligible member."""

    @abstractmethod
    def assign(self, master: str, chosen: Identity) -> bytes:
        """Return, as the group's leader, what every member is told."""

    @abstractmethod
    def is_elected(self, assigned: Mapping[str, Any], member_id: str, own: Identity) -> bool:
        """Return whether a member reads from the assignment that it is the primary."""

    @abstractmethod
    def answer_registration(self, subject: str, version: int, schema_id: int, text: str) -> Mapping[str, Any]:
        """Return the answer to a registration."""

    @abstractmethod
    def encode_level(self, subject: str, level: str) -> bytes:
        """Return the value of a config's record."""


class Karapace(ForeignProduct):
    """Sorts keys, names the primary by its member, and rebuilds its identity in the own form."""

    storage = dialects.KARAPACE
    refusal: ClassVar = {"error_code": 50003, "message": "Error while forwarding the request to the master."}

    def describe(self, host: str, port: int) -> Identity:
        identity = {"version": 2, "karapace_version": "5.0.3", "host": host, "port": port, "scheme": "http"}
        return {**identity, "master_eligibility": True}

    def assign(self, master: str, chosen: Identity) -> bytes:
        kept = {key: chosen[key] for key in ("host", "port", "scheme", "master_eligibility")}
        return _encode({"master": master, "master_identity": {"version": 2, **kept}, "error": 0})

    def is_elected(self, assigned: Mapping[str, Any], member_id: str, own: Identity) -> bool:  # noqa: ARG002 - one signature
        return bool(assigned["master"] == member_id)

    def answer_registration(self, subject: str, version: int, schema_id: int, text: str) -> Mapping[str, Any]:  # noqa: ARG002 - as above
        return {"id": schema_id}

    def encode_level(self, subject: str, level: str) -> bytes:  # noqa: ARG002 - as above
        return _encode({"compatibilityLevel": level})


class Confluent(ForeignProduct):
    """Stores canonical texts, compares identities, and begins its term with a NOOP."""

    storage = dialects.CONFLUENT
    refusal: ClassVar = {"error_code": 50004, "message": "Leader not known."}
    noop_key = b'{"keytype":"NOOP","magic":0}'
    _FIELDS = ("host", "port", "master_eligibility", "scheme", "version")

    def describe(self, host: str, port: int) -> Identity:
        identity = {"host": host, "port": port, "master_eligibility": True, "scheme": "http"}
        return {**identity, "version": 1, "leader": False}

    def assign(self, master: str, chosen: Identity) -> bytes:
        identity = {**{key: chosen[key] for key in self._FIELDS}, "leader": chosen.get("leader", False)}
        return _encode({"error": 0, "master": master, "master_identity": identity, "version": 1})

    def is_elected(self, assigned: Mapping[str, Any], member_id: str, own: Identity) -> bool:  # noqa: ARG002 - one signature
        identity = assigned.get("master_identity")
        return identity is not None and all(identity[key] == own[key] for key in self._FIELDS)

    def answer_registration(self, subject: str, version: int, schema_id: int, text: str) -> Mapping[str, Any]:
        return {"subject": subject, "version": version, "id": schema_id, "schemaType": "AVRO", "schema": text}

    def encode_level(self, subject: str, level: str) -> bytes:
        return _encode({"subject": subject, "compatibilityLevel": level})


KARAPACE, CONFLUENT = Karapace(), Confluent()
FOREIGN_PRODUCTS: tuple[ForeignProduct, ...] = (KARAPACE, CONFLUENT)

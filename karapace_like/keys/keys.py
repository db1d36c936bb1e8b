"""The keys of the registry: key encryption keys (KEKs) and data encryption keys (DEKs).

A KEK names a key that a key management service (KMS) holds. A DEK encrypts the fields of records; the registry holds it
wrapped, which means encrypted by its KEK. Source: Confluent, "Client-side field level encryption".
"""

import enum
import re
from collections.abc import Iterator, Mapping

import msgspec

_SECRET = re.compile(r"secret|passw|token|credential|private\.key$|keystore\.key$|api\.?key", re.IGNORECASE)
"""Matches the names of properties whose values are secrets."""


class DekAlgorithm(enum.StrEnum):
    """The cipher that a DEK is for."""

    AES128_GCM = "AES128_GCM"
    AES256_GCM = "AES256_GCM"
    AES256_SIV = "AES256_SIV"
    """Deterministic: equal values have equal ciphertexts."""


DEFAULT_ALGORITHM = DekAlgorithm.AES256_GCM
LATEST_VERSION = -1


class KmsProperties(Mapping[str, str]):
    """The properties by which a KMS is reached, in the order of their names; its text shows no value."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(sorted((values or {}).items()))

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KmsProperties) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __repr__(self) -> str:
        return f"<KMS properties {', '.join(self._values)}>"

    @property
    def secret_names(self) -> frozenset[str]:
        """The names of the properties that hold secrets."""
        return frozenset(name for name in self._values if _SECRET.search(name))


class Kek(msgspec.Struct, frozen=True, kw_only=True):
    """A key encryption key."""

    name: str
    kms_type: str
    kms_key_id: str
    kms_props: KmsProperties
    doc: str | None
    shared: bool
    """Whether the registry has access to the KMS, and wraps and unwraps DEKs itself."""
    deleted: bool
    updated: int = 0
    """The timestamp of its record: milliseconds since the epoch."""
    offset: int = 0

    def is_equivalent(self, other: "Kek") -> bool:
        """Return whether the two differ at most in their deletion and in when they were written."""
        return msgspec.structs.replace(self, deleted=other.deleted, updated=other.updated, offset=other.offset) == other


class DekId(msgspec.Struct, frozen=True, order=True):
    """The identity of a DEK."""

    kek_name: str
    subject: str
    algorithm: DekAlgorithm
    version: int


class Dek(msgspec.Struct, frozen=True, kw_only=True):
    """A data encryption key, wrapped."""

    id: DekId
    wrapped: str | None
    """The key, encrypted by the KEK, in base64."""
    deleted: bool
    updated: int = 0
    """As of a KEK."""

    def is_equivalent(self, other: "Dek") -> bool:
        """Return whether the two differ at most in their deletion and in when they were written."""
        return (self.id, self.wrapped) == (other.id, other.wrapped)

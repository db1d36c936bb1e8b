"""What a driver of a key management service does, and how it fails."""

from collections.abc import Mapping
from typing import Protocol


class KmsFailure(Exception):  # noqa: N818 - also a value, not only an exception
    """The KMS has not done what it was asked. The text holds no property and no key."""

    def __init__(self, reason: str, *, is_refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_refused = is_refused
        """Whether the KMS rejects the credentials, or their permissions."""


class KmsMisuseError(KmsFailure):
    """The KEK cannot be used: a field of it is missing or invalid."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        """The field of the KEK."""


class CiphertextError(KmsFailure):
    """The ciphertext is not of this key."""


class KmsDriver(Protocol):
    """One kind of KMS. Calls may block, and are made in a thread; they raise KmsFailure."""

    def wrap(self, key_id: str, properties: Mapping[str, str], plaintext: bytes) -> bytes:
        """Return the plaintext, encrypted."""
        ...

    def unwrap(self, key_id: str, properties: Mapping[str, str], ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        ...

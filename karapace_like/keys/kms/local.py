"""A KMS for trials and tests: the key is derived from a secret in the KEK's properties, or in LOCAL_SECRET.

Source: Confluent's client libraries, `local-kms`; the format is theirs.
"""

import os
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from karapace_like.keys import envelope
from karapace_like.keys.envelope import EnvelopeError
from karapace_like.keys.kms.driver import CiphertextError, KmsMisuseError

_SECRET = "secret"  # noqa: S105 - the name of a property
_VARIABLE = "LOCAL_SECRET"
_KEY_BYTES = 16


class LocalKms:
    """Implements `KmsDriver`."""

    def wrap(self, _: str, properties: Mapping[str, str], plaintext: bytes) -> bytes:
        """Return nonce, encrypted bytes and tag."""
        return envelope.encrypt_gcm(_derive_key(properties), plaintext)

    def unwrap(self, _: str, properties: Mapping[str, str], ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        try:
            return envelope.decrypt_gcm(_derive_key(properties), ciphertext)
        except EnvelopeError as error:
            raise CiphertextError(str(error)) from error


def _derive_key(properties: Mapping[str, str]) -> bytes:
    secret = properties.get(_SECRET) or os.environ.get(_VARIABLE)
    if not secret:
        raise KmsMisuseError("kmsProps", f"local-kms needs the property {_SECRET}, or {_VARIABLE} in the environment")
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"").derive(secret.encode())

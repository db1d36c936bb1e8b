"""Envelope encryption: DEKs as clients store them, and the encryption of values with them.

A DEK in the clear is a serialised key of Tink's Protobuf types: AesGcmKey of 18 or 34 bytes, AesSivKey of 66. Values
are encrypted without associated data and without Tink's prefix. Where DEKs expire, a prefix names the DEK's version.
Source: Tink, "Wire format" and proto/aes_gcm.proto, proto/aes_siv.proto.
"""

import os
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from karapace_like.keys.keys import DekAlgorithm

_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = struct.Struct(">BI")
"""A zero byte and the version of the DEK."""


class EnvelopeError(Exception):
    """A key or ciphertext that is not what it should be. Its text shows neither."""


class _Form(NamedTuple):
    """How a key is serialised."""

    header: bytes
    """The tag of the field with the key, and its length."""
    size: int


_FORMS = {
    DekAlgorithm.AES128_GCM: _Form(b"\x1a\x10", 16),
    DekAlgorithm.AES256_GCM: _Form(b"\x1a\x20", 32),
    DekAlgorithm.AES256_SIV: _Form(b"\x12\x40", 64),
}


def generate_key(algorithm: DekAlgorithm) -> bytes:
    """Return a new serialised key."""
    form = _FORMS[algorithm]
    return form.header + os.urandom(form.size)


def parse_key(algorithm: DekAlgorithm, serialised: bytes) -> bytes:
    """Return the bytes of a serialised key; raises EnvelopeError for one of another algorithm."""
    form = _FORMS[algorithm]
    if not serialised.startswith(form.header) or len(serialised) != len(form.header) + form.size:
        raise EnvelopeError(f"the key is not one of {algorithm}: {len(form.header) + form.size} bytes are expected")
    return serialised[len(form.header) :]


def encrypt(algorithm: DekAlgorithm, serialised: bytes, plaintext: bytes) -> bytes:
    """Return the ciphertext: nonce, encrypted bytes and tag; for AES256_SIV the synthetic nonce and encrypted bytes."""
    key = parse_key(algorithm, serialised)
    if algorithm is DekAlgorithm.AES256_SIV:
        return AESSIV(key).encrypt(plaintext, [b""])
    return encrypt_gcm(key, plaintext)


def decrypt(algorithm: DekAlgorithm, serialised: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext; raises EnvelopeError for a ciphertext of another key, or one that was changed."""
    key = parse_key(algorithm, serialised)
    if algorithm is not DekAlgorithm.AES256_SIV:
        return decrypt_gcm(key, ciphertext)
    if len(ciphertext) < _TAG_BYTES:
        raise EnvelopeError("the ciphertext is too short")
    try:
        return AESSIV(key).decrypt(ciphertext, [b""])
    except InvalidTag as error:
        raise EnvelopeError("the ciphertext is not of this key") from error


def encrypt_gcm(key: bytes, plaintext: bytes) -> bytes:
    """Return nonce, encrypted bytes and tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, None)


def decrypt_gcm(key: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext; raises EnvelopeError."""
    if len(ciphertext) < _NONCE_BYTES + _TAG_BYTES:
        raise EnvelopeError("the ciphertext is too short")
    try:
        return AESGCM(key).decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], None)
    except InvalidTag as error:
        raise EnvelopeError("the ciphertext is not of this key") from error


def add_version(ciphertext: bytes, version: int) -> bytes:
    """Return the ciphertext after the version of the DEK, as clients write it where DEKs expire."""
    return _VERSION.pack(0, version) + ciphertext


def split_version(ciphertext: bytes) -> tuple[int, bytes]:
    """Return (version of the DEK, ciphertext); raises EnvelopeError."""
    if len(ciphertext) < _VERSION.size or ciphertext[0] != 0:
        raise EnvelopeError("the ciphertext does not begin with the version of its key")
    return _VERSION.unpack_from(ciphertext)[1], ciphertext[_VERSION.size :]

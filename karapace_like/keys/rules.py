"""Which KEKs and DEKs are accepted: the rules for their fields, and their limits."""

import unicodedata
from dataclasses import dataclass

from karapace_like.keys import errors
from karapace_like.keys.keys import Kek

MAX_VERSION = 2**31 - 1
_MAX_NAME = 256
_MAX_TEXT = 10_000
"""Characters of a KEK's other texts, of one property, and of a subject."""
_MAX_PROPERTIES = 100
_MAX_MATERIAL = 20_000
"""Characters of a wrapped key."""
_KEY_ID_BEGINNINGS = {
    "aws-kms": ("arn:aws:kms:",),
    "azure-kms": ("https://",),
    "gcp-kms": ("projects/",),
    "hcvault": ("http://", "https://"),
}
_CLOUDS = {"aws": "aws-kms", "azure": "azure-kms", "gcp": "gcp-kms"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """The operator's settings for keys."""

    max_keys: int = 20_000
    """Of KEKs, and of DEKs, soft-deleted ones included."""


def check_kek(kek: Kek) -> None:
    """Raise 42271 for a KEK with an invalid field, in Confluent's order."""
    if not is_kek_name(kek.name):
        raise errors.invalid_key(
            "name", f"expected 1 to {_MAX_NAME} letters, digits, '_' and '-', beginning with a letter or '_'"
        )
    for field, text in (("kmsKeyId", kek.kms_key_id), ("kmsType", kek.kms_type)):
        if not 0 < len(text) <= _MAX_TEXT:
            raise errors.invalid_key(field, f"expected 1 to {_MAX_TEXT} characters")
    beginnings = _KEY_ID_BEGINNINGS.get(kek.kms_type)
    if beginnings is not None and not kek.kms_key_id.startswith(beginnings):
        raise errors.invalid_key("kmsKeyId", f"a key of {kek.kms_type} begins with {' or '.join(beginnings)}")
    check_details(kek)


def check_details(kek: Kek) -> None:
    """Raise 42271 for a KEK whose properties or description are too large."""
    properties = kek.kms_props
    if len(properties) > _MAX_PROPERTIES or any(len(text) > _MAX_TEXT for pair in properties.items() for text in pair):
        raise errors.invalid_key(
            "kmsProps", f"expected at most {_MAX_PROPERTIES}, of at most {_MAX_TEXT} characters each"
        )
    if len(kek.doc or "") > _MAX_TEXT:
        raise errors.invalid_key("doc", f"expected at most {_MAX_TEXT} characters")


def is_kek_name(name: str) -> bool:
    """Return whether a KEK may have this name."""
    return (
        0 < len(name) <= _MAX_NAME
        and (name[0] == "_" or _is_letter(name[0]))
        and all(character in "_-" or _is_letter(character) or character.isdecimal() for character in name)
    )


def _is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L")


def normalize_kms_type(kms_type: str) -> str:
    """Return the type of a cloud's KMS in its full spelling: `aws-kms` for AWS."""
    return next((full for short, full in _CLOUDS.items() if kms_type.lower().startswith(short)), kms_type)


def check_dek(subject: str, version: int, wrapped: str | None) -> None:
    """Raise 42271 or 42202 for a DEK with an invalid field."""
    has_control = any(unicodedata.category(character) == "Cc" for character in subject)
    if not 0 < len(subject) <= _MAX_TEXT or has_control:
        raise errors.invalid_key("subject", f"expected 1 to {_MAX_TEXT} characters, without control characters")
    if not 1 <= version <= MAX_VERSION:
        raise errors.invalid_version(str(version))
    if len(wrapped or "") > _MAX_MATERIAL:
        raise errors.invalid_key("encryptedKeyMaterial", f"expected at most {_MAX_MATERIAL} characters")

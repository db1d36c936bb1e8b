"""The DEK registry's objects as JSON, in Confluent's field order."""

import base64
from typing import Any

from karapace_like.keys.keys import Dek, Kek


def kek(stored: Kek, *, with_secrets: bool) -> dict[str, Any]:
    """Kek."""
    fields = _list_kek_fields(stored, with_secrets=with_secrets)
    return {**fields, "ts": stored.updated, **({"deleted": True} if stored.deleted else {})}


def stored_kek(stored: Kek, *, with_secrets: bool) -> dict[str, Any]:
    """Return the KEK in the form of its record, as a test of it is answered."""
    fields = _list_kek_fields(stored, with_secrets=with_secrets)
    return {**fields, "deleted": stored.deleted, "type": "KEK", "offset": stored.offset, "ts": stored.updated}


def _list_kek_fields(stored: Kek, *, with_secrets: bool) -> dict[str, Any]:
    hidden = frozenset() if with_secrets else stored.kms_props.secret_names
    return {
        "name": stored.name,
        "kmsType": stored.kms_type,
        "kmsKeyId": stored.kms_key_id,
        "kmsProps": {name: text for name, text in stored.kms_props.items() if name not in hidden},
        **({} if stored.doc is None else {"doc": stored.doc}),
        "shared": stored.shared,
    }


def dek(stored: Dek, key: bytes | None) -> dict[str, Any]:
    """Dek; `key` is shown for a shared KEK only."""
    return {
        "kekName": stored.id.kek_name,
        "subject": stored.id.subject,
        "version": stored.id.version,
        "algorithm": stored.id.algorithm,
        **({} if stored.wrapped is None else {"encryptedKeyMaterial": stored.wrapped}),
        **({} if key is None else {"keyMaterial": base64.b64encode(key).decode()}),
        "ts": stored.updated,
        **({"deleted": True} if stored.deleted else {}),
    }

"""Encode and decode the associations in the schemas topic, byte for byte as Confluent's registry writes them."""

import msgspec

from karapace_like.registry.associations import Association, AssociationKey, Lifecycle, Resource

KEYTYPE = "ASSOC"
_TENANT = "default"


class _Key(msgspec.Struct, rename="camel", gc=False):
    keytype: str
    tenant: str
    resource_name: str
    resource_namespace: str
    resource_type: str
    association_type: str
    subject: str
    magic: int = 0


class _Value(msgspec.Struct, rename="camel", gc=False, omit_defaults=False):
    guid: str = ""
    tenant: str = _TENANT
    resource_name: str | None = None
    resource_namespace: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    association_type: str | None = None
    subject: str | None = None
    lifecycle: Lifecycle = Lifecycle.WEAK
    frozen: bool = False


_key_decoder = msgspec.json.Decoder(_Key)
_value_decoder = msgspec.json.Decoder(_Value)


def decode(key: bytes, value: bytes | None) -> tuple[AssociationKey, Association | None]:
    """Return the identity, and the association, None for a tombstone; raises msgspec.MsgspecError.

    The key decides what is associated.
    """
    parsed = _key_decoder.decode(key)
    identity = AssociationKey(
        parsed.resource_name, parsed.resource_namespace, parsed.resource_type, parsed.association_type, parsed.subject
    )
    if value is None:
        return identity, None
    content = _value_decoder.decode(value)
    resource = Resource(
        parsed.resource_name, parsed.resource_namespace, content.resource_id or "", parsed.resource_type
    )
    association = Association(
        guid=content.guid,
        resource=resource,
        association_type=parsed.association_type,
        subject=parsed.subject,
        lifecycle=content.lifecycle,
        frozen=content.frozen,
    )
    return identity, association


def encode_key(key: AssociationKey) -> bytes:
    """Return the key's bytes."""
    return msgspec.json.encode(_Key(KEYTYPE, _TENANT, *key))


def encode_value(association: Association) -> bytes:
    """Return the value's bytes."""
    resource = association.resource
    return msgspec.json.encode(
        _Value(
            association.guid,
            _TENANT,
            resource.name,
            resource.namespace,
            resource.id,
            resource.type,
            association.association_type,
            association.subject,
            association.lifecycle,
            association.frozen,
        )
    )

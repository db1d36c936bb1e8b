"""Associations in backups: read through the API of a registry, compared, and created again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from karapace_like.registry import names
from karapace_like.registry.associations import Association, AssociationKey, Lifecycle, Resource
from karapace_like.registry.records import AssociationRecord
from karapace_like.registry.store import Store

ALL = "/associations/resources/-/-"
"""The path of all associations."""


class _Listed(msgspec.Struct, rename="camel"):
    subject: str
    resource_name: str
    resource_namespace: str
    association_type: str
    lifecycle: Lifecycle
    resource_type: str
    guid: str = ""
    resource_id: str | None = None
    frozen: bool | None = None
    """None: as its lifecycle has it in Confluent's newest branch."""

    def make_record(self) -> AssociationRecord:
        association = Association(
            guid=self.guid,
            resource=Resource(self.resource_name, self.resource_namespace, self.resource_id, self.resource_type),
            association_type=self.association_type,
            subject=names.canonical(self.subject),
            lifecycle=self.lifecycle,
            frozen=self.lifecycle is Lifecycle.STRONG if self.frozen is None else self.frozen,
        )
        return AssociationRecord(association.key, association)


def parse(listed: Any) -> list[AssociationRecord]:
    """Return the records of what the API lists, None for a registry without it; raises msgspec.ValidationError."""
    return [association.make_record() for association in msgspec.convert(listed or [], list[_Listed])]


def list_records(store: Store) -> Iterator[AssociationRecord]:
    """Yield the records of all associations, in the order of their keys."""
    for key, association in sorted(_by_key(store).items()):
        yield AssociationRecord(key, msgspec.structs.replace(association, created=0, updated=0))


def find_differences(backup: Store, registry: Store) -> Iterator[tuple[str, str]]:
    """Yield (name, difference) of associations. Their GUIDs, which every creation draws anew, are not compared."""
    saved, present = _by_key(backup), _by_key(registry)
    for key in sorted({*saved, *present}):
        if key not in present:
            yield name_association(key), "missing in the registry"
        elif key not in saved:
            yield name_association(key), "not in the backup"
        elif _describe(saved[key]) != _describe(present[key]):
            yield (
                name_association(key),
                f"{_describe(saved[key])} in the backup, {_describe(present[key])} in the registry",
            )


class Creation(NamedTuple):
    """The call that creates an association."""

    name: str
    method: str
    path: Sequence[str]
    body: Mapping[str, Any]


def list_creations(backup: Store, present: Store, lifecycle: Lifecycle) -> Iterator[Creation]:
    """Yield the calls for the associations with this lifecycle that the registry lacks."""
    existing = _by_key(present)
    for key, association in sorted(_by_key(backup).items()):
        if key not in existing and association.lifecycle is lifecycle:
            yield make_creation(association, backup)


def make_creation(association: Association, versions: Store) -> Creation:
    """Return the call that creates the association; a strong one takes a schema of `versions`."""
    resource = association.resource
    # Only a creation freezes, and a strong association that is not frozen comes from an update.
    is_update = association.lifecycle is Lifecycle.STRONG and not association.frozen and resource.id is not None
    wanted: dict[str, Any] = {
        "subject": association.subject,
        "associationType": association.association_type,
        "lifecycle": association.lifecycle,
        **_find_schema(versions, association),
    }
    body = {
        "resourceName": resource.name,
        "resourceNamespace": resource.namespace,
        "resourceId": resource.id,
        "resourceType": resource.type,
        "associations": [wanted],
    }
    path = ("associations", "resources", resource.id or "") if is_update else ("associations",)
    return Creation(name_association(association.key), "PUT" if is_update else "POST", path, body)


def identify(store: Store) -> dict[str, Association]:
    """Return name -> association, without what each creation draws anew: GUIDs and times."""
    return {
        name_association(key): msgspec.structs.replace(association, guid="", created=0, updated=0)
        for key, association in sorted(_by_key(store).items())
    }


def _find_schema(backup: Store, association: Association) -> dict[str, Any]:
    """Return the latest schema of the subject, with which strong associations are created: it is registered already."""
    versions = backup.versions(association.subject)
    if association.lifecycle is Lifecycle.WEAK or not versions:
        return {}
    content = versions[-1].content
    references = [
        {"name": reference.name, "subject": reference.subject, "version": reference.version}
        for reference in content.references
    ]
    schema = {
        "schema": content.text,
        "schemaType": content.type,
        "references": references,
        "metadata": content.metadata,
        "ruleSet": content.rule_set,
    }
    return {"schema": {field: value for field, value in schema.items() if value is not None}}


def _by_key(store: Store) -> dict[AssociationKey, Association]:
    return {association.key: association for association in store.associations}


def name_association(key: AssociationKey) -> str:
    """Return the name of the association in messages."""
    resource = f"{key.resource_type} {key.resource_name} ({key.resource_namespace}), {key.association_type}"
    return f"association of {resource} with {key.subject}"


def _describe(association: Association) -> str:
    frozen = ", frozen" if association.frozen else ""
    return f"{association.lifecycle}{frozen}, resource id {association.resource.id}"

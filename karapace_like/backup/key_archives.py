"""Archives of the keys of a DEK registry: written, compared, and restored through its API.

DEKs are in them as they are stored, wrapped by their KEKs. No key in the clear is read or written. Secrets among the
properties of KEKs are left out unless they are asked for.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from karapace_like.backup import archive
from karapace_like.backup.differences import Difference
from karapace_like.backup.errors import ArchiveError
from karapace_like.client.registry_client import RefusedError, RegistryClient, UnreachableError, path
from karapace_like.keys import records
from karapace_like.keys.errors import KEY_EXISTS
from karapace_like.keys.keys import Dek, DekAlgorithm, DekId, Kek, KmsProperties
from karapace_like.keys.records import DekRecord, KekRecord, KeyRecord
from karapace_like.keys.store import KeyStore

FORMAT = "karapace-like keys"
BASE = ("dek-registry", "v1", "keks")
_DELETED = "true"


class _Kek(msgspec.Struct, rename="camel"):
    name: str
    kms_type: str
    kms_key_id: str
    kms_props: dict[str, str]
    doc: str | None = None
    shared: bool = False
    deleted: bool = False


class _Dek(msgspec.Struct, rename="camel"):
    version: int
    encrypted_key_material: str | None = None
    deleted: bool = False


@dataclass(slots=True)
class KeyOutcome:
    """The counts of one restoration."""

    keks: int = 0
    deks: int = 0
    refused: list[str] = field(default_factory=list)
    """One line for each rejected key."""


async def read(client: RegistryClient, *, with_secrets: bool) -> KeyStore:
    """Return all keys, soft-deleted ones too; raises UnreachableError and RefusedError."""
    store = KeyStore()
    async for record in _list_records(client, with_secrets=with_secrets):
        store.apply(record, 0, 0)
    return store


async def _list_records(client: RegistryClient, *, with_secrets: bool) -> AsyncIterator[KeyRecord]:
    for name in await _ask(client, list[str], path(*BASE)):
        listed = await _ask(client, _Kek, path(*BASE, name))
        properties = KmsProperties(listed.kms_props)
        if not with_secrets:
            shown = {key: value for key, value in properties.items() if key not in properties.secret_names}
            properties = KmsProperties(shown)
        kek = Kek(
            name=name,
            kms_type=listed.kms_type,
            kms_key_id=listed.kms_key_id,
            kms_props=properties,
            doc=listed.doc,
            shared=listed.shared,
            deleted=listed.deleted,
        )
        yield KekRecord(name, kek)
        for subject in await _ask(client, list[str], path(*BASE, name, "deks")):
            for algorithm in DekAlgorithm:
                versions = path(*BASE, name, "deks", subject, "versions")
                for number in await _ask(client, list[int], versions, algorithm=algorithm):
                    dek = await _ask(client, _Dek, f"{versions}/{number}", algorithm=algorithm)
                    dek_id = DekId(name, subject, algorithm, number)
                    yield DekRecord(dek_id, Dek(id=dek_id, wrapped=dek.encrypted_key_material, deleted=dek.deleted))


async def _ask(client: RegistryClient, wanted: Any, where: str, **query: str) -> Any:
    answer = await client.ask("GET", where, deleted=_DELETED, **query)
    try:
        return msgspec.convert(answer, wanted)
    except msgspec.ValidationError as error:
        raise UnreachableError(f"The response of {where} is not that of a DEK registry: {error}") from error


def write_archive(file: Path, store: KeyStore) -> int:
    """Write the keys and return how many there are; raises ArchiveError."""
    return archive.write_entries(file, FORMAT, (records.encode(record) for record in _list_stored_records(store)))


def read_archive(file: Path) -> KeyStore:
    """Return the keys of an archive; raises ArchiveError."""
    store = KeyStore()
    try:
        for number, key, value in archive.read_entries(file, FORMAT):
            record = records.decode(key, value)
            if record is None:
                raise ArchiveError(f"{file}, line {number}: it is no record of a key")
            store.apply(record, 0, 0)
    except OSError as error:
        raise ArchiveError(f"{file} cannot be read: {error.strerror or error}") from error
    return store


def _list_stored_records(store: KeyStore) -> Iterator[KeyRecord]:
    for kek in store.keks():
        yield KekRecord(kek.name, kek)
        for dek in sorted(store.deks_of(kek.name), key=lambda dek: dek.id):
            yield DekRecord(dek.id, dek)


def find_differences(backup: KeyStore, registry: KeyStore) -> Iterator[Difference]:
    """Yield every difference; secrets of KEKs are compared where both have them."""
    for name in sorted({kek.name for store in (backup, registry) for kek in store.keks()}):
        saved, present = backup.kek(name), registry.kek(name)
        if saved is None or present is None:
            yield Difference(f"KEK {name}", "missing in the registry" if present is None else "not in the backup")
        elif not is_same_kek(saved, present):
            yield Difference(f"KEK {name}", "another type, key, property, description, sharing or deletion")
        ids = {dek.id for store in (backup, registry) for dek in store.deks_of(name)}
        for dek_id in sorted(ids):
            saved_dek, present_dek = backup.dek(dek_id), registry.dek(dek_id)
            place = name_dek(dek_id)
            if saved_dek is None or present_dek is None:
                yield Difference(place, "missing in the registry" if present_dek is None else "not in the backup")
            elif saved_dek.wrapped != present_dek.wrapped:
                yield Difference(place, "wrapped in another way")
            elif saved_dek.deleted != present_dek.deleted:
                yield Difference(place, "soft-deleted on one side")


def is_same_kek(one: Kek, other: Kek) -> bool:
    """Return whether both have the same properties; secrets count where both have them."""
    hidden = one.kms_props.secret_names ^ other.kms_props.secret_names
    stripped = [
        msgspec.structs.replace(
            kek,
            kms_props=KmsProperties({name: text for name, text in kek.kms_props.items() if name not in hidden}),
            updated=0,
            offset=0,
        )
        for kek in (one, other)
    ]
    return stripped[0] == stripped[1]


async def restore(client: RegistryClient, backup: KeyStore) -> KeyOutcome:
    """Create the keys that the registry lacks; raises UnreachableError and RefusedError where it cannot be read."""
    outcome = KeyOutcome()
    present = await read(client, with_secrets=False)
    for kek in backup.keks():
        if present.kek(kek.name) is None:
            outcome.keks += await _create(client, path(*BASE), describe_kek(kek), f"KEK {kek.name}", outcome)
        for dek in sorted(backup.deks_of(kek.name), key=lambda dek: dek.id):
            if present.dek(dek.id) is None:
                where = path(*BASE, kek.name, "deks", dek.id.subject)
                outcome.deks += await _create(client, where, describe_dek(dek), name_dek(dek.id), outcome)
        if kek.deleted:  # only now, since nothing is created for a deleted one
            await _delete(client, kek, outcome)
    return outcome


def describe_kek(kek: Kek) -> dict[str, Any]:
    """Return the body of the request that creates the KEK."""
    return {
        "name": kek.name,
        "kmsType": kek.kms_type,
        "kmsKeyId": kek.kms_key_id,
        "kmsProps": dict(kek.kms_props),
        "doc": kek.doc,
        "shared": kek.shared,
    }


def describe_dek(dek: Dek) -> dict[str, Any]:
    """Return the body of the request that creates the DEK, wrapped already."""
    return {
        "version": dek.id.version,
        "algorithm": dek.id.algorithm,
        "encryptedKeyMaterial": dek.wrapped,
        "deleted": dek.deleted,
    }


async def _delete(client: RegistryClient, kek: Kek, outcome: KeyOutcome) -> None:
    try:
        await client.ask("DELETE", path(*BASE, kek.name))
    except RefusedError as error:
        outcome.refused.append(f"deletion of KEK {kek.name}: {error}")


async def _create(client: RegistryClient, where: str, body: Any, name: str, outcome: KeyOutcome) -> bool:
    """Create a key and return whether it was missing; a refusal goes to the outcome."""
    try:
        await client.ask("POST", where, body)
    except RefusedError as error:
        if error.code != KEY_EXISTS:
            outcome.refused.append(f"{name}: {error}")
        return False
    return True


def name_dek(dek_id: DekId) -> str:
    """Return the name of the DEK in messages."""
    return f"DEK of {dek_id.subject} for KEK {dek_id.kek_name}, {dek_id.algorithm} version {dek_id.version}"

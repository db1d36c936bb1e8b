"""Read the keys for GET calls: pure functions that raise DekRegistryError 40470 for a miss."""

from collections.abc import Sequence

from karapace_like.keys import errors
from karapace_like.keys.keys import Dek, DekAlgorithm, DekId, Kek
from karapace_like.keys.store import KeyStore


def list_keks(store: KeyStore, prefixes: Sequence[str], *, deleted: bool) -> list[str]:
    """Return the names, in order; with prefixes, of those with a DEK whose subject begins with one of them."""
    return [
        kek.name
        for kek in store.keks()
        if (deleted or not kek.deleted) and (not prefixes or _has_dek(store, kek, tuple(prefixes), deleted=deleted))
    ]


def _has_dek(store: KeyStore, kek: Kek, prefixes: tuple[str, ...], *, deleted: bool) -> bool:
    return any(dek.id.subject.startswith(prefixes) for dek in store.deks_of(kek.name) if deleted or not dek.deleted)


def find_kek(store: KeyStore, name: str, *, deleted: bool) -> Kek:
    """Return the KEK."""
    kek = store.kek(name)
    if kek is None or (kek.deleted and not deleted):
        raise errors.key_not_found_error(name)
    return kek


def list_dek_subjects(store: KeyStore, kek_name: str, *, deleted: bool) -> list[str]:
    """Return the subjects with DEKs of the KEK, of any algorithm, in order."""
    find_kek(store, kek_name, deleted=deleted)
    return sorted({dek.id.subject for dek in store.deks_of(kek_name) if deleted or not dek.deleted})


def list_versions(store: KeyStore, kek_name: str, subject: str, algorithm: DekAlgorithm, *, deleted: bool) -> list[int]:
    """Return the numbers of the versions; none for a subject that has no DEK."""
    find_kek(store, kek_name, deleted=deleted)
    return [dek.id.version for dek in store.versions(kek_name, subject, algorithm) if deleted or not dek.deleted]


def find_dek(store: KeyStore, key_id: DekId, *, deleted: bool) -> Dek:
    """Return the DEK, whose version may be the latest."""
    find_kek(store, key_id.kek_name, deleted=deleted)
    dek = store.dek(key_id, deleted=deleted)
    if dek is None:
        raise errors.key_not_found_error(key_id.subject)
    return dek

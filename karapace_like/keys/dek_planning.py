"""Plan changes of DEKs; the functions read the store and never change it. Source: Confluent API, "DEK registry".

For a shared KEK a plan depends on its KMS, which it awaits through `KeyWrapping`: once asked, that answers at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from karapace_like.errors import ApiError
from karapace_like.keys import envelope, errors, lookups, rules
from karapace_like.keys.keys import Dek, DekAlgorithm, DekId, Kek
from karapace_like.keys.kms.services import KeyServices
from karapace_like.keys.records import DekRecord
from karapace_like.keys.rules import KeyRules
from karapace_like.keys.store import KeyStore
from karapace_like.replication.planning import Plan

T = TypeVar("T")


class WrappedKey(NamedTuple):
    """A DEK wrapped, and in the clear."""

    wrapped: str
    key: bytes

    def __repr__(self) -> str:
        return "<wrapped key>"


class DekSubmission(NamedTuple):
    """A DEK as a request sends it."""

    id: DekId
    wrapped: str | None
    """None: the registry generates the key."""
    deleted: bool
    rewrap: bool
    """Whether an existing DEK is wrapped again."""
    is_import: bool
    """Whether the subject is in import mode, so that the key is stored unchecked."""


class KeyWrapping:
    """What the KMS has done for one request. Its keys live as long as the request does."""

    def __init__(self, services: KeyServices) -> None:
        self._services = services
        self._outcomes: dict[tuple[Any, ...], Any] = {}

    async def generate(self, kek: Kek, key_id: DekId) -> WrappedKey:
        """Return a new key, wrapped and unwrapped again as a check."""

        async def compute() -> WrappedKey:
            key = envelope.generate_key(key_id.algorithm)
            wrapped = await self._services.wrap(kek, key_id.subject, key)
            if await self._services.unwrap(kek, key_id.subject, wrapped) != key:
                raise errors.kms_failure(
                    "generate raw dek", key_id.subject, "the KMS returns another key than it was given"
                )
            return WrappedKey(wrapped, key)

        return await self._ask_once(("generate", kek, key_id), compute)

    async def unwrap(self, kek: Kek, key_id: DekId, wrapped: str | None, *, is_from_client: bool) -> WrappedKey:
        """Return the key that the request, or the registry, has wrapped."""

        async def compute() -> WrappedKey:
            key = await self._services.unwrap(kek, key_id.subject, wrapped, is_from_client=is_from_client)
            return WrappedKey(wrapped or "", key)

        return await self._ask_once(("unwrap", kek, key_id, wrapped), compute)

    async def rewrap(self, kek: Kek, key_id: DekId, wrapped: str | None) -> WrappedKey:
        """Return the same key, wrapped by the current version of the KMS's key."""

        async def compute() -> WrappedKey:
            key = await self._services.unwrap(kek, key_id.subject, wrapped)
            return WrappedKey(await self._services.wrap(kek, key_id.subject, key), key)

        return await self._ask_once(("rewrap", kek, key_id, wrapped), compute)

    async def _ask_once(self, call: tuple[Any, ...], compute: Callable[[], Awaitable[T]]) -> T:
        """Return what the call has returned, without suspending if it has; raises what it has raised."""
        if call not in self._outcomes:
            try:
                self._outcomes[call] = await compute()
            except ApiError as error:
                self._outcomes[call] = error
        outcome = self._outcomes[call]
        if isinstance(outcome, ApiError):
            raise outcome
        result: T = outcome
        return result


async def create(
    store: KeyStore, submission: DekSubmission, wrapping: KeyWrapping, limits: KeyRules
) -> Plan[bytes | None]:
    """Create the DEK, restore an equivalent one, or wrap it again; the answer is its key, for a shared KEK only."""
    key_id = submission.id
    kek = lookups.find_kek(store, key_id.kek_name, deleted=False)
    rules.check_dek(key_id.subject, key_id.version, submission.wrapped)
    existing = store.dek(key_id)
    if existing is not None and not existing.deleted and submission.rewrap:
        return await _rewrap(kek, existing, submission, wrapping)
    dek = Dek(id=key_id, wrapped=submission.wrapped, deleted=submission.deleted)
    if existing is not None and (dek.deleted == existing.deleted or not dek.is_equivalent(existing)):
        raise errors.key_exists(key_id.subject)
    if existing is None and store.dek_count > limits.max_keys:
        raise errors.too_many_keys(limits.max_keys)
    if not kek.shared:
        if not submission.wrapped:
            raise errors.invalid_key("encryptedKeyMaterial", "the KEK is not shared, so that the client wraps its keys")
        return Plan(None, (DekRecord(key_id, dek),))
    if not submission.wrapped:
        wrapped = await wrapping.generate(kek, key_id)
    elif submission.is_import:
        return Plan(None, (DekRecord(key_id, dek),))
    else:
        wrapped = await wrapping.unwrap(kek, key_id, submission.wrapped, is_from_client=True)
    return Plan(wrapped.key, (DekRecord(key_id, msgspec.structs.replace(dek, wrapped=wrapped.wrapped)),))


async def _rewrap(kek: Kek, existing: Dek, submission: DekSubmission, wrapping: KeyWrapping) -> Plan[bytes | None]:
    if not kek.shared:
        if not submission.wrapped:
            raise errors.invalid_key("encryptedKeyMaterial", "the KEK is not shared, so that the client wraps its keys")
        rewrapped = msgspec.structs.replace(existing, wrapped=submission.wrapped)
        return Plan(None, (DekRecord(existing.id, rewrapped),))
    if submission.wrapped:
        raise errors.key_exists(existing.id.subject)
    wrapped = await wrapping.rewrap(kek, existing.id, existing.wrapped)
    return Plan(wrapped.key, (DekRecord(existing.id, msgspec.structs.replace(existing, wrapped=wrapped.wrapped)),))


def delete_subject(
    store: KeyStore, kek_name: str, subject: str, algorithm: DekAlgorithm, *, permanent: bool
) -> Plan[None]:
    """Delete all versions of one algorithm."""
    return _delete(subject, _find_versions(store, kek_name, subject, algorithm), permanent=permanent)


def delete_version(store: KeyStore, key_id: DekId, *, permanent: bool) -> Plan[None]:
    """Delete one version, which may be the latest."""
    return _delete(key_id.subject, [_find_version(store, key_id)], permanent=permanent)


def undelete_subject(store: KeyStore, kek_name: str, subject: str, algorithm: DekAlgorithm) -> Plan[None]:
    """Restore all versions of one algorithm."""
    deks = _find_versions(store, kek_name, subject, algorithm)
    return _undelete(store, kek_name, deks)


def undelete_version(store: KeyStore, key_id: DekId) -> Plan[None]:
    """Restore one version."""
    return _undelete(store, key_id.kek_name, [_find_version(store, key_id)])


def _delete(subject: str, deks: Sequence[Dek], *, permanent: bool) -> Plan[None]:
    if permanent:
        if not all(dek.deleted for dek in deks):
            raise errors.not_soft_deleted_error(subject)
        return Plan(None, tuple(DekRecord(dek.id, None) for dek in deks))
    return Plan(
        None, tuple(DekRecord(dek.id, msgspec.structs.replace(dek, deleted=True)) for dek in deks if not dek.deleted)
    )


def _undelete(store: KeyStore, kek_name: str, deks: Sequence[Dek]) -> Plan[None]:
    if lookups.find_kek(store, kek_name, deleted=True).deleted:
        raise errors.kek_needs_restoration(kek_name)
    return Plan(
        None, tuple(DekRecord(dek.id, msgspec.structs.replace(dek, deleted=False)) for dek in deks if dek.deleted)
    )


def _find_versions(store: KeyStore, kek_name: str, subject: str, algorithm: DekAlgorithm) -> list[Dek]:
    lookups.find_kek(store, kek_name, deleted=True)
    deks = store.versions(kek_name, subject, algorithm)
    if not deks:
        raise errors.key_not_found_error(subject)
    return deks


def _find_version(store: KeyStore, key_id: DekId) -> Dek:
    return lookups.find_dek(store, key_id, deleted=True)

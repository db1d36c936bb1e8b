"""The keys of the DEK registry in this process, with which the REST proxy encrypts and decrypts records.

Keys that are missing on writing are created as clients create them; by HTTP at the primary, if that is another node.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec

from karapace_like.errors import ApiError
from karapace_like.keys import dek_planning, envelope, errors, kek_planning, lookups
from karapace_like.keys.dek_planning import DekSubmission, KeyWrapping
from karapace_like.keys.errors import KmsError
from karapace_like.keys.keys import LATEST_VERSION, Dek, DekId, Kek, KmsProperties
from karapace_like.keys.store import KeyStore
from karapace_like.process.lru import LruCache
from karapace_like.proxy.rights import KeyRights
from karapace_like.proxy.settings import WithoutKey
from karapace_like.registry.registry import Registry
from karapace_like.replication import errors as log_errors
from karapace_like.replication.planning import Plan, Planner, without_engines
from karapace_like.replication.writes import Forwarded, NotWritten, Unknown, WriteRequest
from karapace_like.rules.encryption import DataKey, EncryptionParameters, KeyNeed
from karapace_like.rules.model import RuleMode
from karapace_like.web.cluster.forwarding import ask_primary
from karapace_like.web.cluster.peers import PeerResponse, Peers
from karapace_like.web.keys.services import BASE, KeyHandling

logger = logging.getLogger(__name__)

_DAY_MS = 24 * 60 * 60 * 1000
_ATTEMPTS = 5
"""How often a key is looked up while others create it at the same time."""
_MAX_CACHED = 1_000


class RegistryDataKeys:
    """Implements `proxy.data_keys.DataKeys`."""

    def __init__(
        self,
        keys: KeyHandling,
        schemas: Registry,
        peers: Peers,
        *,
        without_key: WithoutKey = WithoutKey.REFUSE,
        cache_seconds: float = 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`schemas` have the aliases of subjects. Keys are kept for `cache_seconds`, 0: not at all."""
        self._keys = keys
        self._schemas = schemas
        self._peers = peers
        self._without_key = without_key
        self._cache_seconds = cache_seconds
        self._now = now
        self._cached: LruCache[tuple[Kek, Dek], tuple[float, DataKey]] = LruCache(_MAX_CACHED)

    async def find(self, need: KeyNeed, subject: str, mode: RuleMode, rights: KeyRights) -> DataKey:
        """Return the key; see `DataKeys`."""
        self._keys.registry.read()
        subject = self._schemas.read().resolve_alias_for_deks(subject)
        try:
            if mode is RuleMode.WRITE:
                return await self._find_for_writing(need, subject, rights)
            return await self._find_for_reading(need, subject, rights)
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, KmsError):
                raise
            return DataKey(fault=error.message)

    async def _find_for_reading(self, need: KeyNeed, subject: str, rights: KeyRights) -> DataKey:
        parameters = need.parameters
        kek = lookups.find_kek(self._read(), parameters.kek_name, deleted=False)
        is_allowed = rights.may_decrypt(kek.name, is_shared=kek.shared, shows_secrets=self._keys.shows_secrets)
        if not is_allowed and self._without_key is WithoutKey.REDACT:
            return DataKey(is_redacted=True)
        if not is_allowed:
            return DataKey(fault=_describe_denial(kek), is_denied=True)
        _check(kek, parameters)
        dek_id = DekId(kek.name, subject, parameters.algorithm, need.version)
        return await self._unwrap(kek, lookups.find_dek(self._read(), dek_id, deleted=True))

    async def _find_for_writing(self, need: KeyNeed, subject: str, rights: KeyRights) -> DataKey:
        parameters = need.parameters
        if not rights.may_encrypt(parameters.kek_name):
            reason = f"the caller may not encrypt with the KEK {parameters.kek_name}: that takes its operation write"
            return DataKey(fault=reason, is_denied=True)
        kek = await self._find_or_create_kek(parameters, rights)
        _check(kek, parameters)
        dek_id = DekId(kek.name, subject, parameters.algorithm, need.version)
        dek = await self._find_or_create_dek(kek, dek_id)
        if need.version == LATEST_VERSION and self._has_expired(dek, parameters.expiry_days):
            dek = await self._create_successor(kek, dek)
        return await self._unwrap(kek, dek)

    def _has_expired(self, dek: Dek, days: int) -> bool:
        return days > 0 and self._now() * 1000 - dek.updated > days * _DAY_MS

    async def _find_or_create_kek(self, parameters: EncryptionParameters, rights: KeyRights) -> Kek:
        name = parameters.kek_name
        for _ in range(_ATTEMPTS):
            kek = self._read().kek(name)
            if kek is not None and not kek.deleted:
                return kek
            if kek is not None:  # to create it again would restore it, which is for whoever deleted it
                raise errors.key_not_found_error(name)
            if not parameters.kms_type or not parameters.kms_key_id:
                raise errors.key_not_found_error(name)
            if not rights.may_create_kek(name):
                raise ApiError(403, f"there is no KEK {name}, and the caller may not create it: that takes write")
            await self._create_kek(name, parameters.kms_type, parameters.kms_key_id)
        raise errors.key_not_found_error(name)

    async def _create_kek(self, name: str, kms_type: str, kms_key_id: str) -> None:
        kek = Kek(
            name=name,
            kms_type=kms_type,
            kms_key_id=kms_key_id,
            kms_props=KmsProperties(),
            doc=None,
            shared=False,
            deleted=False,
        )
        body = {"name": name, "kmsType": kms_type, "kmsKeyId": kms_key_id, "shared": False}
        planner = without_engines(partial(kek_planning.create, kek=kek, limits=self._keys.rules))
        if await self._create(planner, BASE, body):
            logger.info("Created KEK %s for a rule of encryption", name)

    async def _find_or_create_dek(self, kek: Kek, dek_id: DekId) -> Dek:
        first = msgspec.structs.replace(dek_id, version=1)
        for _ in range(_ATTEMPTS):
            dek = self._read().dek(dek_id, deleted=False)
            if dek is not None:
                return dek
            await self._create_dek(kek, first)
        raise errors.key_not_found_error(dek_id.subject)

    async def _create_successor(self, kek: Kek, dek: Dek) -> Dek:
        """Return the next version of an expired DEK; the expired one where that cannot be created, as clients do."""
        try:
            await self._create_dek(kek, msgspec.structs.replace(dek.id, version=dek.id.version + 1))
        except ApiError as error:
            logger.warning(
                "The expired version %d of a DEK of %s goes on in use: %s", dek.id.version, kek.name, error.message
            )
        latest = msgspec.structs.replace(dek.id, version=LATEST_VERSION)
        return self._read().dek(latest, deleted=False) or dek

    async def _create_dek(self, kek: Kek, dek_id: DekId) -> None:
        """Create the DEK, unless it exists: the registry generates that of a shared KEK, this process any other."""
        services = self._keys.kms
        wrapped = None
        if not kek.shared:
            wrapped = await services.wrap(kek, dek_id.subject, envelope.generate_key(dek_id.algorithm))
        submission = DekSubmission(id=dek_id, wrapped=wrapped, deleted=False, rewrap=False, is_import=False)
        wrapping, limits = KeyWrapping(services), self._keys.rules

        async def planner(store: KeyStore, _: None) -> Plan[bytes | None]:
            return await dek_planning.create(store, submission, wrapping, limits)

        body = {"version": dek_id.version, "algorithm": dek_id.algorithm, "encryptedKeyMaterial": wrapped}
        path = f"{BASE}/{quote(kek.name, safe='')}/deks/{quote(dek_id.subject, safe='')}"
        if await self._create(planner, path, body):
            logger.info("Created version %d of a DEK of KEK %s for a REST client", dek_id.version, kek.name)

    async def _create(self, planner: Planner[KeyStore, Any, Any], path: str, body: object) -> bool:
        """Write here or at the primary; return whether it was written: another writer may have been first."""
        write = WriteRequest(planner=planner, is_repeatable=False)
        try:
            outcome = await self._keys.registry.write(write, _KeyForwarder(self._peers, path, body))
        except errors.DekRegistryError as error:
            if error.code == errors.KEY_EXISTS:
                return False
            raise
        if isinstance(outcome, Unknown):
            raise log_errors.outcome_unknown(outcome.reason)
        if isinstance(outcome, Forwarded) and not outcome.is_success:
            refusal = _read_refusal(outcome.response)
            if refusal.code == errors.KEY_EXISTS:
                return False
            raise refusal
        return True

    async def _unwrap(self, kek: Kek, dek: Dek) -> DataKey:
        now = self._now()
        cached = self._cached.get((kek, dek)) if self._cache_seconds else None
        if cached is not None and now < cached[0]:
            return cached[1]
        key = DataKey(dek.id.version, await self._keys.kms.unwrap(kek, dek.id.subject, dek.wrapped))
        if self._cache_seconds:
            self._cached.put((kek, dek), (now + self._cache_seconds, key))
        return key

    def _read(self) -> KeyStore:
        return self._keys.registry.read()


class _KeyForwarder:
    """Creates a key at the primary; implements `replication.writes.Forwarder`."""

    was_forwarded = False

    def __init__(self, peers: Peers, path: str, body: object) -> None:
        self._peers = peers
        self._path = path
        self._body = msgspec.json.encode(body)

    def is_awaited(self) -> bool:
        """Return True: a request without a waiting client is cancelled as a task."""
        return True

    async def forward(self, primary: str) -> Forwarded[PeerResponse] | NotWritten:
        """See `Forwarder`."""
        headers = {"Content-Type": "application/json"}
        return await ask_primary(self._peers, primary, "POST", self._path, headers, self._body)


def _describe_denial(kek: Kek) -> str:
    operation = "read" if kek.shared else "read_secrets"
    return (
        f"the caller may not decrypt with the KEK {kek.name}: that takes its operation {operation}"
        + ("" if kek.shared else ", or without access control dek_registry_show_secrets")
    )  # fmt: skip


def _check(kek: Kek, parameters: EncryptionParameters) -> None:
    """Raise 42271 for a KEK that is another one than the rule means."""
    for field, wanted, actual in (
        ("kmsType", parameters.kms_type, kek.kms_type),
        ("kmsKeyId", parameters.kms_key_id, kek.kms_key_id),
    ):
        if wanted is not None and wanted != actual:
            raise errors.invalid_key(field, f"the rule expects {wanted}, and KEK {kek.name} has {actual}")


class _Refusal(msgspec.Struct):
    error_code: int
    message: str


def _read_refusal(answer: PeerResponse) -> ApiError:
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.MsgspecError:
        return ApiError(answer.status, f"the primary answers {answer.status}")
    return ApiError(refusal.error_code, refusal.message, status=answer.status)

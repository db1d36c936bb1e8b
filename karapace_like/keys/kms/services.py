"""Wrap and unwrap DEKs with the KMS of their KEK: the one table of drivers, and what of them the operator permits."""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence

from karapace_like.errors import ApiError
from karapace_like.keys import errors
from karapace_like.keys.keys import Kek
from karapace_like.keys.kms.clouds import AwsKms, AzureKms, GcpKms
from karapace_like.keys.kms.driver import CiphertextError, KmsDriver, KmsFailure, KmsMisuseError
from karapace_like.keys.kms.local import LocalKms
from karapace_like.keys.kms.vault import VaultKms

DRIVERS: Mapping[str, KmsDriver] = {
    "local-kms": LocalKms(),
    "hcvault": VaultKms(),
    "aws-kms": AwsKms(),
    "gcp-kms": GcpKms(),
    "azure-kms": AzureKms(),
}
"""Type of the KMS -> its driver."""
ALTERNATE_KEYS = "encrypt.alternate.kms.key.ids"
"""The property with ids of further keys of the same KMS, separated by commas, which are tried in order."""
_MOST_ALTERNATES = 5
_SECONDS = 30.0
"""How long a request waits for a KMS."""
_AT_A_TIME = 8
_BOUNDARIES = frozenset("/:?#")


class KeyServices:
    """The KMSs that this service may use for shared KEKs."""

    def __init__(self, permitted: Sequence[str] = ("local-kms://",)) -> None:
        """`permitted`: what the keys' URIs begin with, such as `hcvault://https://vault.example:8200/transit`."""
        self._permitted = tuple(permitted)
        self._turns = asyncio.Semaphore(_AT_A_TIME)
        self.calls: Counter[tuple[str, str, str]] = Counter()
        """Calls by type of the KMS, operation (`wrap` or `unwrap`) and outcome (`done`, `refused` or `failed`)."""

    async def wrap(self, kek: Kek, subject: str, key: bytes) -> str:
        """Return the key in base64, encrypted by the KEK; raises ApiError. `subject` is for messages."""
        wrapped = await self._ask(kek, subject, "generate encrypted dek", is_wrapping=True, data=key)
        return base64.b64encode(wrapped).decode()

    async def unwrap(self, kek: Kek, subject: str, wrapped: str | None, *, is_from_client: bool = False) -> bytes:
        """Return the key; raises ApiError: 42271 for material `is_from_client` that is none, else 50070."""
        action = "generate raw dek"
        try:
            data = base64.b64decode(wrapped or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refuse_material(subject, action, "it is no base64", is_from_client=is_from_client) from error
        try:
            return await self._ask(kek, subject, action, is_wrapping=False, data=data)
        except _MaterialError as error:
            raise _refuse_material(subject, action, str(error), is_from_client=is_from_client) from error

    async def _ask(self, kek: Kek, subject: str, action: str, *, is_wrapping: bool, data: bytes) -> bytes:
        """Try the key, then its alternates."""
        failures: list[KmsFailure] = []
        for key_id in _list_key_ids(kek):
            try:
                return await self._ask_driver(kek, key_id, is_wrapping=is_wrapping, data=data)
            except KmsFailure as failure:
                failures.append(failure)
        raise _translate(failures, subject, action)

    async def _ask_driver(self, kek: Kek, key_id: str, *, is_wrapping: bool, data: bytes) -> bytes:
        driver = DRIVERS.get(kek.kms_type)
        if driver is None:
            raise KmsMisuseError("kmsType", f"a shared key needs one of {', '.join(DRIVERS)}")
        if not self.may_use(kek.kms_type, key_id):
            raise KmsMisuseError(
                "kmsKeyId", "this service may not use the key; an operator permits it by dek_registry_kms_keys"
            )
        ask = driver.wrap if is_wrapping else driver.unwrap
        outcome = "failed"
        try:
            async with asyncio.timeout(_SECONDS), self._turns:
                result = await asyncio.to_thread(ask, key_id, kek.kms_props, data)
                outcome = "done"
                return result
        except KmsFailure as failure:
            outcome = "refused" if failure.is_refused else "failed"
            raise
        except TimeoutError as error:
            raise KmsFailure(f"the KMS does not answer within {_SECONDS:g} seconds") from error
        finally:
            self.calls[kek.kms_type, "wrap" if is_wrapping else "unwrap", outcome] += 1

    def may_use(self, kms_type: str, key_id: str) -> bool:
        """Return whether the operator permits the key: one of the beginnings ends at a boundary of its URI."""
        uri = f"{kms_type}://{key_id}"
        return any(
            uri.startswith(beginning)
            and (uri == beginning or beginning[-1:] in _BOUNDARIES or uri[len(beginning)] in _BOUNDARIES)
            for beginning in self._permitted
        )


class _MaterialError(Exception):
    """The wrapped key is not of this KEK."""


def _list_key_ids(kek: Kek) -> list[str]:
    alternates = [key_id.strip() for key_id in kek.kms_props.get(ALTERNATE_KEYS, "").split(",")]
    return [kek.kms_key_id, *filter(None, alternates)][: 1 + _MOST_ALTERNATES]


def _translate(failures: Sequence[KmsFailure], subject: str, action: str) -> Exception:
    """Return the error for what the keys have failed with, by the one that says most about it."""
    failure = next((one for one in failures if not isinstance(one, CiphertextError)), failures[0])
    if isinstance(failure, CiphertextError):
        return _MaterialError(failure.reason)
    if isinstance(failure, KmsMisuseError):
        return errors.invalid_key(failure.field, failure.reason)
    if failure.is_refused:
        return errors.kms_refusal(action, subject, failure.reason)
    return errors.kms_failure(action, subject, failure.reason)


def _refuse_material(subject: str, action: str, reason: str, *, is_from_client: bool) -> ApiError:
    return (
        errors.invalid_key("encryptedKeyMaterial", reason)
        if is_from_client
        else errors.kms_failure(action, subject, reason)
    )

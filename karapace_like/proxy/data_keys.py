"""The keys with which rules of a schema encrypt and decrypt the records of one request, for its caller."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from karapace_like.keys import envelope
from karapace_like.proxy.rights import KeyRights
from karapace_like.rules.encryption import DataKey, KeyNeed, MissingKeyError
from karapace_like.rules.errors import Failure, RuleFailedError
from karapace_like.rules.model import Action, RuleMode

T = TypeVar("T")

_MAX_KEYS = 50
"""Keys that one value may ask for: the version of a key stands in each ciphertext."""
_MAX_CACHED = 1_000
"""Keys of one request."""


class DataKeys(Protocol):
    """Where keys come from: a DEK registry."""

    async def find(self, need: KeyNeed, subject: str, mode: RuleMode, rights: KeyRights) -> DataKey:
        """Return the key of the subject; on writing, create it if there is none. Its `fault` says why there is none.

        Raises ApiError (5xx) where the registry cannot tell now.
        """
        ...


class _NoDataKeys:
    """Has no keys, for the reason it is given."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def find(self, _: KeyNeed, __: str, ___: RuleMode, ____: KeyRights) -> DataKey:
        return DataKey(fault=self._reason)


def refuse_keys(reason: str) -> DataKeys:
    """Return a source without any keys; `reason` is a clause."""
    return _NoDataKeys(reason)


class _StandInKeys:
    """Generates keys that nobody keeps: for trials, which write nothing and have no access to keys."""

    async def find(self, need: KeyNeed, _: str, mode: RuleMode, __: KeyRights) -> DataKey:
        if mode is RuleMode.WRITE:
            return DataKey(1, envelope.generate_key(need.parameters.algorithm))
        return DataKey(fault="a trial has no access to keys, and decrypts nothing")


STAND_IN_KEYS: DataKeys = _StandInKeys()


class KeyRing:
    """The keys of one request, for one subject; nothing keeps them once the request has ended."""

    def __init__(self, source: DataKeys, subject: str, rights: KeyRights) -> None:
        self._source = source
        self._subject = subject
        self._rights = rights
        self.keys: dict[KeyNeed, DataKey] = {}

    async def supply(self, mode: RuleMode, run: Callable[[], Awaitable[T]]) -> T:
        """Return what `run` returns once it has all keys; raises what it raises, and ApiError."""
        for _ in range(_MAX_KEYS):
            try:
                return await run()
            except MissingKeyError as missing:
                if len(self.keys) >= _MAX_CACHED:
                    self.keys.clear()
                self.keys[missing.need] = await self._source.find(missing.need, self._subject, mode, self._rights)
        reason = f"the value asks for more than {_MAX_KEYS} versions of keys"
        raise RuleFailedError(Failure("(all)", "", mode, Action.ERROR, reason))

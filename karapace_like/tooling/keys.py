"""The keys of a DEK registry, as commands work on them: listed, rotated, and wrapped again."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from karapace_like.client.registry_client import RefusedError, RegistryClient, UnreachableError, path
from karapace_like.tooling.errors import ToolError

ALGORITHMS = ("AES128_GCM", "AES256_GCM", "AES256_SIV")
_BASE = ("dek-registry", "v1", "keks")


class ListedKek(msgspec.Struct, rename="camel"):
    """A KEK, without what may be secret."""

    name: str
    kms_type: str
    kms_key_id: str
    shared: bool = False
    deleted: bool = False


class ListedDek(NamedTuple):
    """All versions of a DEK."""

    kek_name: str
    subject: str
    algorithm: str
    versions: tuple[int, ...]


class KeysRemote:
    """A DEK registry behind a client. Calls raise ToolError, RefusedError or UnreachableError."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client

    async def list_keks(self, name: str | None = None) -> list[ListedKek]:
        """Return the KEKs, or the one with this name."""
        names = [name] if name is not None else await self._ask(list[str], "GET", path(*_BASE))
        return [await self._ask(ListedKek, "GET", path(*_BASE, listed)) for listed in names]

    async def list_deks(self, kek: ListedKek, subject: str | None = None) -> AsyncIterator[ListedDek]:
        """Yield the DEKs of the KEK, or those of one subject."""
        subjects = (
            [subject] if subject is not None else await self._ask(list[str], "GET", path(*_BASE, kek.name, "deks"))
        )
        for named in subjects:
            for algorithm in ALGORITHMS:
                where = path(*_BASE, kek.name, "deks", named, "versions")
                versions = await self._ask(list[int], "GET", where, algorithm=algorithm)
                if versions:
                    yield ListedDek(kek.name, named, algorithm, tuple(versions))

    async def rewrap(self, dek: ListedDek) -> int:
        """Wrap every version with the current version of the KMS's key; return how many there are."""
        for version in dek.versions:
            await self._create(dek, version, rewrap="true")
        return len(dek.versions)

    async def rotate(self, dek: ListedDek) -> int:
        """Have the registry generate the next version; return its number."""
        version = max(dek.versions) + 1
        await self._create(dek, version)
        return version

    async def _create(self, dek: ListedDek, version: int, **query: str) -> None:
        body = {"subject": dek.subject, "version": version, "algorithm": dek.algorithm}
        await self._client.ask("POST", path(*_BASE, dek.kek_name, "deks", dek.subject), body, **query)

    async def _ask(self, wanted: Any, method: str, where: str, **query: str) -> Any:
        try:
            return msgspec.convert(await self._client.ask(method, where, **query), wanted)
        except msgspec.ValidationError as error:
            raise UnreachableError(f"The response of {where} is not that of a DEK registry: {error}") from error
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND and error.code == HTTPStatus.NOT_FOUND:
                raise ToolError(
                    "The registry has no DEK registry. Set dek_registry_enabled=true, or check --registry."
                ) from error
            raise


def require_sharing(kek: ListedKek) -> None:
    """Raise ToolError for a KEK whose DEKs only clients can generate and wrap."""
    if not kek.shared:
        raise ToolError(
            f"The KEK {kek.name} is not shared: its DEKs are wrapped by clients, which rotate them by "
            "encrypt.dek.expiry.days of the rule."
        )

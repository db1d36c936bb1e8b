"""The suspension of a subject's level for one registration that breaks it on purpose.

Where a registry cannot be asked to force a registration, the level is set to NONE and restored afterwards. Meanwhile a
marker, the level of a subject beside it that has no versions, holds the level to restore. The next run that reads the
subject finds the marker if this one was killed, and the next plan restores the level.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.schema.model import CompatibilityLevel

_RESTORE_SUFFIX = ".karapace-like-restore"
"""Of the marker whose level is the one to restore."""
_UNSET_SUFFIX = ".karapace-like-unset"
"""Of the marker for a subject that had no level of its own."""
_NOT_THERE = frozenset({404, 405})


class SuspendedLevel(NamedTuple):
    """The level that an interrupted run has left to be restored."""

    level: str | None
    """None: the subject had no level of its own."""


async def find_suspended_level(client: RegistryClient, subject: str) -> SuspendedLevel | None:
    """Return the marker of a subject whose own level is NONE; None if there is none."""
    marker: Mapping[str, str] | None = await client.setting(path("config", subject + _RESTORE_SUFFIX))
    if marker:
        return SuspendedLevel(marker["compatibilityLevel"])
    return SuspendedLevel(None) if await client.setting(path("config", subject + _UNSET_SUFFIX)) else None


async def restore_level(client: RegistryClient, subject: str, level: str | None) -> None:
    """Set the subject's level, or unset it, and then remove the markers; raises RefusedError, UnreachableError."""
    if level is None:
        await _unset(client, subject)
    else:
        await client.ask("PUT", path("config", subject), {"compatibility": level})
    for suffix in (_RESTORE_SUFFIX, _UNSET_SUFFIX):
        await _unset(client, subject + suffix)


@asynccontextmanager
async def suspend_level(client: RegistryClient, subject: str) -> AsyncIterator[None]:
    """Set the level of the subject to NONE inside the context; raises RefusedError, UnreachableError."""
    own: Mapping[str, str] = await client.setting(path("config", subject)) or {}
    level = own.get("compatibilityLevel")
    if level == CompatibilityLevel.NONE and (suspended := await find_suspended_level(client, subject)) is not None:
        level = suspended.level
    await _unset(client, subject + (_RESTORE_SUFFIX if level is None else _UNSET_SUFFIX))
    marker = subject + (_UNSET_SUFFIX if level is None else _RESTORE_SUFFIX)
    await client.ask("PUT", path("config", marker), {"compatibility": level or CompatibilityLevel.NONE})
    try:
        await client.ask("PUT", path("config", subject), {"compatibility": CompatibilityLevel.NONE})
        yield
    finally:
        await restore_level(client, subject, level)


async def _unset(client: RegistryClient, subject: str) -> None:
    try:
        await client.ask("DELETE", path("config", subject))
    except RefusedError as error:
        if error.status not in _NOT_THERE:
            raise

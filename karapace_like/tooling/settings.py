"""The compatibility level and the mode of a subject, or the global ones, in a registry."""

from typing import NamedTuple

import msgspec

from karapace_like.client.registry_client import RefusedError, path
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.tooling.remote import Remote

_UNSET = frozenset({404, 405})


class SettingKind(NamedTuple):
    """One of the two settings, as the API has it."""

    resource: str
    field: str
    """Of a request."""
    response_field: str
    choices: tuple[str, ...]


LEVEL = SettingKind("config", "compatibility", "compatibilityLevel", tuple(level.value for level in CompatibilityLevel))
MODE = SettingKind("mode", "mode", "mode", ("READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD"))


class Setting(msgspec.Struct, frozen=True):
    """A setting that applies."""

    subject: str | None
    """None: the global one."""
    value: str | None
    is_own: bool
    """False: the subject has none of its own, and the global one applies."""

    @property
    def sentence(self) -> str:
        """The value, and where it comes from."""
        return f"{self.value or 'not set'}{'' if self.is_own else ' (the global one)'}"


async def read_setting(remote: Remote, kind: SettingKind, subject: str | None) -> Setting:
    """Return the setting that applies to the subject, or the global one."""
    if subject is not None:
        own = await remote.client.setting(path(kind.resource, subject))
        if own and own.get(kind.response_field):
            return Setting(subject, own[kind.response_field], is_own=True)
    everything = await remote.client.setting(path(kind.resource)) or {}
    return Setting(subject, everything.get(kind.response_field), is_own=subject is None)


async def write_setting(remote: Remote, kind: SettingKind, subject: str | None, value: str | None) -> None:
    """Set the setting, or remove it; raises RefusedError."""
    where = path(kind.resource, *([] if subject is None else [subject]))
    if value is not None:
        await remote.client.ask("PUT", where, {kind.field: value})
        return
    try:
        await remote.client.ask("DELETE", where)
    except RefusedError as error:
        if error.status not in _UNSET:
            raise

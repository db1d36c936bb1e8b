"""What differs between a backup and a registry: versions, configs and modes.

Schemas are equal if their contents are, or the canonical forms of their texts: a registry may keep a text in a spelling
of its own. Where nothing is set for everything, its default counts as set, because the API does not tell the two
apart. Times and empty contexts are not compared: no registry can be given them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from karapace_like.registry import names, parsing
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.model import CompatibilityLevel

DEFAULT_CONFIG = Config(compatibility_level=CompatibilityLevel.BACKWARD)
DEFAULT_MODE = Mode.READWRITE


class Difference(NamedTuple):
    """One thing that differs."""

    place: str
    """Such as `orders-value version 3` or `config of orders-value`."""
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def differences(backup: Store, registry: Store) -> Iterator[Difference]:
    """Every difference, versions first, each kind in the order of the subjects."""
    for stored in backup.all_versions():
        found = registry.version(stored.subject, stored.version, deleted=True)
        what = "missing in the registry" if found is None else _of_versions(backup, stored, registry, found)
        if what is not None:
            yield Difference(place_of(stored), what)
    for stored in registry.all_versions():
        if backup.version(stored.subject, stored.version, deleted=True) is None:
            yield Difference(place_of(stored), "not in the backup")
    yield from _of_settings("config", _configs(backup), _configs(registry))
    yield from _of_settings("mode", _modes(backup), _modes(registry))


def place_of(stored: StoredVersion) -> str:
    """What messages call a version."""
    return f"{stored.subject} version {stored.version}"


def same_schema(one: StoredVersion, one_store: Store, other: StoredVersion, other_store: Store) -> bool:
    """Whether both are the same schema under the same id; deleted or not."""
    if one.id != other.id:
        return False
    if one.content == other.content:
        return True
    alike = (
        one.content.type is other.content.type
        and one.content.references == other.content.references
        and one.content.metadata == other.content.metadata
        and one.content.rule_set == other.content.rule_set
    )
    return alike and _canonical(one, one_store) == _canonical(other, other_store)


def _canonical(stored: StoredVersion, store: Store) -> str:
    try:
        parsed = parsing.stored(store, stored.content, stored.subject)
        return parsing.text_of(parsed, stored.content.text, normalize=False)
    except RegistryError:
        return stored.content.text


def _of_versions(backup: Store, saved: StoredVersion, registry: Store, found: StoredVersion) -> str | None:
    if saved.id != found.id:
        return f"id {saved.id} in the backup, {found.id} in the registry"
    if not same_schema(saved, backup, found, registry):
        return "another schema, with other references, metadata or rules"
    if saved.deleted != found.deleted:
        return f"{_liveness(saved)} in the backup, {_liveness(found)} in the registry"
    return None


def _liveness(stored: StoredVersion) -> str:
    return "soft-deleted" if stored.deleted else "live"


def _configs(store: Store) -> dict[str | None, str]:
    found = {None: DEFAULT_CONFIG, **store.configs}
    return {scope: msgspec.json.encode(config, order="deterministic").decode() for scope, config in found.items()}


def _modes(store: Store) -> dict[str | None, str]:
    return {None: DEFAULT_MODE, **store.modes}


def _of_settings(kind: str, backup: dict[str | None, str], registry: dict[str | None, str]) -> Iterator[Difference]:
    for scope in sorted({*backup, *registry}, key=lambda each: each or ""):
        saved, found = backup.get(scope, "not set"), registry.get(scope, "not set")
        if saved != found:
            yield Difference(f"{kind} of {scope_name(scope)}", f"{saved} in the backup, {found} in the registry")


def scope_name(scope: str | None) -> str:
    """What messages call the place of a config or mode."""
    if scope is None:
        return "the default context"
    if scope == names.GLOBAL_SCOPE:
        return "everything"
    return f"the context {names.context_of(scope)}" if names.is_context(scope) else scope

"""The differences between a backup and a registry: versions, configs, modes and associations.

Schemas are equal if their contents or the canonical forms of their texts are, since a registry may store its own
spelling. An unset global config, and an unset mode, count as what holds then, because not every API distinguishes the
two; empty fields count as unset. Times and empty contexts are not compared: no registry accepts them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from karapace_like.backup import associations
from karapace_like.registry import names, parsing
from karapace_like.registry.engine_jobs import MeanTheSame
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Deleted, Store, StoredVersion
from karapace_like.schema import spelling
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy

DEFAULT_MODE = Mode.READWRITE


class Difference(NamedTuple):
    """One difference."""

    place: str
    """`orders-value version 3` or `config of orders-value`, for example."""
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def find_differences(backup: Store, registry: Store) -> Iterator[Difference]:
    """Yield every difference: versions, configs and modes, each in the order of the subjects; then associations."""
    for stored in backup.all_versions():
        present = registry.version(stored.subject, stored.version, Deleted.INCLUDE)
        what = "missing in the registry" if present is None else _compare_versions(backup, stored, registry, present)
        if what is not None:
            yield Difference(format_version_name(stored), what)
    for stored in registry.all_versions():
        if backup.version(stored.subject, stored.version, Deleted.INCLUDE) is None:
            yield Difference(format_version_name(stored), "not in the backup")
    yield from _compare_settings("config", _configs(backup), _configs(registry))
    yield from _compare_settings("mode", _modes(backup), _modes(registry))
    for place, what in associations.find_differences(backup, registry):
        yield Difference(place, what)


def format_version_name(stored: StoredVersion) -> str:
    """Return the name of a version in messages."""
    return f"{stored.subject} version {stored.version}"


def is_same_schema(one: StoredVersion, one_store: Store, other: StoredVersion, other_store: Store) -> bool:
    """Return whether both are the same schema with the same id, deleted or not."""
    if one.id != other.id:
        return False
    if one.content == other.content:
        return True
    if not one.content.has_same_parts(other.content):
        return False
    if spelling.are_equal_json(one.content.type, one.content.text, other.content.text):
        return True
    try:
        return MeanTheSame(
            parsing.resolve_stored_schema(one_store, one.content, one.subject),
            parsing.resolve_stored_schema(other_store, other.content, other.subject),
        ).run()
    except RegistryError:
        return False


def _compare_versions(backup: Store, saved: StoredVersion, registry: Store, present: StoredVersion) -> str | None:
    if saved.id != present.id:
        return f"id {saved.id} in the backup, {present.id} in the registry"
    if not is_same_schema(saved, backup, present, registry):
        return "another schema, or other references, metadata or rules"
    if saved.deleted != present.deleted:
        return f"{_describe_deletion(saved)} in the backup, {_describe_deletion(present)} in the registry"
    return None


def _describe_deletion(stored: StoredVersion) -> str:
    return "soft-deleted" if stored.deleted else "live"


def is_default_config(config: Config) -> bool:
    """Return whether a registry answers with this config where nothing is set."""
    return _strip(config) in (
        Config(),
        Config(compatibility_level=CompatibilityLevel.BACKWARD),
    )


def _strip(config: Config) -> Config:
    """The config without empty fields and the default policy, which some registries write and others leave out."""
    fields = {name: value for name, value in msgspec.structs.asdict(config).items() if value not in ("", {}, None)}
    if fields.get("compatibility_policy") is CompatibilityPolicy.STRICT:
        del fields["compatibility_policy"]
    return Config(**fields)


def _configs(store: Store) -> dict[str | None, str]:
    """The configs as text, without those that say nothing."""
    stripped = {scope: _strip(config) for scope, config in store.configs.items()}
    return {
        scope: msgspec.json.encode(config, order="deterministic").decode()
        for scope, config in stripped.items()
        if config != Config() and not (scope in {None, names.GLOBAL_SCOPE} and is_default_config(config))
    }


def _modes(store: Store) -> dict[str | None, str]:
    """The modes, without those that hold anyhow."""
    inherited = {
        scope: next((store.modes[outer] for outer in names.scopes(scope)[1:] if outer in store.modes), DEFAULT_MODE)
        for scope in store.modes
    }
    return {scope: mode for scope, mode in store.modes.items() if mode is not inherited[scope]}


def _compare_settings(
    kind: str, backup: dict[str | None, str], registry: dict[str | None, str]
) -> Iterator[Difference]:
    for scope in sorted({*backup, *registry}, key=lambda name: name or ""):
        saved, present = backup.get(scope, "not set"), registry.get(scope, "not set")
        if saved != present:
            yield Difference(f"{kind} of {format_scope(scope)}", f"{saved} in the backup, {present} in the registry")


def format_scope(scope: str | None) -> str:
    """Return the name of the scope of a config or mode in messages."""
    if scope is None:
        return "the default context"
    if scope == names.GLOBAL_SCOPE:
        return "all contexts"
    return f"the context {names.context_of(scope)}" if names.is_context(scope) else scope

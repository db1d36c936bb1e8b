"""Check whether a schema may follow the registered versions, at the subject's compatibility level.

The schema room decides which two schemas are compatible; this module selects the versions, their order, and the text
of the result.
"""

from collections.abc import Hashable, Iterable, Sequence

import msgspec

from karapace_like.process.turns import Turn
from karapace_like.registry import content as contents
from karapace_like.registry import engine_jobs, errors, parsing
from karapace_like.registry.content import Json
from karapace_like.registry.engine_jobs import Compare, ListTopFields, ResolvedSchema
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.settings import Config
from karapace_like.registry.store import StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.schema import compatibility
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy

_SHOWN_SCHEMA = 10_000
"""Characters of an old schema that a message quotes at most."""


class Judgement(msgspec.Struct, frozen=True):
    """The outcome of a check; `messages` is empty when compatible."""

    messages: Sequence[str] = ()

    @property
    def is_compatible(self) -> bool:
        """Whether there is no message."""
        return not self.messages

    @property
    def settings(self) -> Sequence[str]:
        """The messages that show nothing of a registered schema: the last one names the level."""
        return self.messages[-1:]


async def check(
    store: RegistryView,
    engines: EngineAccess,
    new: ResolvedSchema,
    metadata: Json | None,
    candidates: Sequence[StoredVersion],
    config: Config | None,
    default: CompatibilityLevel,
) -> Judgement:
    """Compare with the newest of the candidates (in ascending order), or with all, newest first, if transitive.

    `metadata` is the new schema's. With a `compatibilityGroup`, only versions of its group count; with
    `validateFields`, its reserved fields are checked as well. The first version that fails ends the check.
    """
    config = config or Config()
    level = config.compatibility_level or default
    messages = await _check_reserved_fields(engines, new, metadata, candidates[-1:]) if config.validate_fields else []
    messages += await _find_first_failing(
        store, engines, new, select_versions_to_compare(candidates, metadata, config, level), config, level
    )
    if not messages:
        return Judgement()
    validates = "true" if config.validate_fields else "false"
    return Judgement([*messages, f"{{validateFields: '{validates}', compatibility: '{level}'}}"])


def select_versions_to_compare(
    candidates: Sequence[StoredVersion], metadata: Json | None, config: Config, level: CompatibilityLevel
) -> Sequence[StoredVersion]:
    """Return the versions (given in ascending order) with which a schema is compared, in the order of comparison."""
    if config.compatibility_group:
        group = contents.metadata_property(metadata, config.compatibility_group)
        candidates = [
            candidate
            for candidate in candidates
            if contents.metadata_property(candidate.content.metadata, config.compatibility_group) == group
        ]
    return compatibility.select_versions(candidates, level)


async def _check_reserved_fields(
    engines: EngineAccess, new: ResolvedSchema, metadata: Json | None, latest: Sequence[StoredVersion]
) -> list[str]:
    """Check that reserved fields stay reserved and that the schema has none of them."""
    reserved = _reserved_fields(metadata)
    dropped = [
        name for version in latest for name in _reserved_fields(version.content.metadata) if name not in reserved
    ]
    present = await engines.run(ListTopFields(new))
    return [
        *(
            f"The new schema has reserved field {name} removed from its metadata which is present in the old schema's "
            "metadata."
            for name in dropped
        ),
        *(
            f"The new schema has field that conflicts with the reserved field {name}."
            for name in reserved
            if name in present
        ),
    ]


def _reserved_fields(metadata: Json | None) -> list[str]:
    listed = contents.metadata_property(metadata, contents.RESERVED_PROPERTY) or ""
    return [name.strip() for name in listed.split(",") if name.strip()]


async def _find_first_failing(
    store: RegistryView,
    engines: EngineAccess,
    new: ResolvedSchema,
    counted: Sequence[StoredVersion],
    config: Config,
    level: CompatibilityLevel,
) -> list[str]:
    """Return the messages about the first version with which the schema is not compatible; none if there is none."""
    if level is CompatibilityLevel.NONE:
        return []
    key = _make_key(store, new, counted, config, level)
    return await engines.run_once(key, lambda: _compare_in_order(store, engines, new, counted, config, level))


def _make_key(
    store: RegistryView,
    new: ResolvedSchema,
    counted: Sequence[StoredVersion],
    config: Config,
    level: CompatibilityLevel,
) -> Hashable:
    """Return what a comparison with all these versions depends on."""
    refers = any(old.content.references for old in counted)
    return new, tuple(counted), config.compatibility_policy, level, store.revision if refers else None


async def _compare_in_order(
    store: RegistryView,
    engines: EngineAccess,
    new: ResolvedSchema,
    counted: Iterable[StoredVersion],
    config: Config,
    level: CompatibilityLevel,
) -> list[str]:
    turn = Turn()
    for old in counted:
        if turn.is_over():
            await turn.yield_to_others()
        differences = await compare(store, engines, new, old, config, level)
        if differences:
            text = old.content.text
            shown = text if len(text) <= _SHOWN_SCHEMA else text[:_SHOWN_SCHEMA] + "..."
            return [*differences, f"{{oldSchemaVersion: {old.version}}}", f"{{oldSchema: '{shown}'}}"]
    return []


async def compare(
    store: RegistryView,
    engines: EngineAccess,
    new: ResolvedSchema,
    old: StoredVersion,
    config: Config,
    level: CompatibilityLevel,
) -> Sequence[str]:
    """Return every reason why the level does not hold between a schema and one version, as `messages` has it."""
    if old.content.type is not new.type:
        return ["Incompatible because of different schema type"]
    try:
        resolved = parsing.resolve_stored_schema(store, old.content, old.subject)
    except errors.RegistryError as error:
        return [engine_jobs.unreadable(error)]
    return await engines.run(Compare(new, resolved, level, config.compatibility_policy or CompatibilityPolicy.STRICT))

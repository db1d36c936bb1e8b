"""Whether a schema may follow the versions that are registered: the subject's level against the right versions.

Which two schemas of a format are compatible is the schema room's business; here it is decided which versions count,
in which order they are asked, and how the answer reads.
"""

from collections.abc import Iterable, Sequence

import msgspec

from karapace_like.registry import content as contents
from karapace_like.registry import errors, parsing
from karapace_like.registry.content import Json
from karapace_like.registry.parsing import Identity
from karapace_like.registry.remembering import remembered
from karapace_like.registry.settings import Config
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema import compatibility
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, InvalidSchemaError, ParsedSchema

_CACHED_COMPARISONS = 1000
_SHOWN_SCHEMA = 10_000
"""Characters of an old schema that a message quotes at most."""


class Judgement(msgspec.Struct, frozen=True):
    """The outcome of a check; `messages` is empty when compatible."""

    messages: Sequence[str] = ()

    @property
    def is_compatible(self) -> bool:
        """Whether nothing speaks against the schema."""
        return not self.messages


def check(
    store: Store,
    new: ParsedSchema,
    metadata: Json | None,
    candidates: Sequence[StoredVersion],
    config: Config | None,
    default: CompatibilityLevel,
) -> Judgement:
    """Compare with the newest of the candidates (in ascending order), or with all, newest first, if transitive.

    `metadata` is the new schema's. With a `compatibilityGroup`, only versions of its group count; with
    `validateFields`, its reserved fields are looked at, too. The first version that fails ends the check.
    """
    config = config or Config()
    level = config.compatibility_level or default
    messages = _about_reserved_fields(new, metadata, candidates[-1:]) if config.validate_fields else []
    if config.compatibility_group:
        group = contents.metadata_property(metadata, config.compatibility_group)
        candidates = [
            each
            for each in candidates
            if contents.metadata_property(each.content.metadata, config.compatibility_group) == group
        ]
    messages += _about_first_failing(store, new, compatibility.counted(candidates, level), config, level)
    if not messages:
        return Judgement()
    validates = "true" if config.validate_fields else "false"
    return Judgement([*messages, f"{{validateFields: '{validates}', compatibility: '{level}'}}"])


def _about_reserved_fields(new: ParsedSchema, metadata: Json | None, latest: Sequence[StoredVersion]) -> list[str]:
    """Reserved fields stay reserved, and the schema has none of them."""
    reserved = _reserved_fields(metadata)
    dropped = [name for each in latest for name in _reserved_fields(each.content.metadata) if name not in reserved]
    present = FORMATS[new.type].top_fields(new)
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


def _about_first_failing(
    store: Store, new: ParsedSchema, counted: Iterable[StoredVersion], config: Config, level: CompatibilityLevel
) -> list[str]:
    """What speaks against the schema in the first of the versions with which it is not compatible."""
    if level is CompatibilityLevel.NONE:
        return []
    for old in counted:
        found = _reasons(store, new, old, config, level)
        if found:
            text = old.content.text
            shown = text if len(text) <= _SHOWN_SCHEMA else text[:_SHOWN_SCHEMA] + "..."
            return [*found, f"{{oldSchemaVersion: {old.version}}}", f"{{oldSchema: '{shown}'}}"]
    return []


@remembered(_CACHED_COMPARISONS)
def _differences(new: Identity, old: Identity, level: CompatibilityLevel, policy: CompatibilityPolicy) -> Sequence[str]:
    return compatibility.report(new.parsed, compatibility.compare(new.parsed, old.parsed, level, policy))


def _reasons(
    store: Store, new: ParsedSchema, old: StoredVersion, config: Config, level: CompatibilityLevel
) -> Sequence[str]:
    if old.content.type is not new.type:
        return ["Incompatible because of different schema type"]
    try:
        parsed = parsing.stored(store, old.content, old.subject)
    except errors.RegistryError as error:
        return [f"{{errorType:'UNREADABLE_SCHEMA', description:'The old schema cannot be parsed: {error.message}'}}"]
    policy = config.compatibility_policy or CompatibilityPolicy.STRICT
    try:
        return _differences(Identity(new), Identity(parsed), level, policy)
    except InvalidSchemaError as error:
        raise errors.invalid_schema(new.type, str(error)) from error

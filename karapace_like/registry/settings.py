"""Configs and modes of subjects and contexts, and global ones.

An update is merged with the config of the same scope. The nearest scope that has a config wins as a whole; scopes are
not merged (Confluent API, "Config" and "Mode").
"""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy


class Mode(enum.StrEnum):
    """The mode of a subject: which changes are permitted."""

    READWRITE = "READWRITE"
    READONLY = "READONLY"
    READONLY_OVERRIDE = "READONLY_OVERRIDE"
    IMPORT = "IMPORT"
    FORWARD = "FORWARD"

    @property
    def is_readonly(self) -> bool:
        """Whether it forbids every change."""
        return self in {Mode.READONLY, Mode.READONLY_OVERRIDE}

    @property
    def is_import(self) -> bool:
        """Whether requests bring ids and versions, and compatibility is not checked."""
        return self in {Mode.IMPORT, Mode.FORWARD}


_INHERITED = (
    "normalize",
    "validate_fields",
    "validate_new_schemas",
    "validate_rules",
    "compatibility_policy",
    "compatibility_group",
)
"""Neither aliases, metadata and rule sets nor the level. Source: Confluent Schema Registry, unreleased."""


class Config(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """The settings of one scope, as the topic and the API write them; None means not set in this scope."""

    alias: str | None = None
    alias_for_deks: str | None = None
    normalize: bool | None = None
    validate_fields: bool | None = None
    validate_new_schemas: bool | None = None
    validate_rules: bool | None = None
    compatibility_level: CompatibilityLevel | None = None
    compatibility_policy: CompatibilityPolicy | None = None
    compatibility_group: str | None = None
    default_metadata: dict[str, Any] | None = None
    override_metadata: dict[str, Any] | None = None
    default_rule_set: dict[str, Any] | None = None
    override_rule_set: dict[str, Any] | None = None

    @property
    def adds_to_schemas(self) -> bool:
        """Whether it adds metadata or rules to new schemas."""
        added = (self.default_metadata, self.override_metadata, self.default_rule_set, self.override_rule_set)
        return any(setting is not None for setting in added)

    def inherit(self, outer: "Config") -> "Config":
        """Return these settings with those of the outer config that are inherited, as far as they are not set here."""
        unset = {name: getattr(outer, name) for name in _INHERITED if getattr(self, name) is None}
        return msgspec.structs.replace(self, **unset)

    def update(self, changes: Mapping[str, Any]) -> "Config":
        """Return the settings after a request that names these fields; None unsets one."""
        return msgspec.structs.replace(self, **changes)

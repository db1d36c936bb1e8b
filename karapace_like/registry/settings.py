"""Configs and modes: what may be set for a subject, a context or everything, and which of them holds.

A config is merged with what was set before at the same place; the nearest place that has one wins as a whole, it is
not mixed with those above it (Confluent API, "Config" and "Mode").
"""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy


class Mode(enum.StrEnum):
    """What may be done to a subject."""

    READWRITE = "READWRITE"
    READONLY = "READONLY"
    READONLY_OVERRIDE = "READONLY_OVERRIDE"
    IMPORT = "IMPORT"
    FORWARD = "FORWARD"

    @property
    def is_readonly(self) -> bool:
        """No change at all."""
        return self in {Mode.READONLY, Mode.READONLY_OVERRIDE}

    @property
    def is_import(self) -> bool:
        """Ids come with the request, nothing is checked."""
        return self in {Mode.IMPORT, Mode.FORWARD}


class Config(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """The settings at one place, as the topic holds and the API shows them; None is "not set here"."""

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
        """Whether new schemas get metadata or rules from here."""
        added = (self.default_metadata, self.override_metadata, self.default_rule_set, self.override_rule_set)
        return any(each is not None for each in added)

    def updated(self, changes: Mapping[str, Any]) -> "Config":
        """The settings after a request that named these fields; None unsets one."""
        return msgspec.structs.replace(self, **changes)

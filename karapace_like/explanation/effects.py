"""The effect of a new schema on a version that exists: whether it breaks, and in which direction the two still read."""

import enum
from collections.abc import Sequence

import msgspec

from karapace_like.schema import compatibility
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, ParsedSchema


class Effect(enum.StrEnum):
    """The effect on one version."""

    HOLDS = "holds"
    BREAKS = "breaks"
    """Incompatible at its level."""
    DIFFERS = "differs"
    """Incompatible in a direction that its level does not require."""
    UNREADABLE = "unreadable"
    """Its schema can no longer be parsed."""


class Judgement(msgspec.Struct, frozen=True):
    """The effect on one version, and why."""

    effect: Effect
    can_read_old: bool
    """The new schema can read data of this version."""
    can_be_read: bool
    """This version can read data of the new schema."""
    reasons: Sequence[str] = ()
    """Why its level does not hold."""


def make_unreadable(reason: str) -> Judgement:
    """Return the judgement on a version whose schema can no longer be parsed."""
    return Judgement(Effect.UNREADABLE, can_read_old=False, can_be_read=False, reasons=[reason])


def judge(
    new: ParsedSchema,
    old: ParsedSchema,
    level: CompatibilityLevel,
    policy: CompatibilityPolicy,
    *,
    is_compared: bool = True,
) -> Judgement:
    """Return the effect on the old schema; `is_compared` is whether its level compares it with the new one."""
    backward = _list_reasons(new, old, CompatibilityLevel.BACKWARD, policy)
    forward = _list_reasons(new, old, CompatibilityLevel.FORWARD, policy)
    required = compatibility.directions(level) if is_compared else (False, False)
    broken = [
        reason
        for reasons, is_required in zip((backward, forward), required, strict=True)
        if is_required
        for reason in reasons
    ]
    effect = Effect.BREAKS if broken else Effect.DIFFERS if backward or forward else Effect.HOLDS
    return Judgement(effect, can_read_old=not backward, can_be_read=not forward, reasons=broken)


def _list_reasons(
    new: ParsedSchema, old: ParsedSchema, level: CompatibilityLevel, policy: CompatibilityPolicy
) -> list[str]:
    if old.type is not new.type:
        return [f"the schema type changed from {old.type} to {new.type}"]
    findings = compatibility.compare(new, old, level, policy)
    return [f"{finding.incompatibility.rule.name}: {finding.message}" for finding in findings]

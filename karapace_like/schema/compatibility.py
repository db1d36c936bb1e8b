"""Levels: which versions a schema is compared with, in which direction, and how the outcome is told.

What makes two schemas of one format incompatible is that format's own business (`avro/`, `json_schema/`, `protobuf/`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, Incompatibility, ParsedSchema

V = TypeVar("V")

_BACKWARD = {
    CompatibilityLevel.BACKWARD,
    CompatibilityLevel.BACKWARD_TRANSITIVE,
    CompatibilityLevel.FULL,
    CompatibilityLevel.FULL_TRANSITIVE,
}
_FORWARD = {
    CompatibilityLevel.FORWARD,
    CompatibilityLevel.FORWARD_TRANSITIVE,
    CompatibilityLevel.FULL,
    CompatibilityLevel.FULL_TRANSITIVE,
}
_TRANSITIVE = {
    CompatibilityLevel.BACKWARD_TRANSITIVE,
    CompatibilityLevel.FORWARD_TRANSITIVE,
    CompatibilityLevel.FULL_TRANSITIVE,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One incompatibility and the direction it was found in."""

    incompatibility: Incompatibility
    backward: bool
    """True: the new schema could not read old data. False: the old schema could not read new data."""

    @property
    def message(self) -> str:
        """The sentence, with "new" and "old" for the schema being checked and the one that is registered."""
        reader, writer = ("new", "old") if self.backward else ("old", "new")
        return self.incompatibility.message(reader=reader, writer=writer)


def is_transitive(level: CompatibilityLevel) -> bool:
    """Whether every earlier version counts, not only the latest."""
    return level in _TRANSITIVE


def directions(level: CompatibilityLevel) -> tuple[bool, bool]:
    """Whether the new schema is to read old data, and whether the old schema is to read new data."""
    return level in _BACKWARD, level in _FORWARD


def counted(versions: Sequence[V], level: CompatibilityLevel) -> Sequence[V]:
    """Which of the versions (in ascending order) a schema is compared with, in the order in which they are asked."""
    return versions[::-1] if is_transitive(level) else versions[-1:]


def compare(
    new: ParsedSchema,
    old: ParsedSchema,
    level: CompatibilityLevel,
    policy: CompatibilityPolicy = CompatibilityPolicy.STRICT,
) -> list[Finding]:
    """Every reason why the level does not hold between two schemas of one type, backward ones first."""
    compatible = FORMATS[new.type].compatible
    findings: list[Finding] = []
    if level in _BACKWARD:
        findings += [Finding(each, backward=True) for each in compatible(new, old, policy)]
    if level in _FORWARD:
        findings += [Finding(each, backward=False) for each in compatible(old, new, policy)]
    return findings


def report(new: ParsedSchema, findings: Iterable[Finding]) -> Sequence[str]:
    """The findings as the reference registry writes them in `messages` and in its 409 (one string each)."""
    template = FORMATS[new.type].report
    return [
        template.replace("{rule}", each.incompatibility.rule.name)
        .replace("{detail}", each.incompatibility.detail)
        .replace("{message}", each.message)
        for each in findings
    ]

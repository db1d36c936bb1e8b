"""Levels: the versions that a schema is compared with, the directions, and the form of the outcome.

Each format decides what makes two of its schemas incompatible (`avro/`, `json_schema/`, `protobuf/`).
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
    """Return whether every earlier version counts, not only the latest."""
    return level in _TRANSITIVE


def directions(level: CompatibilityLevel) -> tuple[bool, bool]:
    """Return whether the new schema is to read old data, and whether the old schema is to read new data."""
    return level in _BACKWARD, level in _FORWARD


def select_versions(versions: Sequence[V], level: CompatibilityLevel) -> Sequence[V]:
    """Return the versions (given in ascending order) that a schema is compared with, in the order of comparison."""
    return versions[::-1] if is_transitive(level) else versions[-1:]


def compare(
    new: ParsedSchema,
    old: ParsedSchema,
    level: CompatibilityLevel,
    policy: CompatibilityPolicy = CompatibilityPolicy.STRICT,
) -> list[Finding]:
    """Return every reason why the level does not hold between two schemas of one type, backward ones first."""
    find_incompatibilities = FORMATS[new.type].find_incompatibilities
    findings: list[Finding] = []
    if level in _BACKWARD:
        findings += [
            Finding(incompatibility, backward=True) for incompatibility in find_incompatibilities(new, old, policy)
        ]
    if level in _FORWARD:
        findings += [
            Finding(incompatibility, backward=False) for incompatibility in find_incompatibilities(old, new, policy)
        ]
    return findings


def report(new: ParsedSchema, findings: Iterable[Finding]) -> Sequence[str]:
    """Return the findings as Confluent's registry writes them in `messages` and in its 409 (one string each)."""
    template = FORMATS[new.type].REPORT_TEMPLATE
    return [
        template.replace("{rule}", finding.incompatibility.rule.name)
        .replace("{detail}", finding.incompatibility.detail)
        .replace("{message}", finding.message)
        for finding in findings
    ]

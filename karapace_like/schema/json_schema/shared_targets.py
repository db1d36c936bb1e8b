"""Loaded targets of references that several schemas have in common, such as the files of a chain, and their verdicts.

What a target means depends on the targets of the references in it. Each target is stored with these, and taken for
another schema only if its references lead to the same values there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from karapace_like.schema.json_schema.documents import Location
from karapace_like.schema.json_schema.findings import Findings
from karapace_like.schema.json_schema.json_text import JsonValue
from karapace_like.schema.json_schema.schemas import Schema


class OtherTargetError(Exception):
    """A reference in a stored target leads elsewhere in this schema, which has to be loaded by itself."""


class Step(NamedTuple):
    """Something that a target refers to."""

    uri: str | None
    """None: a value inside of the target's own text, which needs no look-up."""
    base: str
    """The base URI of the reference, or of the value."""
    target: Location
    path: str
    """The name of the target in messages."""


@dataclass(frozen=True, slots=True)
class _Stored:
    base: str
    steps: tuple[Step, ...]
    value: JsonValue
    """Kept, so that no other value gets its identity."""


@dataclass(frozen=True, slots=True)
class SharedVerdicts:
    """What comparisons under one policy found out about pairs of nodes, the writer's and the reader's."""

    compatible: set[tuple[Schema, Schema]] = field(default_factory=set)
    findings: dict[tuple[Schema, Schema], Findings] = field(default_factory=dict)
    """Incompatible pair -> all its findings, whichever schema holds it."""


@dataclass(frozen=True, slots=True)
class SharedTargets:
    """The targets of one draft and strictness."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    """Identity of the value -> what it was read as."""
    verdicts: dict[frozenset[str], SharedVerdicts] = field(default_factory=dict)
    """Rules that a policy ignores -> the verdicts under it."""
    _stored: dict[int, _Stored] = field(default_factory=dict)

    def add(self, target: Location, schema: Schema, steps: list[Step]) -> None:
        """Store a target with all that it refers to."""
        self.schemas[id(target.value)] = schema
        self._stored[id(target.value)] = _Stored(target.base, tuple(steps), target.value)

    def find(self, target: Location, look_up: Callable[[str, str], Location]) -> tuple[Step, ...] | None:
        """Return what a stored target refers to; None if it is not stored. Raises OtherTargetError, InvalidSchemaError.

        `look_up` returns the target of (URI, base) in the schema that is loaded.
        """
        stored = self._stored.get(id(target.value))
        if stored is None:
            return None
        if stored.base != target.base:
            raise OtherTargetError
        for step in stored.steps:
            if step.uri is not None:
                target_now = look_up(step.uri, step.base)
                if target_now.value is not step.target.value or target_now.base != step.target.base:
                    raise OtherTargetError
        return stored.steps

"""The findings of a comparison of two schemas, and how a comparer asks about the subschemas.

A comparer is a generator: it yields questions and is sent findings. So neither deep nesting nor a long chain of
references becomes a chain of Python calls, and a pair that many places ask about is compared once.
"""

from collections.abc import Generator
from typing import NamedTuple, TypeAlias

from karapace_like.schema.json_schema.json_text import JsonValue
from karapace_like.schema.json_schema.schemas import Schema

_SHOWN_SEGMENTS = 200
"""Segments of a path at most: only references nest deeper, and then its end says most."""
CUT_PATH = "#/.../"
"""The beginning of a longer path."""

Path: TypeAlias = "tuple[str, Path] | None"
"""A linked list of segments, so that a finding deep down is not copied as text at every level."""


class Finding(NamedTuple):
    """One difference that breaks compatibility."""

    rule: str
    """A key of RULES."""
    path: Path
    """From the compared pair to the keyword or subschema; None for the pair itself."""
    writer: JsonValue = None
    """The fragment of the writer's schema; None for nothing."""
    reader: JsonValue = None
    detail: str = ""

    def under(self, segment: str) -> "Finding":
        """Return the same finding, seen from the schema that holds the pair at `segment`."""
        return Finding(self.rule, (segment, self.path), self.writer, self.reader, self.detail)

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer, as the API shows it."""
        segments: list[str] = []
        path = self.path
        while path is not None:
            segment, path = path
            segments.append(segment)
        if len(segments) > _SHOWN_SEGMENTS:
            return CUT_PATH + "/".join(segments[-_SHOWN_SEGMENTS:])
        return "#/" + "/".join(segments)


def finding(rule: str, segment: str, writer: JsonValue, reader: JsonValue) -> Finding:
    """Return a difference at `segment` of the compared pair; empty for the pair itself."""
    return Finding(rule, (segment, None) if segment else None, writer, reader)


Findings: TypeAlias = tuple[Finding, ...]


class Question(NamedTuple):
    """A pair of subschemas, as a comparer yields it."""

    writer: Schema
    reader: Schema
    in_full: bool = False
    """Whether every finding is wanted, or only whether there is one."""


Comparison: TypeAlias = Generator[Question, Findings, list[Finding]]


def compare_subschemas(segment: str, writer: Schema, reader: Schema) -> Comparison:
    """Compare two subschemas; the paths of the findings begin with `segment`."""
    findings = yield Question(writer, reader, in_full=True)
    return [inner.under(segment) for inner in findings]

"""Why one schema may not follow another: each reason with its place in both texts, an example record and advice."""

import enum
from collections.abc import Callable, Sequence

import msgspec

from karapace_like.explanation.advice import find_advice
from karapace_like.explanation.examples import Example, Side, find_example
from karapace_like.explanation.excerpts import Excerpt, make_excerpt
from karapace_like.schema.compatibility import Finding
from karapace_like.schema.files import Source
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import SchemaType

MAX_EXPLAINED = 100
"""Incompatibilities of two schemas that a response of the service explains."""
_MAX_EXAMPLES = 3
"""Incompatibilities of one direction that have an example record: more of them say the same."""
_MAX_SEARCHED = 200_000
"""Characters of both schemas, above which no record is short enough to be shown."""


class Direction(enum.StrEnum):
    """The direction in which data cannot be read."""

    BACKWARD = "backward"
    """The new schema cannot read old data."""
    FORWARD = "forward"
    """The old schema cannot read new data."""
    BOTH = "both"


class Explanation(msgspec.Struct, frozen=True):
    """One incompatibility, explained."""

    rule: str
    message: str
    direction: Direction
    detail: str
    """What more there is to say, such as both types; empty where the message says everything."""
    path: str
    """The place in the reader's schema, in its format's notation (`/fields/2`, `#/Order/3`)."""
    place: Excerpt
    """In the new schema; `Excerpt.path` is the reference's name, empty for the schema itself."""
    old_place: Excerpt
    advice: str | None = None
    example: Example | None = None
    """A record of the old schema that breaks readers of the new one; `forward`: the other way round."""


def explain(
    new: Side,
    old: Side,
    findings: Sequence[Finding],
    may_have_example: Callable[[Explanation], bool] = lambda _: True,
) -> list[Explanation]:
    """Return an explanation for each finding; two that differ only in their direction become one.

    `may_have_example` is asked before an example is searched for, which can take long.
    """
    explanations: dict[tuple[object, ...], Explanation] = {}
    examples = {True: 0, False: 0}
    is_searched = len(new.source.text) + len(old.source.text) <= _MAX_SEARCHED
    for finding in findings:
        explanation = _explain_finding(new, old, finding)
        reason = (explanation.rule, explanation.path, explanation.place, explanation.old_place)
        if reason in explanations:
            explanations[reason] = msgspec.structs.replace(explanations[reason], direction=Direction.BOTH)
            continue
        if is_searched and examples[finding.backward] < _MAX_EXAMPLES and may_have_example(explanation):
            examples[finding.backward] += 1
            writer, reader = (old, new) if finding.backward else (new, old)
            example = find_example(writer, reader, finding.incompatibility.path)
            explanation = msgspec.structs.replace(explanation, example=example)
        explanations[reason] = explanation
    return list(explanations.values())


def drop_repeated_examples(explanations: Sequence[Explanation]) -> list[Explanation]:
    """Return the explanations for a reader of all: an example that shows several incompatibilities is there once."""
    shown: set[tuple[bool, Example | None]] = set()
    once: list[Explanation] = []
    for explanation in explanations:
        key = explanation.direction is Direction.FORWARD, explanation.example
        once.append(msgspec.structs.replace(explanation, example=None) if key in shown else explanation)
        shown.add(key)
    return once


def _explain_finding(new: Side, old: Side, finding: Finding) -> Explanation:
    reader = new.source if finding.backward else old.source
    incompatibility = finding.incompatibility
    return Explanation(
        rule=incompatibility.rule.name,
        message=finding.message,
        detail=incompatibility.detail,
        direction=Direction.BACKWARD if finding.backward else Direction.FORWARD,
        path=incompatibility.path,
        place=locate(new.parsed.type, new.source, incompatibility.path, reader),
        old_place=locate(old.parsed.type, old.source, incompatibility.path, reader),
        advice=find_advice(incompatibility.rule.name),
    )


def locate(schema_type: SchemaType, source: Source, path: str, reader: Source) -> Excerpt:
    """Return the place in one of the source's documents, which names it, where a path of the reader's schema leads."""
    place = FORMATS[schema_type].locate(source, path, reader)
    text = source.documents[place.document]
    return make_excerpt(place.document, text, place.offset, is_exact=place.is_exact)

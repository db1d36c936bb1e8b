"""What is different between two versions of a schema, in the words of schemas: fields, types, defaults.

Layout and order of keys make no difference; documentation does, and is told.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from karapace_like.schema import compatibility, formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    Dependencies,
    InvalidSchemaError,
    ParsedSchema,
    Strictness,
    UnparsedSchema,
)
from karapace_like.schema.outline import Element
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.report import printable

_SHOWN = ("type", "default", "number", "size")
"""Attributes that are told of what is added or removed."""
_SILENT = frozenset({"position"})
"""Attributes that change with others and are told only where nothing else did."""


class Sign(enum.StrEnum):
    """What happened to an element."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


class Change(msgspec.Struct, frozen=True):
    """One difference; `attribute`, `old` and `new` are of a changed one, null where there is nothing."""

    sign: Sign
    kind: str
    name: str
    attribute: str | None = None
    old: str | None = None
    new: str | None = None

    @property
    def sentence(self) -> str:
        """One line."""
        if self.sign is not Sign.CHANGED:
            said = self.new if self.sign is Sign.ADDED else self.old
            return f"{self.sign} {self.kind} {self.name}" + (f": {said}" if said else "")
        return f"{self.sign} {self.kind} {self.name}: {self.attribute} {_quoted(self.old)} -> {_quoted(self.new)}"


class Difference(msgspec.Struct, frozen=True):
    """All of it."""

    changes: Sequence[Change]
    backward: Sequence[str]
    """Why the new schema cannot read old data; empty if it can."""
    forward: Sequence[str]
    """Why the old schema cannot read new data."""

    def text(self) -> str:
        """For people."""
        lines = [each.sentence for each in self.changes] or ["No difference"]
        for name, reasons, reads in (
            ("BACKWARD", self.backward, "the new schema reads old data"),
            ("FORWARD", self.forward, "the old schema reads new data"),
        ):
            lines.append(f"{name}: {'incompatible' if reasons else f'compatible, {reads}'}")
            lines += [f"  {each}" for each in reasons]
        return "\n".join(map(printable, lines)) + "\n"


def difference(old: Earlier, new: Earlier) -> Difference:
    """Between two versions of one format; raises InvalidSchemaError, ToolError for two formats."""
    if old.type is not new.type:
        raise ToolError(f"One is {old.type} and the other {new.type}: there is nothing to compare.")
    before, after = _parsed(old), _parsed(new)
    outline = FORMATS[old.type].outline
    changes = list(_changes(outline(before, old.source.text), outline(after, new.source.text)))
    return Difference(
        [*changes, *_references(old.source.dependencies, new.source.dependencies)],
        _reasons(after, before, CompatibilityLevel.BACKWARD),
        _reasons(after, before, CompatibilityLevel.FORWARD),
    )


def _parsed(version: Earlier) -> ParsedSchema:
    schema = UnparsedSchema(version.type, version.source.text)
    try:
        return formats.parse(schema, version.source.dependencies, Strictness.STORED)
    except InvalidSchemaError as error:
        raise ToolError(f"{version.paths.get('', 'A version')} cannot be read: {error}") from error


def _reasons(new: ParsedSchema, old: ParsedSchema, level: CompatibilityLevel) -> list[str]:
    found = compatibility.compare(new, old, level, CompatibilityPolicy.STRICT)
    return [f"{each.incompatibility.rule.name}: {each.message}" for each in found]


def _changes(old: Sequence[Element], new: Sequence[Element]) -> Iterator[Change]:
    """Removed things first, then the new schema from top to bottom."""
    before = {each.key: each for each in old}
    after = {each.key: each for each in new}
    for each in old:
        if each.key not in after and not _is_inside(each, before, after):
            yield Change(Sign.REMOVED, each.kind, each.title, old=_told(each.attributes))
    shifted = _shifted(before, after)
    for each in new:
        if each.key not in before:
            if not _is_inside(each, after, before):
                yield Change(Sign.ADDED, each.kind, each.title, new=_told(each.attributes))
        else:
            yield from _changed(before[each.key], each, is_shifted=each.within in shifted)


def _references(old: Dependencies, new: Dependencies) -> Iterator[Change]:
    """What is referred to and is another text now: the schema may say the same and mean something else."""
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(Sign.REMOVED, "reference", name)
        elif name not in old:
            yield Change(Sign.ADDED, "reference", name)
        elif old[name] != new[name]:
            yield Change(Sign.CHANGED, "reference", name, "text", "as it was", "another")


def _is_inside(element: Element, own: Mapping[str, Element], other: Mapping[str, Element]) -> bool:
    """Whether what it is in is missing from the other schema as well, and so told instead."""
    return element.within in own and element.within not in other


def _shifted(before: Mapping[str, Element], after: Mapping[str, Element]) -> set[str]:
    """The records whose fields are in another order: not those that others made room for."""
    orders: dict[str, tuple[list[str], list[str]]] = {}
    for side, (own, other) in enumerate(((before, after), (after, before))):
        for each in own.values():
            if "position" in each.attributes and each.key in other:
                orders.setdefault(each.within, ([], []))[side].append(each.key)
    return {within for within, (old, new) in orders.items() if old != new}


def _changed(old: Element, new: Element, *, is_shifted: bool) -> Iterator[Change]:
    for name in dict.fromkeys([*old.attributes, *new.attributes]):
        was, is_ = old.attributes.get(name), new.attributes.get(name)
        if was != is_ and (name not in _SILENT or is_shifted):
            yield Change(Sign.CHANGED, new.kind, new.title, name, was, is_)


def _told(attributes: Mapping[str, str]) -> str:
    said = [
        attributes[name] if name == "type" else f"{name} {attributes[name]}" for name in _SHOWN if name in attributes
    ]
    return ", ".join(said)


def _quoted(value: str | None) -> str:
    return "(none)" if value is None else value

"""The differences between two versions of a schema: fields, types, defaults, documentation.

Layout and the order of keys are ignored.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from karapace_like.schema import compatibility
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, Dependencies, ParsedSchema
from karapace_like.schema.outline import Element

_SHOWN = ("type", "default", "number", "size")
"""Attributes that are shown for an added or removed element."""
_SILENT = frozenset({"position"})
"""Attributes that change with others; they are shown only if nothing else changed."""


class Sign(enum.StrEnum):
    """The kind of a change."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


class Change(msgspec.Struct, frozen=True):
    """One difference; `attribute` belongs to a changed element, `old` and `new` are null where a value is absent."""

    sign: Sign
    kind: str
    name: str
    attribute: str | None = None
    old: str | None = None
    new: str | None = None

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        if self.sign is not Sign.CHANGED:
            value = self.new if self.sign is Sign.ADDED else self.old
            return f"{self.sign} {self.kind} {self.name}" + (f": {value}" if value else "")
        return f"{self.sign} {self.kind} {self.name}: {self.attribute} {_quote(self.old)} -> {_quote(self.new)}"


class Difference(msgspec.Struct, frozen=True):
    """All differences, and the compatibility in both directions."""

    changes: Sequence[Change]
    backward: Sequence[str]
    """Reasons why the new schema cannot read old data; empty if it can."""
    forward: Sequence[str]
    """Reasons why the old schema cannot read new data; empty if it can."""


class ParsedVersion(msgspec.Struct, frozen=True):
    """A version that is compared: its parsed form, its text, and the texts of what it refers to."""

    parsed: ParsedSchema
    text: str
    dependencies: Dependencies


def compare_versions(old: ParsedVersion, new: ParsedVersion) -> Difference:
    """Return the differences between two versions of one type."""
    outline = FORMATS[old.parsed.type].list_elements
    changes = list(_compare_outlines(outline(old.parsed, old.text), outline(new.parsed, new.text)))
    return Difference(
        [*changes, *_compare_references(old.dependencies, new.dependencies)],
        _list_reasons(new.parsed, old.parsed, CompatibilityLevel.BACKWARD),
        _list_reasons(new.parsed, old.parsed, CompatibilityLevel.FORWARD),
    )


def _list_reasons(new: ParsedSchema, old: ParsedSchema, level: CompatibilityLevel) -> list[str]:
    findings = compatibility.compare(new, old, level, CompatibilityPolicy.STRICT)
    return [f"{finding.incompatibility.rule.name}: {finding.message}" for finding in findings]


def _compare_outlines(old: Sequence[Element], new: Sequence[Element]) -> Iterator[Change]:
    """Yield removed elements first, then the other changes from top to bottom of the new schema."""
    before = {element.key: element for element in old}
    after = {element.key: element for element in new}
    for element in old:
        if element.key not in after and not _is_inside(element, before, after):
            yield Change(Sign.REMOVED, element.kind, element.title, old=_list_attributes(element.attributes))
    shifted = _find_reordered_records(before, after)
    for element in new:
        if element.key not in before:
            if not _is_inside(element, after, before):
                yield Change(Sign.ADDED, element.kind, element.title, new=_list_attributes(element.attributes))
        else:
            yield from _find_changes(before[element.key], element, is_shifted=element.within in shifted)


def _compare_references(old: Dependencies, new: Dependencies) -> Iterator[Change]:
    """Yield changed references: an equal text has another meaning if a schema that it refers to has changed."""
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(Sign.REMOVED, "reference", name)
        elif name not in old:
            yield Change(Sign.ADDED, "reference", name)
        elif old[name] != new[name]:
            yield Change(Sign.CHANGED, "reference", name, "text", "before", "changed")


def _is_inside(element: Element, own: Mapping[str, Element], other: Mapping[str, Element]) -> bool:
    """Return whether the enclosing element is missing as well, so that only that one is shown."""
    return element.within in own and element.within not in other


def _find_reordered_records(before: Mapping[str, Element], after: Mapping[str, Element]) -> set[str]:
    """Return the records whose common fields are in another order, apart from added and removed ones."""
    orders: dict[str, tuple[list[str], list[str]]] = {}
    for side, (own, other) in enumerate(((before, after), (after, before))):
        for element in own.values():
            if "position" in element.attributes and element.key in other:
                orders.setdefault(element.within, ([], []))[side].append(element.key)
    return {within for within, (old, new) in orders.items() if old != new}


def _find_changes(old: Element, new: Element, *, is_shifted: bool) -> Iterator[Change]:
    for name in dict.fromkeys([*old.attributes, *new.attributes]):
        was, is_ = old.attributes.get(name), new.attributes.get(name)
        if was != is_ and (name not in _SILENT or is_shifted):
            yield Change(Sign.CHANGED, new.kind, new.title, name, was, is_)


def _list_attributes(attributes: Mapping[str, str]) -> str:
    shown = [
        attributes[name] if name == "type" else f"{name} {attributes[name]}" for name in _SHOWN if name in attributes
    ]
    return ", ".join(shown)


def _quote(value: str | None) -> str:
    return "(none)" if value is None else value

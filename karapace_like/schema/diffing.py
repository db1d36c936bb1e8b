"""The differences between two versions of a schema: fields, types, defaults, documentation.

Layout and the order of keys are ignored.
"""

import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from karapace_like.schema import compatibility
from karapace_like.schema.compatibility import Finding
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, Dependencies, ParsedSchema
from karapace_like.schema.outline import Element

_SHOWN = ("type", "default", "number", "size")
"""Attributes that are shown for an added or removed element."""
_SILENT = frozenset({"position"})
"""Attributes that change with others; they are shown only if nothing else changed."""

_HARMLESS = frozenset({"position", "doc"})
"""Attributes that break no rule."""


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
    rules: tuple[str, ...] = ()
    """The compatibility rules that the change breaks, in either direction."""

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
    before, after = outline(old.parsed, old.text), outline(new.parsed, new.text)
    findings = compatibility.compare(new.parsed, old.parsed, CompatibilityLevel.FULL, CompatibilityPolicy.STRICT)
    changes = list(_compare_outlines(before, after))
    rules = _find_broken_rules(findings, before, after, {element.key: element for element, _ in changes})
    return Difference(
        [
            *(
                change
                if change.attribute in _HARMLESS
                else msgspec.structs.replace(change, rules=tuple(sorted(rules.get(element.key, ()))))
                for element, change in changes
            ),
            *_compare_references(old.dependencies, new.dependencies),
        ],
        _list_reasons(findings, is_backward=True),
        _list_reasons(findings, is_backward=False),
    )


def _list_reasons(findings: Sequence[Finding], *, is_backward: bool) -> list[str]:
    return [
        f"{finding.incompatibility.rule.name}: {finding.message}"
        for finding in findings
        if finding.backward == is_backward
    ]


def _find_broken_rules(
    findings: Sequence[Finding], before: Sequence[Element], after: Sequence[Element], changed: Mapping[str, Element]
) -> Mapping[str, set[str]]:
    """Return the rules that each changed element breaks, by its key.

    A finding belongs to the innermost element at its path, which is one in the reader's schema. What the reader lacks
    has a path in the other schema, and what has no path of its own, such as a symbol, has that of its list.
    """
    paths = [_group_by_path(elements) for elements in (before, after)]
    common = {element.key for element in before} & {element.key for element in after}
    rules: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        path = finding.incompatibility.path
        reader, writer = paths[::-1] if finding.backward else paths
        elements = _find_innermost(reader, path)
        missing = [element for element in _find_innermost(writer, path) if element.key not in common]
        if _measure_path(missing) > _measure_path(elements):
            elements = missing
        keys = {element.key for element in elements} & changed.keys()
        beside = {(element.kind, element.within) for element in elements}
        for key in keys or {key for key, element in changed.items() if (element.kind, element.within) in beside}:
            rules[key].add(finding.incompatibility.rule.name)
    return rules


def _group_by_path(elements: Sequence[Element]) -> Mapping[str, list[Element]]:
    by_path: dict[str, list[Element]] = defaultdict(list)
    for element in elements:
        by_path[element.path].append(element)
        if "oneof" in element.attributes:  # which a finding's path names, too
            parent, _, last = element.path.rpartition("/")
            by_path[f"{parent}/{element.attributes['oneof']}/{last}"].append(element)
    return by_path


def _find_innermost(by_path: Mapping[str, list[Element]], path: str) -> Sequence[Element]:
    while path:
        if path in by_path:
            return by_path[path]
        path = path.rpartition("/")[0]
    return ()


def _measure_path(elements: Sequence[Element]) -> int:
    return len(elements[0].path) if elements else 0


def _compare_outlines(old: Sequence[Element], new: Sequence[Element]) -> Iterator[tuple[Element, Change]]:
    """Yield changes with their elements: removed ones first, then the others from top to bottom of the new schema."""
    before = {element.key: element for element in old}
    after = {element.key: element for element in new}
    for element in old:
        if element.key not in after and not _is_inside(element, before, after):
            yield element, Change(Sign.REMOVED, element.kind, element.title, old=_list_attributes(element.attributes))
    shifted = _find_reordered_records(before, after)
    for element in new:
        if element.key not in before:
            if not _is_inside(element, after, before):
                yield element, Change(Sign.ADDED, element.kind, element.title, new=_list_attributes(element.attributes))
        else:
            changes = _find_changes(before[element.key], element, is_shifted=element.within in shifted)
            yield from ((element, change) for change in changes)


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

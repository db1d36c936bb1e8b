"""An upper bound of the work to validate a value with a JSON Schema, computed from the schema before any value.

The schema is read as an automaton. A state is a kind of place in documents: the subschemas that apply there, each with
the number of times that the validator evaluates it there. Alternatives that refer to each other in doubling numbers
show as numbers that double, from one subschema to the next or from one level of the document to the next. A step of
work is one subschema, keyword's entry or character of a pattern's string, about 20 ns. The bound is generous: it may
be far above the work, and never knowingly below.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from karapace_like.schema.json_schema.documents import Documents, Location
from karapace_like.schema.model import InvalidSchemaError

BACKTRACK_LIMIT = 50_000
"""Steps after which a pattern with lookarounds or back-references gives up."""
UNBOUNDED = 1 << 60
"""The cost of a schema whose own analysis would be too much work."""

_MAX_ANALYSIS = 2_000
"""Subschemas that are looked at, at some place, before the analysis gives up, apart from `_ANALYSIS_PER_CHARACTER`."""
_ANALYSIS_PER_CHARACTER = 2
_REEVALUATIONS = 8
"""How often `unevaluated*` may evaluate what stands beside it again."""
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")
_IN_PLACE_MAPS = ("dependentSchemas", "dependencies")
_OF_ANY_PROPERTY = ("unevaluatedProperties", "propertyNames")
_OF_ANY_ITEM = ("contains", "unevaluatedItems")
_DYNAMIC = ("$dynamicRef", "$recursiveRef")
_VALUES = ("enum", "const")
_BACKTRACKING = re.compile(r"\(\?(?:<?[=!]|>|\()|\\[1-9kKgG]|[*+?}]\+")
"""Syntax that only a backtracking engine knows; also what merely looks like it, in a class of characters."""
_PATTERN_PART = re.compile(
    r"(?P<class>\[(?:[^\]\\]|\\.)*+(?:\]|\\?\Z))|(?P<property>\\[pP](?:\{[^}]{0,50}\})?)|(?P<open>\()|(?P<close>\))"
    r"|\{(?P<least>\d{1,9})(?:,(?P<most>\d{0,9}))?\}|\\[ux]\{[^}]{0,9}\}|\\.|.",
    re.DOTALL,
)
"""Every text is a sequence of them, and each character is looked at a few times at most."""
_PROPERTY_SIZE = 1_000
"""Of a property of Unicode such as \\p{L}, in characters that take as long to compile."""
_QUADRATIC_PART = 8
"""Pairs of characters in one step."""
_SIZE_PER_STEP = 8
"""An automaton looks at several of its states in one step."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one schema, in steps."""

    once: int = UNBOUNDED
    """Of all places that a document has once at most."""
    place: int = UNBOUNDED
    """Of one place among those that a document may have many times; the largest."""
    character: int = UNBOUNDED
    """Of one character of a string; the largest."""
    is_quadratic: bool = True
    """Whether patterns may take a time that grows with the square of a string's length."""

    def bound(self, text: bytes) -> int:
        """Return the most steps that one JSON value takes."""
        length = len(text)
        places = 1 + text.count(b",") + text.count(b"[") + text.count(b"{")
        steps = self.once + places * self.place + length * self.character
        return steps + length * length // _QUADRATIC_PART if self.is_quadratic else steps

    def find_safe_length(self, steps: int) -> int:
        """Return a length up to which no JSON value takes more steps; negative where there is none."""
        left = steps - self.once - self.place
        length = left // (self.place + self.character)
        return min(length // 2, math.isqrt(left * _QUADRATIC_PART // 2)) if self.is_quadratic and left > 0 else length


def measure(documents: Documents, characters: int, start: Location | None = None) -> Cost:
    """Return the cost of a schema in the documents, or else their root; `characters` is the length of all texts."""
    automaton = _Automaton(documents, _MAX_ANALYSIS + _ANALYSIS_PER_CHARACTER * characters)
    try:
        return automaton.measure(start or documents.root)
    except (_ExcessError, RecursionError, InvalidSchemaError):
        return Cost()


def measure_patterns(root: Any) -> int:
    """Return the size of all patterns anywhere in a schema's value: 100,000 take about 25 ms to compile."""
    size, pending = 0, [root]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            size += sum(map(measure_pattern, _list_patterns(value)))
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return size


def measure_pattern(pattern: str) -> int:
    """Return the number of characters of the pattern, with what is repeated written out."""
    totals, last = [0], 0
    for part in _PATTERN_PART.finditer(pattern):
        if part["open"]:
            totals.append(0)
            last = 0
        elif part["close"]:
            last = totals.pop() if len(totals) > 1 else 0
            totals[-1] += last
        elif part["least"]:
            times = max(int(part["least"]), int(part["most"] or 0), 1)
            repeated = min(last * times, UNBOUNDED)
            totals[-1] += repeated - last
            last = repeated
        else:
            has_property = part["property"] or "\\p" in (characters := part["class"] or "") or "\\P" in characters
            last = _PROPERTY_SIZE if has_property else 1
            totals[-1] += last
    return sum(totals)


class _ExcessError(Exception):
    """The analysis gives up."""


@dataclass(slots=True)
class _Node:
    """One subschema."""

    steps: int = 1
    """Of evaluating it alone, at one place."""
    per_character: int = 0
    """Of a string: steps that the patterns take for each character."""
    is_quadratic: bool = False
    in_place: Counter[int] = field(default_factory=Counter)
    """Subschemas for the same place, with the number of evaluations."""
    named: dict[str | int, list[int]] = field(default_factory=dict)
    """Property's name or item's index -> the subschemas for that place only."""
    otherwise: list[int] = field(default_factory=list)
    """Subschemas for properties and items that are not named."""
    always: list[int] = field(default_factory=list)
    """Subschemas for all properties, or all items."""


_State = frozenset[tuple[int, int]]
"""(subschema, times)."""


class _Automaton:
    """The analysis of one schema; a subschema is known by its index."""

    def __init__(self, documents: Documents, budget: int) -> None:
        self._documents = documents
        self._budget = budget
        self._indexes: dict[int, int] = {}
        self._locations: list[Location] = []
        self._nodes: dict[int, _Node] = {}
        self._closures: dict[int, Counter[int]] = {}

    def measure(self, root: Location) -> Cost:
        start = self._close(Counter([self._index(root.value, root.base)]))
        is_repeated: dict[_State, bool] = {}
        pending = [(start, False)]
        while pending:
            state, repeats = pending.pop()
            before = is_repeated.get(state)
            repeats = repeats or before is not None
            if before is None or (repeats and not before):
                is_repeated[state] = repeats
                pending.extend((after, repeats or again) for after, again in self._follow(state))
        once = sum(self._steps(state) for state, repeats in is_repeated.items() if not repeats)
        slowest = max((self._steps(state) for state, repeats in is_repeated.items() if repeats), default=1)
        return Cost(
            once,
            slowest,
            max(sum(times * self._nodes[at].per_character for at, times in state) for state in is_repeated),
            any(node.is_quadratic for node in self._nodes.values()),
        )

    def _steps(self, state: _State) -> int:
        return sum(times * self._nodes[at].steps for at, times in state)

    def _spend(self, work: int) -> None:
        self._budget -= work
        if self._budget < 0:
            raise _ExcessError

    def _index(self, value: Any, base: str) -> int:
        index = self._indexes.setdefault(id(value), len(self._locations))
        if index == len(self._locations):
            self._locations.append(Location(value, base))
        return index

    def _node(self, index: int) -> _Node:
        node = self._nodes.get(index)
        if node is None:
            node = self._nodes[index] = _Node()
            value, base = self._locations[index]
            if isinstance(value, dict):
                self._read(node, value, self._documents.base_of(value, base))
        return node

    def _read(self, node: _Node, value: Mapping[str, Any], base: str) -> None:
        """Fill in the node of an object."""
        if any(keyword in value for keyword in _DYNAMIC):
            raise _ExcessError  # its target depends on the way to it
        node.steps += sum(len(children) for children in value.values() if isinstance(children, list | dict))
        node.steps += sum(_count(value[keyword]) for keyword in _VALUES if keyword in value)
        self._spend(node.steps)
        for pattern in _list_patterns(value):
            node.per_character += 1 + measure_pattern(pattern) // _SIZE_PER_STEP
            if _BACKTRACKING.search(pattern):
                node.steps += BACKTRACK_LIMIT
                node.is_quadratic = True
        again = _REEVALUATIONS if "unevaluatedProperties" in value or "unevaluatedItems" in value else 1
        for subschema in _list_in_place(value):
            node.in_place[self._index(subschema, base)] += again
        if isinstance(reference := value.get("$ref"), str):
            node.in_place[self._index(*self._documents.find(reference, base))] += again
        self._read_children(node, value, base)

    def _read_children(self, node: _Node, value: Mapping[str, Any], base: str) -> None:
        for name, subschema in _get_map(value, "properties").items():
            node.named[name] = [self._index(subschema, base)]
        first = value.get("prefixItems", value.get("items"))
        for at, subschema in enumerate(first if isinstance(first, list) else ()):
            node.named[at] = [self._index(subschema, base)]
        for keyword in ("additionalProperties", "items", "additionalItems"):
            if _is_schema(value.get(keyword)):
                node.otherwise.append(self._index(value[keyword], base))
        node.always += [self._index(subschema, base) for subschema in _get_map(value, "patternProperties").values()]
        node.always += [
            self._index(value[keyword], base)
            for keyword in (*_OF_ANY_PROPERTY, *_OF_ANY_ITEM)
            if _is_schema(value.get(keyword))
        ]

    def _closure(self, index: int) -> Counter[int]:
        """Return the subschemas that evaluating this one at a place evaluates there, itself included."""
        closure = self._closures.get(index)
        if closure is None:
            self._closures[index] = Counter({index: UNBOUNDED})  # for one that leads back to itself
            closure = Counter([index])
            for target, times in self._node(index).in_place.items():
                _add(closure, self._closure(target), times)
            self._closures[index] = closure
            self._spend(len(closure))
        return closure

    def _close(self, evaluated: Counter[int]) -> _State:
        closed = Counter[int]()
        for index, times in evaluated.items():
            _add(closed, self._closure(index), times)
        self._spend(len(closed))
        if closed.total() > UNBOUNDED:
            raise _ExcessError
        return frozenset(closed.items())

    def _follow(self, state: _State) -> Iterator[tuple[_State, bool]]:
        """Yield the state of each kind of place below, and whether a document may have several of it there."""
        names = {name: None for at, _ in state for name in self._nodes[at].named}
        for name in (*names, None):
            below = Counter[int]()
            for at, times in state:
                node = self._nodes[at]
                named = node.otherwise if name is None else node.named.get(name, node.otherwise)
                for target in (*named, *node.always):
                    below[target] += times
            if below:
                self._spend(len(state))
                yield self._close(below), name is None


def _add(total: Counter[int], other: Counter[int], times: int) -> None:
    for index, count in other.items():
        total[index] += count * times


def _list_in_place(value: Mapping[str, Any]) -> Iterator[Any]:
    for keyword in _IN_PLACE_LISTS:
        alternatives = value.get(keyword)
        if isinstance(alternatives, list):
            yield from alternatives
    for keyword in _IN_PLACE:
        if keyword in value:
            yield value[keyword]
    for keyword in _IN_PLACE_MAPS:
        yield from filter(_is_schema, _get_map(value, keyword).values())


def _list_patterns(value: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(pattern := value.get("pattern"), str):
        yield pattern
    yield from _get_map(value, "patternProperties")


def _get_map(value: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    mapping = value.get(keyword)
    return mapping if isinstance(mapping, dict) else {}


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _count(value: Any) -> int:
    """Return the number of values in a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inside))

"""From JSON values to typed schemas, as strict as Confluent's loaders and no stricter.

Checked is what the draft's keywords need (a type that exists, `required` a list of strings, a `multipleOf` that is
not 0), not what the meta-schema says besides (a negative `minLength`, an empty `enum` pass). Definitions are read only
when something refers to them.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

from karapace_like.schema.json_schema import pattern
from karapace_like.schema.json_schema.cursor import Cursor, mistyped_error, strings
from karapace_like.schema.json_schema.digests import Digests
from karapace_like.schema.json_schema.documents import Documents, Location
from karapace_like.schema.json_schema.draft import GROUPS, REFERENCES, Draft, Group
from karapace_like.schema.json_schema.json_text import JsonObject, JsonValue, write
from karapace_like.schema.json_schema.schemas import (
    Anything,
    Array,
    Boolean,
    Combined,
    Conditional,
    Const,
    Criterion,
    Enum,
    Not,
    Nothing,
    Null,
    Number,
    Numeric,
    Object,
    Reference,
    Schema,
    String,
)
from karapace_like.schema.json_schema.shared_targets import OtherTargetError, SharedTargets, Step
from karapace_like.schema.model import Strictness

MAX_PATTERNS = 200
"""In one `patternProperties`: a comparison tries each with every property that the other schema names."""


class Loader:
    """Reads the values of one schema text; `load` is called once.

    Between two nested schemas lie at most four calls, so that the deepest text allowed fits Python's stack.
    """

    def __init__(
        self,
        documents: Documents,
        draft: Draft,
        strictness: Strictness,
        shared: SharedTargets | None = None,
        *,
        reads_references: bool = True,
    ) -> None:
        """Without `reads_references`, what other texts hold is found but not read; the result cannot be compared."""
        self._shared = shared
        self._steps: list[Step] | None = None
        """All that the target refers to which is loaded to be shared."""
        self._reads_references = reads_references
        self._documents = documents
        self._draft = draft
        self._groups = GROUPS[draft]
        self._strictness = strictness
        self._digests = Digests()
        self._targets: dict[int, Schema] = {}
        self._referred: set[int] = set()
        self._pending: list[tuple[JsonValue, str, str]] = []
        # One node per independent constraint. The type comes before what it takes: the keywords for its own values.
        self._parts: Mapping[Group, Callable[[Cursor, set[Group]], list[Schema]]] = {
            Group.REFERENCE: self._references,
            Group.ENUM: lambda cursor, _: [_enum(cursor)],
            Group.COMBINED: self._combinations,
            Group.NOT: lambda cursor, _: [self._not(cursor)],
            Group.CONST: lambda cursor, _: [Const(cursor.value, write(cursor.value["const"], sort_keys=True))],
            Group.TYPE: self._types,
            Group.ARRAY: lambda cursor, _: [self._array(cursor)],
            Group.OBJECT: lambda cursor, _: [self._object(cursor)],
            Group.NUMBER: lambda cursor, _: [self._numeric(cursor, integer=False)],
            Group.STRING: lambda cursor, _: [self._string(cursor)],
            Group.CONDITIONAL: lambda cursor, _: [self._conditional(cursor)],
        }
        self._of_type: Mapping[str, tuple[Group, Callable[[Cursor], Schema]]] = {
            "string": (Group.STRING, self._string),
            "integer": (Group.NUMBER, lambda cursor: self._numeric(cursor, integer=True)),
            "number": (Group.NUMBER, lambda cursor: self._numeric(cursor, integer=False)),
            "boolean": (Group.TYPE, lambda cursor: Boolean(cursor.value)),
            "null": (Group.TYPE, lambda cursor: Null(cursor.value)),
            "array": (Group.ARRAY, self._array),
            "object": (Group.OBJECT, self._object),
        }

    def load(self) -> Schema:
        """The root's schema, every reference in it resolved; raises InvalidSchemaError, OtherTargetError."""
        root = self._documents.root
        schema = self._schema(root.value, root.base, "#")
        while self._pending:
            value, base, path = self._pending.pop()
            if self._shared is None or id(value) in self._own_values:
                self._targets[id(value)] = self._schema(value, base, path)
            else:
                self._load_shared_target(self._shared, Location(value, base), path)
        return schema

    def _load_shared_target(self, shared: SharedTargets, target: Location, path: str) -> None:
        steps = shared.find(target, self._documents.find)
        if steps is None:
            self._steps = []
            shared.add(target, self._schema(target.value, target.base, path), self._steps)
            self._steps = None
            return
        for step in steps:
            self._refer(step.target.value, step.target.base, step.path)

    @cached_property
    def _own_values(self) -> set[int]:
        """The identities of all objects in the schema's own text."""
        own: set[int] = set()
        pending = [self._documents.root.value]
        while pending:
            value = pending.pop()
            if isinstance(value, dict | list):
                own.add(id(value))
                pending.extend(value.values() if isinstance(value, dict) else value)
        return own

    def _schema(self, value: JsonValue, base: str, path: str) -> Schema:
        if isinstance(value, bool):  # in draft-04 too, though only later drafts have them
            return Anything(value) if value else Nothing(value)
        if not isinstance(value, dict):
            raise mistyped_error(path, "a schema")
        cursor = Cursor(value, self._documents.base_of(value, base), path)
        self._check_annotations(cursor)
        groups = {self._groups[keyword] for keyword in value if keyword in self._groups}
        if Group.REFERENCE in groups and not self._draft.is_modern:
            groups = {Group.REFERENCE}
        parts: list[Schema] = []
        for group, load in self._parts.items():
            if group in groups:
                parts += load(cursor, groups)
        if not parts:
            return Anything(value)
        return parts[0] if len(parts) == 1 else _all_of(value, parts)

    def _check_annotations(self, cursor: Cursor) -> None:
        cursor.string(self._draft.id_keyword)
        cursor.string("title")
        cursor.string("description")
        if self._draft >= Draft.SEVEN:
            cursor.boolean("readOnly")
            cursor.boolean("writeOnly")
        if self._draft.is_modern:
            cursor.string("format")
            cursor.boolean("deprecated")
            cursor.string("$dynamicAnchor")
            if self._strictness is not Strictness.STORED:
                self._check_definitions(cursor)

    def _check_definitions(self, cursor: Cursor) -> None:
        """Also those that nothing refers to are read since 2019-09."""
        for name, value in cursor.mapping("$defs").items():
            path = cursor.below("$defs", name)
            self._note_step(Step(None, cursor.base, Location(value, cursor.base), path))
            self._refer(value, cursor.base, path)

    def _references(self, cursor: Cursor, _: set[Group]) -> list[Schema]:
        return [self._reference(cursor, uri) for uri in map(cursor.string, REFERENCES) if uri is not None]

    def _reference(self, cursor: Cursor, uri: str) -> Reference:
        target, base = self._documents.find(uri, cursor.base)
        if self._reads_references or id(target) in self._own_values:
            self._refer(target, base, uri)
        self._note_step(Step(uri, cursor.base, Location(target, base), uri))
        targets: Mapping[int, Schema] = self._targets
        if self._shared is not None and id(target) not in self._own_values:
            targets = self._shared.schemas
        return Reference(cursor.value, id(target), targets)

    def _note_step(self, step: Step) -> None:
        if self._steps is None:
            return
        if id(step.target.value) in self._own_values:
            raise OtherTargetError
        self._steps.append(step)

    def _refer(self, target: JsonValue, base: str, path: str) -> None:
        if id(target) not in self._referred:
            self._referred.add(id(target))
            self._pending.append((target, base, path))

    def _combinations(self, cursor: Cursor, _: set[Group]) -> list[Schema]:
        combinations: list[Schema] = []
        for criterion in Criterion:
            if criterion in cursor.value:
                schemas = self._sequence(cursor, criterion)
                distinct: dict[str, Schema] = {}
                for value, schema in zip(cursor.array(criterion), schemas, strict=True):
                    distinct.setdefault(self._identity(value), schema)
                combinations.append(Combined(cursor.value, criterion, schemas, distinct))
        return combinations

    def _identity(self, value: JsonValue) -> str:
        """Equal for subschemas that count as one alternative; in modern drafts `format` is a mere annotation."""
        if self._draft.is_modern and isinstance(value, dict) and "format" in value:
            return self._digests.fresh({keyword: operand for keyword, operand in value.items() if keyword != "format"})
        return self._digests.of(value)

    def _not(self, cursor: Cursor) -> Not:
        return Not(cursor.value, self._schema(cursor.value["not"], cursor.base, cursor.below("not")))

    def _types(self, cursor: Cursor, groups: set[Group]) -> list[Schema]:
        """The named type's node, or those of a list of types as alternatives; takes their keywords out of `groups`."""
        names = cursor.value["type"]
        loaded: dict[str, Schema] = {}
        listed: list[Schema] = []
        for name in names if isinstance(names, list) else [names]:
            if not isinstance(name, str) or name not in self._of_type:
                raise mistyped_error(cursor.below("type"), "a type of JSON Schema")
            if name not in loaded:
                group, load = self._of_type[name]
                groups.discard(group)
                loaded[name] = load(cursor)
            listed.append(loaded[name])
        if not isinstance(names, list):
            return listed
        return [Combined(cursor.value, Criterion.ANY, tuple(listed), loaded)]

    def _string(self, cursor: Cursor) -> String:
        if not self._draft.is_modern:
            cursor.string("format")
        expression = cursor.string("pattern")
        if expression is not None:
            self._check_pattern(expression)
        return String(cursor.value, self._size(cursor, "maxLength"), self._size(cursor, "minLength"), expression)

    def _numeric(self, cursor: Cursor, *, integer: bool) -> Numeric:
        exclusive_maximum: Number | None = None
        exclusive_minimum: Number | None = None
        if self._draft is Draft.FOUR:
            # They are booleans beside the bounds there; Confluent's registry does not compare them.
            cursor.boolean("exclusiveMaximum")
            cursor.boolean("exclusiveMinimum")
        else:
            exclusive_maximum = cursor.number("exclusiveMaximum")
            exclusive_minimum = cursor.number("exclusiveMinimum")
        multiple_of = cursor.number("multipleOf")
        if multiple_of == 0 and not self._draft.is_modern:
            raise mistyped_error(cursor.below("multipleOf"), "a number other than 0")
        return Numeric(
            cursor.value,
            integer=integer,
            maximum=cursor.number("maximum"),
            minimum=cursor.number("minimum"),
            exclusive_maximum=exclusive_maximum,
            exclusive_minimum=exclusive_minimum,
            multiple_of=multiple_of,
        )

    def _size(self, cursor: Cursor, keyword: str) -> int | None:
        """How long or many; a fraction is an error in older drafts, and has no effect since 2019-09."""
        if not self._draft.is_modern:
            return cursor.integer(keyword)
        size = cursor.number(keyword)
        return None if size is None else int(size)

    def _object(self, cursor: Cursor) -> Object:
        if self._draft >= Draft.SIX:
            self._child(cursor, "propertyNames")
        modern = self._draft.is_modern
        required_with, schema_with = self._dependencies(cursor)
        return Object(
            cursor.value,
            properties=self._children(cursor, "properties"),
            required=strings(cursor.value.get("required", []), cursor.below("required")),
            patterns=self._patterns(cursor),
            additional=self._additional(cursor, "additionalProperties"),
            unevaluated=self._child(cursor, "unevaluatedProperties") if modern else None,
            required_with=required_with,
            schema_with=schema_with,
            max_properties=self._size(cursor, "maxProperties"),
            min_properties=self._size(cursor, "minProperties"),
        )

    def _dependencies(self, cursor: Cursor) -> tuple[Mapping[str, frozenset[str]], Mapping[str, Schema]]:
        """Load what a property's presence requires: other properties by name, and a schema for the whole object."""
        if self._draft.is_modern:
            names, schemas = "dependentRequired", "dependentSchemas"
            required = cursor.mapping(names)
            dependent = cursor.mapping(schemas)
        else:
            names = schemas = "dependencies"
            required = {
                name: dependency for name, dependency in cursor.mapping(names).items() if isinstance(dependency, list)
            }
            dependent = {
                name: dependency
                for name, dependency in cursor.mapping(names).items()
                if not isinstance(dependency, list)
            }
            for name, dependency in dependent.items():
                self._refuse_boolean(dependency, cursor.below(names, name))
        named = {name: strings(dependency, cursor.below(names, name)) for name, dependency in required.items()}
        return (
            {name: dependency for name, dependency in named.items() if dependency},
            {
                name: self._schema(dependency, cursor.base, cursor.below(schemas, name))
                for name, dependency in dependent.items()
            },
        )

    def _array(self, cursor: Cursor) -> Array:
        modern = self._draft.is_modern
        items = cursor.value.get("items", True)
        every: Schema | None = None
        additional: bool | Schema = True
        if modern:
            first = self._sequence(cursor, "prefixItems")
            # After a prefix, `items` is about the rest only. A boolean opens or closes the array, prefix or not.
            if first or isinstance(items, bool):
                additional = self._additional(cursor, "items")
            else:
                every = self._schema(items, cursor.base, cursor.below("items"))
        elif isinstance(items, list):
            first = self._sequence(cursor, "items")
            additional = self._additional(cursor, "additionalItems")
        else:
            first = ()
            self._refuse_boolean(cursor.value.get("items"), cursor.below("items"))
            every = self._child(cursor, "items")
            # It should mean nothing here; Confluent's registry overlooks only `false` beside a schema for all items.
            additional = self._additional(cursor, "additionalItems")
            if every is not None and additional is False:
                additional = True
        contains = self._child(cursor, "contains") if self._draft >= Draft.SIX else None
        counted = modern and contains is not None
        return Array(
            cursor.value,
            every=every,
            first=first,
            additional=additional,
            unevaluated=self._child(cursor, "unevaluatedItems") if modern else None,
            max_items=self._size(cursor, "maxItems"),
            min_items=self._size(cursor, "minItems"),
            unique=cursor.boolean("uniqueItems") is True,
            max_contains=cursor.number("maxContains") if counted else None,
            min_contains=_min_contains(cursor) if counted else None,
        )

    def _refuse_boolean(self, value: JsonValue, path: str) -> None:
        """Where draft-04 does not take one for a schema."""
        if isinstance(value, bool) and self._draft is Draft.FOUR:
            raise mistyped_error(path, "a schema or an array")

    def _conditional(self, cursor: Cursor) -> Conditional:
        for keyword in ("if", "then", "else"):
            self._child(cursor, keyword)
        return Conditional(cursor.value)

    def _additional(self, cursor: Cursor, keyword: str) -> bool | Schema:
        value = cursor.value.get(keyword, True)
        return value if isinstance(value, bool) else self._schema(value, cursor.base, cursor.below(keyword))

    def _child(self, cursor: Cursor, keyword: str) -> Schema | None:
        if keyword not in cursor.value:
            return None
        return self._schema(cursor.value[keyword], cursor.base, cursor.below(keyword))

    def _children(self, cursor: Cursor, keyword: str) -> Mapping[str, Schema]:
        return {
            name: self._schema(subschema, cursor.base, cursor.below(keyword, name))
            for name, subschema in cursor.mapping(keyword).items()
        }

    def _sequence(self, cursor: Cursor, keyword: str) -> tuple[Schema, ...]:
        return tuple(
            [
                self._schema(subschema, cursor.base, cursor.below(keyword, position))
                for position, subschema in enumerate(cursor.array(keyword))
            ]
        )

    def _patterns(self, cursor: Cursor) -> tuple[tuple[pattern.Pattern, Schema], ...]:
        covering = self._children(cursor, "patternProperties")
        if len(covering) > MAX_PATTERNS:
            raise mistyped_error(cursor.below("patternProperties"), f"limited to {MAX_PATTERNS} patterns")
        for expression in covering:
            self._check_pattern(expression)
        return tuple([(pattern.Pattern(expression), schema) for expression, schema in covering.items()])

    def _check_pattern(self, expression: str) -> None:
        if self._strictness is not Strictness.STORED:
            pattern.check(expression)


def _enum(cursor: Cursor) -> Enum:
    return Enum(cursor.value, {write(value, sort_keys=True): value for value in cursor.array("enum")})


def _min_contains(cursor: Cursor) -> Number:
    count = cursor.number("minContains")
    return 1 if count is None else count


def _all_of(value: JsonObject, parts: list[Schema]) -> Combined:
    distinct = {f"{type(part).__name__} {position}": part for position, part in enumerate(parts)}
    return Combined(value, Criterion.ALL, tuple(parts), distinct)

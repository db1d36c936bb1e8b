"""The jobs of the schema engines: each is a value that holds everything its answer depends on.

A job is pure, so its outcome may be cached by the job itself, computed in a worker thread, or sent to another process
as bytes (`engine_process.py`). `Engines.run` decides where; nothing else in the service calls `run` on an event loop.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from karapace_like.process.lru import CountedLruCache
from karapace_like.registry import errors
from karapace_like.registry.errors import RegistryError
from karapace_like.rules import inspection
from karapace_like.rules.model import RuleSet, read_rule_set
from karapace_like.schema import compatibility, diffing, formats, spelling
from karapace_like.schema.compatibility import Finding
from karapace_like.schema.diffing import Difference, ParsedVersion
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    InvalidSchemaError,
    ParsedSchema,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from karapace_like.schema.outline import ElementKind
from karapace_like.schema.tags import Entity, TagChange

T_co = TypeVar("T_co", covariant=True)

_CACHED_SCHEMAS = 1000
"""Parsed schemas in memory."""
_CACHED_FINDINGS = 2
"""Pairs of schemas: two of 10,000 fields may have 10,000 findings."""
_THREAD_CHARACTERS = 16_000
"""Text up to this length keeps Python's lock for less than 50 ms at a time (protoc keeps it for 3 ms per 1,000)."""
_FINGERPRINT_THREAD_CHARACTERS = 250_000
LIGHT_CHARACTERS = 2_000
"""Text up to this length is parsed and written in about a millisecond, whatever it holds."""


class ResolvedSchema(msgspec.Struct, frozen=True, array_like=True, cache_hash=True):
    """A schema with the texts of everything that it refers to. Jobs about it are keys of several caches."""

    type: SchemaType
    text: str
    dependencies: tuple[tuple[str, str], ...] = ()
    """(reference name, text), dependencies first: see `schema.model.Dependencies`."""
    strictness: Strictness = Strictness.STORED

    @property
    def characters(self) -> int:
        """The length of all texts."""
        return len(self.text) + sum([len(text) for _, text in self.dependencies])


class Job(msgspec.Struct, Generic[T_co], frozen=True, tag=True, array_like=True):
    """A question to an engine; equal jobs have equal answers."""

    schema: ResolvedSchema

    @property
    def characters(self) -> int:
        """The length of all schema texts: what the work grows with."""
        return self.schema.characters

    @property
    def is_light(self) -> bool:
        """Whether the answer surely takes a few milliseconds at most."""
        return self.characters <= LIGHT_CHARACTERS

    @property
    def is_heavy(self) -> bool:
        """Whether the answer may take so long that it is computed in another process."""
        return self.characters > _THREAD_CHARACTERS

    def run(self) -> T_co:
        """Compute the answer; raises InvalidSchemaError."""
        raise NotImplementedError

    def convert_answer(self, value: Any) -> T_co:
        """The answer from what MessagePack made of it."""
        answer: T_co = value
        return answer

    def refusal(self, reason: str) -> RegistryError:
        """The API error (42201) for a schema with which the question cannot be answered."""
        return errors.invalid_schema(self.schema.type, reason)


class Canonicalise(Job[str], frozen=True, tag=True, array_like=True):
    """The schema's text as it is stored: canonical, normalized on request, or Avro as Karapace stores it."""

    normalize: bool = False

    def run(self) -> str:
        """See `Job`."""
        parsed = parse(self.schema)
        if self.normalize:
            return FORMATS[parsed.type].normalize(parsed)
        if parsed.type is SchemaType.AVRO and self.schema.strictness is Strictness.KARAPACE:
            with suppress(ValueError):  # comments, which Confluent's registry accepts
                return spelling.sort_keys(self.schema.text)
        return FORMATS[parsed.type].canonicalise(parsed)


class Format(Job[str], frozen=True, tag=True, array_like=True):
    """The schema's text in the form that the API's `format` parameter names."""

    form: str

    def run(self) -> str:
        """See `Job`."""
        parsed = parse(self.schema)
        return FORMATS[parsed.type].format_text(parsed, self.form)


class Fingerprint(Job[int], frozen=True, tag=True, array_like=True):
    """The fingerprint of the schema's text: see `spelling.fingerprint`. Nothing is parsed for it."""

    @property
    def is_heavy(self) -> bool:
        """See `Job`. In a thread, the longest step with so many characters keeps Python's lock for 3 ms."""
        return self.characters > _FINGERPRINT_THREAD_CHARACTERS

    def run(self) -> int:
        """See `Job`."""
        return spelling.fingerprint(self.schema.type, self.schema.text)


class ListTags(Job[list[tuple[Entity, list[str]]]], frozen=True, tag=True, array_like=True):
    """The tags of every record and field; an empty list where one has none."""

    def run(self) -> list[tuple[Entity, list[str]]]:
        """See `Job`."""
        parsed = parse(self.schema)
        return [(entity, list(tags)) for entity, tags in FORMATS[parsed.type].list_tags(parsed).items()]

    def convert_answer(self, value: Any) -> list[tuple[Entity, list[str]]]:
        """See `Job`."""
        return msgspec.convert(value, list[tuple[Entity, list[str]]])


class ApplyTags(Job[str], frozen=True, tag=True, array_like=True):
    """The schema's text with its tags changed."""

    changes: tuple[TagChange, ...]

    def run(self) -> str:
        """See `Job`; also raises for a path that leads nowhere."""
        parsed = parse(self.schema)
        return FORMATS[parsed.type].change_tags(parsed, self.changes)

    def refusal(self, reason: str) -> RegistryError:
        """See `Job`."""
        return errors.unknown_entity(reason)


class CheckRules(Job[None], frozen=True, tag=True, array_like=True):
    """Whether the rules of a schema can be compiled."""

    rule_set: bytes
    """JSON."""
    metadata: bytes
    """JSON."""

    @property
    def characters(self) -> int:
        """The length of the rules."""
        return len(self.rule_set)

    @property
    def is_light(self) -> bool:
        """False: a library is loaded first."""
        return False

    @property
    def is_heavy(self) -> bool:
        """Whether a rule may take so long to compile that it needs another process."""
        return any(map(inspection.is_large, self._rules().list_rules()))

    def run(self) -> None:
        """See `Job`."""
        for fault in inspection.find_compile_faults(self._rules()):
            raise InvalidSchemaError(f"the rule {fault.rule}: {fault.message}")

    def refusal(self, reason: str) -> RegistryError:
        """See `Job`."""
        return errors.invalid_rule_set(reason)

    def _rules(self) -> RuleSet:
        return read_rule_set(msgspec.json.decode(self.rule_set), msgspec.json.decode(self.metadata))


class ListTopFields(Job[list[str]], frozen=True, tag=True, array_like=True):
    """The names of the fields that a value has at its top; empty where the schema is no record."""

    def run(self) -> list[str]:
        """See `Job`."""
        parsed = parse(self.schema)
        return list(FORMATS[parsed.type].list_top_fields(parsed))


class ListFields(Job[list[tuple[str, str]]], frozen=True, tag=True, array_like=True):
    """The fields in the schema's own text: the name of each, and the name to show with where it is."""

    def run(self) -> list[tuple[str, str]]:
        """See `Job`."""
        parsed = parse(self.schema)
        outline = FORMATS[parsed.type].list_elements(parsed, self.schema.text)
        return [(element.name, element.title) for element in outline if element.kind is ElementKind.FIELD]

    def convert_answer(self, value: Any) -> list[tuple[str, str]]:
        """See `Job`."""
        return msgspec.convert(value, list[tuple[str, str]])


class PairJob(Job[T_co], Generic[T_co], frozen=True, array_like=True):
    """A question about two schemas, of which the other one is older."""

    old: ResolvedSchema

    @property
    def characters(self) -> int:
        """See `Job`."""
        return self.schema.characters + self.old.characters

    @property
    def is_light(self) -> bool:
        """See `Job`. JSON Schema has no bound: 130 branches in 1,700 characters take a quarter of a second."""
        return self.schema.type is not SchemaType.JSON and self.characters <= LIGHT_CHARACTERS

    @property
    def is_heavy(self) -> bool:
        """See `Job`."""
        return super().is_heavy or (self.schema.type is SchemaType.JSON and self.characters > 2 * LIGHT_CHARACTERS)


class Compare(PairJob[Sequence[str]], frozen=True, tag=True, array_like=True):
    """Every reason why the level does not hold between two schemas of one type, as the API's `messages` have it."""

    level: CompatibilityLevel
    policy: CompatibilityPolicy

    @property
    def is_light(self) -> bool:
        """See `PairJob`."""
        return self.schema.type is not SchemaType.JSON and self.characters <= 2 * LIGHT_CHARACTERS

    def run(self) -> Sequence[str]:
        """See `Job`. An earlier schema that today's parser refuses is a reason, too."""
        new = parse(self.schema)
        try:
            parse(self.old)
        except InvalidSchemaError as error:
            return [unreadable(errors.invalid_schema(self.old.type, str(error)))]
        return compatibility.report(new, find_incompatibilities(self.schema, self.old, self.level, self.policy))


class Differ(PairJob[Difference], frozen=True, tag=True, array_like=True):
    """The differences between an old schema and this one, which has the same type."""

    def run(self) -> Difference:
        """See `Job`."""
        old, new = (
            ParsedVersion(parse(schema), schema.text, dict(schema.dependencies)) for schema in (self.old, self.schema)
        )
        return diffing.compare_versions(old, new)

    def convert_answer(self, value: Any) -> Difference:
        """See `Job`."""
        return msgspec.convert(value, Difference)


class IsSpellingOf(Job[bool], frozen=True, tag=True, array_like=True):
    """Whether a stored text is another spelling of the schema: see `spelling.is_spelling_of`."""

    stored: ResolvedSchema
    normalize: bool = False

    @property
    def characters(self) -> int:
        """See `Job`."""
        return self.schema.characters + self.stored.characters

    def run(self) -> bool:
        """See `Job`. A stored text that cannot be parsed is no spelling of anything."""
        sent = parse(self.schema)
        try:
            stored = parse(self.stored)
        except InvalidSchemaError:
            return False
        return spelling.is_spelling_of(stored, self.stored.text, sent, normalize=self.normalize)


class MeanTheSame(Job[bool], frozen=True, tag=True, array_like=True):
    """Whether two stored schemas are the same in other texts: see `spelling.mean_the_same`."""

    other: ResolvedSchema

    @property
    def characters(self) -> int:
        """See `Job`."""
        return self.schema.characters + self.other.characters

    def run(self) -> bool:
        """See `Job`. Of texts that cannot be parsed only equal JSON values are the same."""
        if self.schema.type is not self.other.type:
            return False
        if spelling.are_equal_json(self.schema.type, self.schema.text, self.other.text):
            return True
        try:
            return spelling.mean_the_same(parse(self.schema), parse(self.other))
        except InvalidSchemaError:
            return False


@lru_cache(_CACHED_FINDINGS)
def find_incompatibilities(
    new: ResolvedSchema, old: ResolvedSchema, level: CompatibilityLevel, policy: CompatibilityPolicy
) -> Sequence[Finding]:
    """Return what `compatibility.compare` does; cached, because those that are reported are often explained next.

    Raises InvalidSchemaError.
    """
    return compatibility.compare(parse(new), parse(old), level, policy)


def unreadable(error: RegistryError) -> str:
    """Return the message of a compatibility check about an earlier version that cannot be parsed."""
    return f"{{errorType:'UNREADABLE_SCHEMA', description:'The old schema cannot be parsed: {error.message}'}}"


_parsed_schemas: CountedLruCache[ResolvedSchema, ParsedSchema | str] = CountedLruCache(
    "parsing.parsed", _CACHED_SCHEMAS
)
"""Schema -> its parsed form, or why it has none."""
PARSED_SCHEMAS_USAGE = _parsed_schemas.usage


def parse(schema: ResolvedSchema) -> ParsedSchema:
    """Parse the schema; raises InvalidSchemaError. Cached: jobs about one schema often follow each other."""
    parsed = _parsed_schemas.get(schema)
    if parsed is None:
        unparsed = UnparsedSchema(schema.type, schema.text)
        try:
            parsed = formats.parse(unparsed, dict(schema.dependencies), schema.strictness)
        except InvalidSchemaError as error:
            parsed = str(error)
        _parsed_schemas.put(schema, parsed)
    if isinstance(parsed, str):
        raise InvalidSchemaError(parsed)
    return parsed


encode = msgspec.msgpack.Encoder().encode

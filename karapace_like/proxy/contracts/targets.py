"""What plain JSON is held against by a policy: the chosen schema, and how it validates or encodes."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from karapace_like.errors import ApiError
from karapace_like.policies.policy import PartPolicy, Plain, UnknownFields
from karapace_like.process.lru import LruCache
from karapace_like.proxy.contracts.choosing import ChosenSchema, choose_schema
from karapace_like.proxy.encoding import Encoder
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.part_codecs import adapt_codec
from karapace_like.proxy.ports import IsCurrent
from karapace_like.proxy.rights import ALL_SUBJECTS, KeyRights
from karapace_like.proxy.ruled_codec import RuledCodec, finish_encoding
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.validators import Validators
from karapace_like.schema.model import InvalidSchemaError, SchemaId
from karapace_like.serde import wire
from karapace_like.serde.codec import Codec, Decoded, HeavyWorkError, JsonReading, JsonText, SchemaCodec
from karapace_like.serde.json_schema import JsonSchemaCodec

_SIZE = 1000
"""Targets in the cache."""


class Target(NamedTuple):
    """A schema, and what makes the bytes of a record's part of plain JSON."""

    chosen: ChosenSchema
    codec: Codec
    prefix: bytes
    """Empty where the JSON is stored as it is."""
    dropping: SchemaCodec
    """Counts the fields that the codec drops."""
    is_current: IsCurrent | None = None
    """Whether later requests may rely on it; None: it is that of one request."""

    @property
    def schema_id(self) -> SchemaId | None:
        """The schema that it encodes with; None where the JSON is stored as it is."""
        return self.chosen.registered.id if self.prefix else None

    def for_caller(self, schemas: SchemaCache, rights: KeyRights) -> "Target":
        """Return the target for one request of the caller, whose records may have to be encrypted."""
        codec = schemas.bind_codec(self.codec, rights)
        return self if codec is self.codec else self._replace(codec=codec, is_current=None)

    async def convert(self, text: JsonText, validators: Validators) -> tuple[bytes, int]:
        """Return (the bytes to store, the number of fields that were dropped).

        Raises EncodeError, and ApiError 42901 or 503 where it cannot be validated now.
        """
        try:
            return self.convert_at_once(text)
        except HeavyWorkError as heavy:
            before = self.dropping.dropped_fields
            payload = await finish_encoding(heavy, self.codec, text, validators)
            return self.prefix + payload, self.dropping.dropped_fields - before

    def convert_at_once(self, text: JsonText) -> tuple[bytes, int]:
        """Return the same as `convert`; raises EncodeError, and HeavyWorkError where it has to wait."""
        before = self.dropping.dropped_fields
        return self.prefix + self.codec.encode(text), self.dropping.dropped_fields - before

    def make_encoder(self, role: RecordPart, *, drops: bool) -> Callable[[msgspec.Raw], bytes | None]:
        """Return the encoder of plain JSON, None for null; it raises what `convert_at_once` does.

        Where the codec `drops` fields, and has done so, it raises HeavyWorkError: they have to be counted.
        """
        encode = Encoder(role, self.codec, prefix=self.prefix).encode
        if not drops:
            return encode

        def encode_whole(text: msgspec.Raw) -> bytes | None:
            before = self.dropping.dropped_fields
            data = encode(text)
            if self.dropping.dropped_fields != before:
                raise HeavyWorkError
            return data

        return encode_whole


class _ValidatingCodec:
    """Stores JSON that its schema accepts as it is, without the defaults that the format `jsonschema` adds."""

    def __init__(self, codec: JsonSchemaCodec) -> None:
        self.encode = codec.validate
        self._codec = codec

    def decode(self, payload: bytes) -> Decoded:
        return self._codec.decode(payload)


class Targets:
    """Finds the targets of policies, and caches them while the subject stays the same."""

    def __init__(self, schemas: SchemaCache) -> None:
        self._schemas = schemas
        self._cached: LruCache[tuple[RecordPart, str, PartPolicy], Target] = LruCache(_SIZE)

    async def find(self, role: RecordPart, part: PartPolicy, subject: str) -> Target:
        """Return the target of a policy that validates or encodes; raises ApiError where it cannot be had."""
        key = (role, subject, part)
        cached = self._cached.get(key) if _is_hashable(part) else None
        if cached is not None and cached.is_current is not None and cached.is_current():
            return cached
        is_current = self._schemas.cache_validity(subject)
        # The policy's author has chosen the schema: a client needs no right to read it to have its records judged.
        chosen = await choose_schema(self._schemas, part, subject, ALL_SUBJECTS)
        target = await self._make(role, part, chosen)
        if is_current is not None and _is_hashable(part):
            return self._cached.put(key, target._replace(is_current=is_current))
        return target

    async def _make(self, role: RecordPart, part: PartPolicy, chosen: ChosenSchema) -> Target:
        registered = chosen.registered
        try:
            codec = await self._schemas.codec_of(registered, chosen.subject, _name_reading(part))
        except InvalidSchemaError as error:
            raise ApiError(503, f"version {chosen.version} of {chosen.subject} cannot be used: {error}") from error
        if part.plain is Plain.ENCODE:
            return Target(chosen, adapt_codec(codec, role), wire.prefix(registered.id), codec)
        if isinstance(codec, RuledCodec) and codec.uses_keys:  # a reader finds the keys by the id
            raise ApiError(
                503,
                f'plain "validate" stores JSON without the id of its schema, and version {chosen.version} of subject '
                f'{chosen.subject} has a rule that encrypts, which needs it; "encode" stores the id',
            )
        validating = codec.schema_codec if isinstance(codec, RuledCodec) else codec
        if not isinstance(validating, JsonSchemaCodec):  # since the policy was set
            raise ApiError(
                503,
                f'plain "validate" needs a JSON Schema, and version {chosen.version} of subject {chosen.subject} is '
                f"{registered.schema.type}",
            )
        # What rules make of the value is stored as the format `jsonschema` writes it.
        storing = codec if isinstance(codec, RuledCodec) else _ValidatingCodec(validating)
        return Target(chosen, adapt_codec(storing, role), b"", validating)


def _name_reading(part: PartPolicy) -> JsonReading:
    return JsonReading(part.lenient_json, part.unknown_fields is UnknownFields.DROP)


def _is_hashable(part: PartPolicy) -> bool:
    """Return whether the policy may be the key of a cache: one that chooses by metadata holds a dict."""
    return part.schema.metadata is None

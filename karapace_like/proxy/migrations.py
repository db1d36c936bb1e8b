"""Read records with another version of their subject than the one that they were written with.

As Confluent's clients do with `use.latest.version`: the migration rules of the versions between run on the record as
JSON, `UPGRADE` in their order and `DOWNGRADE` backwards; then the domain rules of the reader's version. Where no
version has such rules, the formats' own rules apply, such as Avro's schema resolution.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from karapace_like.errors import ApiError
from karapace_like.process.lru import LruCache
from karapace_like.proxy.ports import RegisteredSchema, Schemas
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.rule_processes import RuleProcesses
from karapace_like.proxy.ruled_codec import RuledCodec, RuleDecodeError, describe_ruled_schema, find_rules
from karapace_like.rules.errors import HeavyRuleError, RuleFailedError
from karapace_like.rules.execution import RuleExecution
from karapace_like.rules.fields import ValueForm
from karapace_like.rules.forms import FORMS
from karapace_like.rules.jobs import RuledSchema, RuleJob, create_execution, encode_value
from karapace_like.rules.model import RuleMode, RulePhase, read_rule_set
from karapace_like.schema.model import LATEST, SchemaType
from karapace_like.serde import formats
from karapace_like.serde.avro.resolution import AvroResolution
from karapace_like.serde.codec import Decoded, DecodeError, EncodeError, JsonReading, SchemaCodec
from karapace_like.serde.formats import CodecOptions

_SIZE: Final = 200
"""Pairs of versions whose codec is cached."""
_MAX_MIGRATIONS: Final = 100
"""Versions with migration rules on the way of one record."""
_FIRST_MESSAGE: Final = b"\0"
"""The message indexes of the first message of a Protobuf file; other formats have none."""
_READING: Final = JsonReading(fills_defaults=True, drops_unknown=True)
"""How the reader's schema takes what migration rules make: its own fields of it, with their defaults."""

_from_json = msgspec.json.Decoder().decode


class ReaderVersion(NamedTuple):
    """The version of the topic's subject that a reader chooses."""

    number: int = LATEST
    metadata: tuple[tuple[str, str], ...] = ()
    """Properties instead of a number: the latest version that has them."""

    def describe(self) -> str:
        """Return the words for it in an error."""
        if self.metadata:
            return f"version with the metadata {', '.join(f'{name}={value}' for name, value in self.metadata)}"
        return "version" if self.number == LATEST else f"version {self.number}"


class Step(NamedTuple):
    """The migration rules of one version, compiled."""

    schema: RuledSchema
    execution: RuleExecution


@dataclass(frozen=True, slots=True)
class MigratingCodec:
    """Decodes what one version of a subject has written as another one of it."""

    writer: SchemaCodec
    """Runs the encoding rules of the writer's version, and no others."""
    reader: SchemaCodec
    """Runs the domain rules of the reader's version, and no others."""
    reader_type: SchemaType
    forms: tuple[ValueForm, ValueForm]
    """Of the writer's and the reader's values."""
    translate: Callable[[bytes], bytes] | None
    """Makes the reader's payload of the writer's by the rules of their format; None: rules, or JSON, do that."""
    mode: RuleMode
    steps: tuple[Step, ...]

    def bind(self, with_keys: Callable[[SchemaCodec], SchemaCodec]) -> "MigratingCodec":
        """Return the codec for one request, whose rules may need keys."""
        writer, reader = with_keys(self.writer), with_keys(self.reader)
        if writer is self.writer and reader is self.reader:
            return self
        return replace(self, writer=writer, reader=reader)

    async def decode(
        self, payload: bytes, processes: RuleProcesses, *, is_plain: bool, skipped: str | None = None
    ) -> Decoded:
        """Return the JSON of the value for the reader; `skipped` names a rule that does not run. Raises DecodeError."""
        shown = await _decode(self.writer, payload, processes, is_plain=False)
        if self.translate is not None:
            translated = self.translate(payload)
        else:
            value = await self._migrate(self._to_json(payload, shown), processes, skipped)
            translated = self._make_payload(value)
        return await _decode(self.reader, translated, processes, is_plain=is_plain, skipped=skipped)

    def _to_json(self, payload: bytes, shown: Decoded) -> Any:
        """Return the value as rules see it."""
        form, _ = self.forms
        try:
            message = form.find_message(payload)
            if message != form.find_message(_FIRST_MESSAGE):
                raise DecodeError("only the first message of a Protobuf schema can be migrated to another version")
            shape = form.shape(message)
            assert isinstance(shown, msgspec.Raw), "codecs of schemas show the text of JSON"
            return form.to_jsonata(shape, form.enter(shape, _from_json(shown)))
        except (msgspec.MsgspecError, ValueError) as error:
            raise DecodeError(str(error)) from error

    async def _migrate(self, value: Any, processes: RuleProcesses, skipped: str | None) -> Any:
        for step in self.steps:
            try:
                try:
                    value = step.execution.execute(value, skipped=skipped)
                except HeavyRuleError:
                    text = encode_value(value)
                    job = RuleJob(step.schema, RulePhase.MIGRATION, self.mode, text, skipped=skipped)
                    changed = await processes.execute(job)
                    value = value if changed is None else _from_json(changed)
            except RuleFailedError as error:
                raise RuleDecodeError(error.failure) from error
        return value

    def _make_payload(self, value: Any) -> bytes:
        _, form = self.forms
        shape = form.shape(form.find_message(_FIRST_MESSAGE))
        text: bytes = encode_value(form.leave(shape, form.of_jsonata(shape, value)))
        if self.reader_type is SchemaType.JSON:
            return text  # it is not validated: what is encrypted now need not fit the schema
        codec = self.reader.schema_codec if isinstance(self.reader, RuledCodec) else self.reader
        try:
            return codec.encode(text)
        except EncodeError as error:
            raise DecodeError(
                f"what the migration makes of the value does not fit the reader's schema: {error}"
            ) from error


async def _decode(
    codec: SchemaCodec, payload: bytes, processes: RuleProcesses, *, is_plain: bool, skipped: str | None = None
) -> Decoded:
    if isinstance(codec, RuledCodec):
        return await codec.decode_elsewhere(payload, processes, is_plain=is_plain, skipped=skipped)
    return codec.decode_plain(payload) if is_plain else codec.decode(payload)


class MigratingCodecs:
    """Finds and caches the codecs of pairs of versions."""

    def __init__(self, schemas: Schemas, options: CodecOptions) -> None:
        self._schemas = schemas
        self._options = options
        self._cached: LruCache[tuple[str, int, int], MigratingCodec] = LruCache(_SIZE)
        """By (subject, number of the writer's version, number of the reader's)."""

    async def find(
        self, schema_id: int, subject: str, wanted: ReaderVersion, rights: SubjectRights
    ) -> MigratingCodec | None:
        """Return the codec for what was written with the schema of this id; None where the reader wants that version.

        Raises DecodeError where the subject has one of the two not, InvalidSchemaError, and ApiError.
        """
        number, reader = await self._find_reader(subject, wanted, rights)
        try:
            written = await self._schemas.written_version(subject, schema_id, rights)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise DecodeError(
                f"schema {schema_id} is of no version of subject {subject}, so it cannot be read as version {number}"
            ) from error
        if written == number:
            return None
        cached = self._cached.get((subject, written, number))
        if cached is not None:
            return cached
        first, last = sorted((written, number))
        between = await self._schemas.versions_after(subject, first, last, rights)
        writer = await self._schemas.by_id(schema_id, subject, rights)
        mode = RuleMode.UPGRADE if written < number else RuleMode.DOWNGRADE
        codec = await asyncio.to_thread(_compile, writer, reader, between, mode, self._options, subject)
        return self._cached.put((subject, written, number), codec)

    async def _find_reader(
        self, subject: str, wanted: ReaderVersion, rights: SubjectRights
    ) -> tuple[int, RegisteredSchema]:
        try:
            if wanted.metadata:
                return await self._schemas.by_metadata(subject, dict(wanted.metadata), rights)
            return await self._schemas.by_version(subject, wanted.number, rights)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise DecodeError(f"subject {subject} has no {wanted.describe()}, as which it is to be read") from error


def _compile(
    writer: RegisteredSchema,
    reader: RegisteredSchema,
    between: Sequence[RegisteredSchema],
    mode: RuleMode,
    options: CodecOptions,
    subject: str,
) -> MigratingCodec:
    """Return the codec; `between` are the versions after the older one up to the newer one."""
    ordered = between if mode is RuleMode.UPGRADE else between[::-1]
    migrating = [version for version in ordered if _has_migrations(version, mode)]
    if len(migrating) > _MAX_MIGRATIONS:
        raise DecodeError(
            f"there are {len(migrating)} versions with migration rules between; at most {_MAX_MIGRATIONS}"
        )
    steps = []
    for version in migrating:
        schema = describe_ruled_schema(version)
        steps.append(Step(schema, create_execution(schema, RulePhase.MIGRATION, mode, is_bounded=False)))
    writing = _keep_rules(writer, RulePhase.ENCODING, None, options, subject)
    return MigratingCodec(
        writing,
        _keep_rules(reader, RulePhase.DOMAIN, _READING, options, subject),
        reader.schema.type,
        (_make_form(writer), _make_form(reader)),
        None if steps or isinstance(writing, RuledCodec) else _find_translation(writer, reader),
        mode,
        tuple(steps),
    )


def _has_migrations(version: RegisteredSchema, mode: RuleMode) -> bool:
    rule_set = read_rule_set(version.rule_set, version.metadata)
    return bool(rule_set.select_rules(RulePhase.MIGRATION, mode))


def _keep_rules(
    registered: RegisteredSchema, phase: RulePhase, reading: JsonReading | None, options: CodecOptions, subject: str
) -> SchemaCodec:
    """Return the codec of a schema that runs its rules of one phase only."""
    codec = formats.codec(registered.schema, registered.dependencies, options, reading)
    rule_set: Mapping[str, Any] = registered.rule_set or {}
    kept = {name: member for name, member in rule_set.items() if name in {phase, "enableAt"}}
    rules = find_rules(replace(registered, rule_set=kept))
    return codec if rules is None else RuledCodec(codec, rules, subject)


def _make_form(registered: RegisteredSchema) -> ValueForm:
    schema = registered.schema
    return FORMS[schema.type](schema.text, dict(registered.dependencies), lambda _: frozenset())


def _find_translation(writer: RegisteredSchema, reader: RegisteredSchema) -> Callable[[bytes], bytes] | None:
    """Return what makes the reader's payload of the writer's; None where their formats differ."""
    if writer.schema.type is not reader.schema.type:
        return None
    if reader.schema.type is not SchemaType.AVRO:
        return bytes  # Protobuf and JSON are read with any schema
    sides = (writer.schema.text, writer.dependencies, reader.schema.text, reader.dependencies)
    return AvroResolution(*sides).resolve

"""Admit the keys and values of produced records to a topic, as its policy says.

A policy judges what readers of the topic would see: the bytes that would be written, with the headers that name their
schemas. So the way by which a record comes makes no difference.
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

import msgspec

from karapace_like.errors import ApiError
from karapace_like.policies.policy import Framed, Invalid, Mode, PartPolicy, Plain, TopicPolicy, UnknownFields
from karapace_like.proxy.contracts.choosing import ChosenSchema, choose_schema, find_subject
from karapace_like.proxy.contracts.targets import Target, Targets
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.contracts.violations import (
    NO_JSON,
    JudgementUnavailableError,
    Reason,
    RefusedRecordError,
    Violation,
    describe_mismatch,
    name_media_type,
    parse_or_none,
)
from karapace_like.proxy.encoding import ABSENT, has_content
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.rights import ALL_SUBJECTS, KeyRights
from karapace_like.proxy.ruled_codec import RuleEncodeError
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.validators import Validators
from karapace_like.records import Headers
from karapace_like.rules import encryption
from karapace_like.schema.model import SchemaId
from karapace_like.serde import wire
from karapace_like.serde.codec import EncodeError, HeavyWorkError, JsonText

_HEADERS = {RecordPart.KEY: wire.KEY_HEADER, RecordPart.VALUE: wire.VALUE_HEADER}
_MAGIC = b"\0"
NO_HEADERS: Headers = ()
EncodeAtOnce = Callable[[msgspec.Raw], bytes | None]
"""Encodes without waiting; raises EncodeError, and HeavyWorkError where it has to wait."""


class Offer(NamedTuple):
    """How a request encodes the keys, or the values, that it offers."""

    format: str
    """The embedded format, in lower case."""
    schema_id: int | None
    """The schema that it encodes with; None for a format without schemas."""
    encode: Callable[[msgspec.Raw, Validators], Awaitable[bytes | None]]
    """Encodes as without a policy; None is a tombstone, or an absent key or value."""
    encode_at_once: EncodeAtOnce | None = None
    """The same without waiting, where there is such a function; it raises HeavyWorkError where it has to wait."""


_UNKNOWN = object()


class Admitted(NamedTuple):
    """What is written of a key or value."""

    data: bytes | None
    chosen: ChosenSchema | None = None
    """The schema that the policy encoded it with; None where it is written as it was sent."""


class PartAdmission:
    """Admits the keys, or the values, of one request to one topic."""

    def __init__(
        self,
        schemas: SchemaCache,
        targets: Targets,
        *,
        topic: str,
        policy: str,
        role: RecordPart,
        part: PartPolicy,
        mode: Mode,
        dead_letter_topic: str | None,
        log: ViolationLog,
        rights: KeyRights,
    ) -> None:
        """`dead_letter_topic` is the policy's; it is used where the part has its invalid records written there.

        `rights` are the caller's, whose records may have to be encrypted.
        """
        self._rights = rights
        self._schemas = schemas
        self._targets = targets
        self._topic = topic
        self._policy = policy
        self._role = role
        self._part = part
        self._subject = find_subject(part, role, topic)
        self._mode = mode
        self._dead_letter_topic = dead_letter_topic if part.invalid is Invalid.DEAD_LETTER else None
        self._log = log
        self._header = _HEADERS[role]
        self._target: Target | None = None
        self._known: dict[int | UUID, Violation | None] = {}
        """Schema that was named -> why it is not accepted."""
        self._plain_violation: Violation | None = None
        """That of payloads without a schema, which are all refused alike."""

    @property
    def encoding_schema(self) -> ChosenSchema | None:
        """The schema that the policy has encoded with; None if it has not."""
        target = None if self._mode is Mode.OBSERVE else self._target
        return target.chosen if target is not None and target.prefix else None

    def find_encoder(self, offer: Offer) -> EncodeAtOnce | None:
        """Return what makes the bytes that are written of all that is offered like this, where they name no schema.

        It raises EncodeError or HeavyWorkError for what `admit` has to decide about. None: `admit` decides about all;
        it finds the schema, so that what the first record gets None for may have an encoder later.
        """
        if self._mode is Mode.OBSERVE:
            return None
        target = self._target
        if target is None or offer.format != "json":
            return offer.encode_at_once if self._accepts(offer) else None
        return target.make_encoder(self._role, drops=self._part.unknown_fields is UnknownFields.DROP)

    def _accepts(self, offer: Offer) -> bool:
        """Return whether all that is offered like this is accepted."""
        if offer.schema_id is None:
            return offer.format == "json" and self._part.plain is Plain.ALLOW
        return self._part.framed is Framed.ANY or self._known.get(offer.schema_id, _UNKNOWN) is None

    async def admit(self, offer: Offer, text: msgspec.Raw, headers: Headers = NO_HEADERS) -> Admitted:
        """Return what is written; raises RefusedRecordError, JudgementUnavailableError, and what the encoder raises.

        A rule of the policy's schema raises RuleEncodeError, as without a policy; where it does not ask for a dead
        letter itself and the policy does, RefusedRecordError.
        """
        if self._mode is Mode.OBSERVE:
            return await self._observe(offer, text, headers)
        try:
            if not self._converts(offer, headers):
                return await self._judge(offer, await offer.encode(text, self._schemas.validators), headers)
            return await self._convert(text) if has_content(text) else Admitted(None)
        except RefusedRecordError as error:
            self._log.add(error.violation, self._mode)
            error.dead_letter_topic = None if _was_to_be_encrypted(error) else self._dead_letter_topic
            rule = error.rule_error
            if rule is not None and (rule.asks_for_dead_letter or error.dead_letter_topic is None):
                raise rule from None
            raise

    async def convert_key(self, text: msgspec.Raw) -> bytes | None:
        """Return the bytes as which plain JSON is stored, without counting anything; raises as `admit`."""
        return (await self._convert(text)).data if has_content(text) else None

    async def _observe(self, offer: Offer, text: msgspec.Raw, headers: Headers) -> Admitted:
        """Return what is written without a policy, and count what would be refused."""
        data = await offer.encode(text, self._schemas.validators)
        try:
            await self._judge(offer, data, headers)
        except RefusedRecordError as error:
            self._log.add(error.violation, self._mode)
        except JudgementUnavailableError as error:
            self._log.add(self._violate(Reason.UNAVAILABLE, f"it cannot be judged: {error.reason}"), self._mode)
        return Admitted(data)

    def _converts(self, offer: Offer, headers: Headers) -> bool:
        """Return whether the text that was sent is plain JSON for the schema, whatever it holds."""
        is_json = offer.format == "json" and self._part.uses_schema
        return is_json and not (headers and self._find_headers(headers))

    async def _judge(self, offer: Offer, data: bytes | None, headers: Headers) -> Admitted:
        """Return what is written of the bytes that the request would write."""
        if data is None:
            return Admitted(None)
        if await self._is_framed(offer, data, headers) or self._part.plain is Plain.ALLOW:
            return Admitted(data)
        if self._part.plain is Plain.REFUSE:
            raise RefusedRecordError(await self._refuse_plain(offer))
        return await self._convert(data, data)

    async def _is_framed(self, offer: Offer, data: bytes, headers: Headers) -> bool:
        """Return whether the bytes or their headers name schemas, all of which the policy accepts."""
        named = [self._read_header(header, data, offer) for header in self._find_headers(headers)] if headers else []
        if not named and offer.schema_id is not None:
            if self._part.framed is Framed.SUBJECT:
                await self._check_schema(offer.schema_id)
            return True
        if not named and data[:1] == _MAGIC and len(data) >= wire.PREFIX_BYTES:
            schema_id, _ = wire.unframe(data)
            # Any bytes may begin with 0: without a schema of that id they are no frame.
            if self._part.plain is Plain.ALLOW or await self._is_schema(schema_id):
                named = [schema_id]
        for identity in named:
            await self._check_schema(identity)
        return bool(named)

    def _find_headers(self, headers: Headers) -> Sequence[bytes]:
        return [value or b"" for name, value in headers if name == self._header]

    def _read_header(self, header: bytes, data: bytes, offer: Offer) -> int | UUID:
        fault = "the request has it encoded with a schema id before it, too"
        try:
            if offer.schema_id is None:
                return wire.unframe_header(header, data)[0]
        except wire.FrameError as error:
            fault = f"it names no schema: {error}"
        remedy = "Send the GUID of the schema after a byte 1, in the format binary, or leave the header out."
        detail = f"its header {self._header} cannot be used: {fault}"
        raise RefusedRecordError(self._violate(Reason.SCHEMA_HEADER, detail, remedy=remedy))

    async def _is_schema(self, schema_id: int) -> bool:
        if schema_id in self._known:
            return True
        try:
            await self._schemas.by_id(schema_id, self._subject, ALL_SUBJECTS)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise self._unavailable(error) from error
            return False
        return True

    async def _check_schema(self, identity: int | UUID) -> None:
        if identity not in self._known:
            self._known[identity] = await self._find_fault(identity)
        fault = self._known[identity]
        if fault is not None:
            raise RefusedRecordError(fault)

    async def _find_fault(self, identity: int | UUID) -> Violation | None:
        """Return why the schema may not be named; None if it may."""
        name, version, is_any = f"schema {identity}", None, self._part.framed is Framed.ANY
        try:
            if isinstance(identity, UUID):
                schema_id: int = (await self._schemas.by_guid(identity, ALL_SUBJECTS)).id
            else:
                schema_id = identity
            if is_any:
                await self._schemas.by_id(schema_id, self._subject, ALL_SUBJECTS)
            else:
                version = await self._schemas.version_of(self._subject, schema_id, ALL_SUBJECTS, registers=False)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise self._unavailable(error) from error
            return self._violate(
                Reason.FOREIGN_SCHEMA,
                f"it names {name}, and {'the registry' if is_any else f'subject {self._subject}'} has no such schema",
                remedy=await self._propose(),
            )
        versions = self._part.versions
        if version is None or versions is None or versions.holds(version):
            return None
        bounds = f"{versions.min} or later" if versions.max is None else f"{versions.min} to {versions.max}"
        return self._violate(
            Reason.VERSION,
            f"it names version {version} of subject {self._subject}",
            version=version,
            remedy=f"Versions {bounds} are accepted.",
        )

    async def _convert(self, text: JsonText, sent: bytes | None = None) -> Admitted:
        """Return plain JSON as the policy has it stored; `sent` is what the request would write, where it is known."""
        target = self._target
        if target is None:
            try:
                target = await self._targets.find(self._role, self._part, self._subject)
            except ApiError as error:
                raise self._unavailable(error) from error
            target = self._target = target.for_caller(self._schemas, self._rights)
        try:
            data, dropped = await target.convert(text, self._schemas.validators)
        except EncodeError as error:
            rule = error if isinstance(error, RuleEncodeError) else None
            raise RefusedRecordError(self._describe(error, text, target.chosen), rule_error=rule) from error
        except ApiError as error:
            raise self._unavailable(error) from error
        if dropped:
            self._log.count_dropped_fields(self._topic, self._mode, self._role, dropped)
        if target.prefix:
            return Admitted(data, target.chosen)
        return Admitted(data if sent is None or dropped else sent)

    def _describe(self, error: EncodeError, text: JsonText, chosen: ChosenSchema) -> Violation:
        kind = chosen.registered.schema.type
        schema = f"version {chosen.version} of subject {chosen.subject} ({kind})"
        if isinstance(error, RuleEncodeError):
            return self._violate(Reason.RULE, f"a rule of {schema} refuses it. {error}", chosen=chosen)
        remedy = f"Send JSON for {schema}; or {name_media_type(kind)}."
        value = parse_or_none(text)
        if value is NO_JSON:
            return self._violate(
                Reason.NOT_JSON, f"it is no JSON, which {schema} could be applied to", remedy=remedy, chosen=chosen
            )
        path, found_type, clause = describe_mismatch(error, value)
        return self._violate(Reason.INVALID, clause, remedy=remedy, chosen=chosen, path=path, found_type=found_type)

    async def _refuse_plain(self, offer: Offer) -> Violation:
        if self._plain_violation is None:
            self._plain_violation = await self._describe_plain(offer)
        return self._plain_violation

    async def _describe_plain(self, offer: Offer) -> Violation:
        return self._violate(Reason.PLAIN, f"it is {offer.format} and names no schema", remedy=await self._propose())

    async def _propose(self) -> str:
        """Return the sentence that says what would be accepted, with the subject's schema where it can be had."""
        try:
            chosen = await choose_schema(self._schemas, self._part, self._subject, ALL_SUBJECTS)
        except ApiError:
            return f"Send it with a schema of subject {self._subject}."
        registered = chosen.registered
        return (
            f"Send it with a schema of subject {self._subject}, such as {self._role}_schema_id {registered.id} "
            f"(version {chosen.version}), and {name_media_type(registered.schema.type)}."
        )

    def _violate(
        self,
        reason: Reason,
        detail: str,
        *,
        remedy: str = "",
        chosen: ChosenSchema | None = None,
        version: int | None = None,
        path: str = "",
        found_type: str | None = None,
    ) -> Violation:
        return Violation(
            topic=self._topic,
            policy=self._policy,
            role=self._role,
            reason=reason,
            rule=self._name_rule(reason),
            detail=detail,
            remedy=remedy,
            subject=self._subject,
            version=version if chosen is None else chosen.version,
            path=path,
            found_type=found_type,
        )

    def _name_rule(self, reason: Reason) -> str:
        part = self._part
        if reason is Reason.VERSION:
            return f"{self._role}.versions"
        if reason in {Reason.FOREIGN_SCHEMA, Reason.SCHEMA_HEADER} and part.framed is Framed.SUBJECT:
            return f"{self._role}.framed={part.framed}"
        return f"{self._role}.plain={part.plain}"

    def _unavailable(self, error: ApiError) -> JudgementUnavailableError:
        return JudgementUnavailableError(self._topic, self._policy, error.message)


def _was_to_be_encrypted(refusal: RefusedRecordError) -> bool:
    """Return whether a rule could not encrypt the record: a dead letter would hold it in the clear."""
    rule = refusal.rule_error
    return rule is not None and rule.failure.type.startswith(encryption.FIELDS)


class TopicAdmission(NamedTuple):
    """Admits the records of one request to one topic; a part that is None is written as it is sent."""

    key: PartAdmission | None
    value: PartAdmission | None

    def find_part(self, role: RecordPart) -> PartAdmission | None:
        """Return what admits the keys, or the values."""
        return self.key if role is RecordPart.KEY else self.value


def open_admission(
    schemas: SchemaCache,
    targets: Targets,
    log: ViolationLog,
    *,
    topic: str,
    name: str,
    policy: TopicPolicy,
    rights: KeyRights,
) -> TopicAdmission | None:
    """Return what admits the records of one request to the topic; None where all are written as they are sent."""
    if policy.accepts_everything:
        return None

    def open_part(role: RecordPart, part: PartPolicy) -> PartAdmission | None:
        if part.accepts_everything:
            return None
        return PartAdmission(
            schemas,
            targets,
            topic=topic,
            policy=name,
            role=role,
            part=part,
            mode=policy.mode,
            dead_letter_topic=policy.dead_letter_topic,
            log=log,
            rights=rights,
        )

    return TopicAdmission(open_part(RecordPart.KEY, policy.key), open_part(RecordPart.VALUE, policy.value))


class UniformAdmission:
    """Admits the records of one request to one topic, all of which are encoded alike."""

    def __init__(self, topic: TopicAdmission, key: Offer, value: Offer, validators: Validators) -> None:
        self._topic = topic
        self._key = key
        self._value = value
        self._validators = validators
        self._encoders: tuple[EncodeAtOnce, EncodeAtOnce] | None = None
        """Of keys and values, once a record has been admitted; they do without a coroutine."""

    @property
    def schema_ids(self) -> tuple[SchemaId | None, SchemaId | None]:
        """The schemas that the policy encoded keys and values with; None where it has encoded none."""
        chosen = [None if part is None else part.encoding_schema for part in self._topic]
        key, value = (None if schema is None else schema.registered.id for schema in chosen)
        return key, value

    async def convert_key(self, key: msgspec.Raw) -> bytes | None:
        """See `PartAdmission.convert_key`; the policy has to convert keys."""
        assert self._topic.key is not None
        return await self._topic.key.convert_key(key)

    def admit_at_once(self, key: msgspec.Raw, value: msgspec.Raw) -> tuple[bytes | None, bytes | None] | None:
        """Return the key and value that are written of a record without headers; None where `admit` has to decide."""
        if self._encoders is None:
            return None
        encode_key, encode_value = self._encoders
        try:
            return (
                None if key is ABSENT else encode_key(key),
                None if value is ABSENT else encode_value(value),
            )
        except (EncodeError, HeavyWorkError):
            return None

    async def admit(self, key: msgspec.Raw, value: msgspec.Raw, headers: Headers) -> tuple[bytes | None, bytes | None]:
        """Return the key and value that are written; raises as `PartAdmission.admit`."""
        keys, values = self._topic
        written_key = await self._admit_part(keys, self._key, key, headers)
        written_value = await self._admit_part(values, self._value, value, headers)
        encode_key, encode_value = _find_encoder(keys, self._key), _find_encoder(values, self._value)
        self._encoders = None if encode_key is None or encode_value is None else (encode_key, encode_value)
        return written_key, written_value

    async def _admit_part(
        self, admission: PartAdmission | None, offer: Offer, text: msgspec.Raw, headers: Headers
    ) -> bytes | None:
        if admission is None:
            return await offer.encode(text, self._validators)
        return (await admission.admit(offer, text, headers)).data


def _find_encoder(admission: PartAdmission | None, offer: Offer) -> EncodeAtOnce | None:
    return offer.encode_at_once if admission is None else admission.find_encoder(offer)

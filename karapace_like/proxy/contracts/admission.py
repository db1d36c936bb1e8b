"""Admit the keys and values of produced records to a topic, as its policy says.

A policy judges what readers of the topic would see: the bytes that would be written, with the headers that name their
schemas. So the way by which a record comes makes no difference.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from karapace_like.errors import ApiError
from karapace_like.policies.policy import Framed, Invalid, Mode, PartPolicy, Plain, TopicPolicy, UnknownFields
from karapace_like.proxy.contracts.choosing import ChosenSchema, find_subject
from karapace_like.proxy.contracts.framing import Framing
from karapace_like.proxy.contracts.policy_part import PolicyPart
from karapace_like.proxy.contracts.targets import Target, Targets
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.contracts.violations import JudgementUnavailableError, Reason, RefusedRecordError, Violation
from karapace_like.proxy.encoding import has_content
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.ports import IsCurrent
from karapace_like.proxy.rights import KeyRights
from karapace_like.proxy.ruled_codec import RuleEncodeError
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.validators import Validators
from karapace_like.records import Headers
from karapace_like.rules import encryption
from karapace_like.schema.model import SchemaId
from karapace_like.serde.codec import EncodeError, JsonText

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


class Admitted(NamedTuple):
    """What is written of a key or value."""

    data: bytes | None
    chosen: ChosenSchema | None = None
    """The schema that the policy encoded it with; None where it is written as it was sent."""


def _is_always_current() -> bool:
    return True


class PartVerdict(NamedTuple):
    """What a policy makes of all keys, or values, that are offered alike and name no schema themselves."""

    encode: EncodeAtOnce | None = None
    """Makes the bytes that are written; None: the offer's own function does."""
    schema_id: SchemaId | None = None
    """The schema by which the policy encodes."""
    is_current: IsCurrent | None = _is_always_current
    """Whether later requests may rely on it; None: it is that of one request."""


_AS_OFFERED = PartVerdict()


class PartAdmission:
    """Admits the keys, or the values, of one request to one topic."""

    def __init__(
        self,
        schemas: SchemaCache,
        targets: Targets,
        *,
        part: PolicyPart,
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
        self._part = part
        self._policy = policy = part.policy
        self._mode = mode
        self._dead_letter_topic = dead_letter_topic if policy.invalid is Invalid.DEAD_LETTER else None
        self._log = log
        self._framing = Framing(schemas, part)
        self._is_current = schemas.cache_validity(part.subject) if policy.framed is Framed.SUBJECT else None
        """Whether the schemas that may be named are those of now."""
        self._target: Target | None = None
        self._plain_violation: Violation | None = None
        """That of payloads without a schema, which are all refused alike."""

    @property
    def schema_id(self) -> SchemaId | None:
        """The schema that the policy has encoded with; None if it has not."""
        target = None if self._mode is Mode.OBSERVE else self._target
        return None if target is None else target.schema_id

    def settle(self, offer: Offer) -> PartVerdict | None:
        """Return what is made of all that is offered like this; None where `admit` has to decide about each.

        It finds the schema, so that what the first record gets None for may have a verdict later.
        """
        if self._mode is Mode.OBSERVE:
            return None
        target = self._target
        if target is not None and offer.format == "json":
            encode = target.make_encoder(self._part.role, drops=self._policy.unknown_fields is UnknownFields.DROP)
            return PartVerdict(encode, target.schema_id, target.is_current)
        if offer.schema_id is None:
            is_allowed = offer.format == "json" and self._policy.plain is Plain.ALLOW
            return _AS_OFFERED if is_allowed else None
        if not self._framing.accepts(offer.schema_id):
            return None
        return _AS_OFFERED if self._policy.framed is Framed.ANY else PartVerdict(is_current=self._is_current)

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
            violation = self._part.violate(Reason.UNAVAILABLE, f"it cannot be judged: {error.reason}")
            self._log.add(violation, self._mode)
        return Admitted(data)

    def _converts(self, offer: Offer, headers: Headers) -> bool:
        """Return whether the text that was sent is plain JSON for the schema, whatever it holds."""
        is_json = offer.format == "json" and self._policy.uses_schema
        return is_json and not (headers and self._framing.find_headers(headers))

    async def _judge(self, offer: Offer, data: bytes | None, headers: Headers) -> Admitted:
        """Return what is written of the bytes that the request would write."""
        if data is None:
            return Admitted(None)
        if await self._framing.is_framed(offer.schema_id, data, headers) or self._policy.plain is Plain.ALLOW:
            return Admitted(data)
        if self._policy.plain is Plain.REFUSE:
            if self._plain_violation is None:
                self._plain_violation = await self._part.describe_plain(self._schemas, offer.format)
            raise RefusedRecordError(self._plain_violation)
        return await self._convert(data, data)

    async def _convert(self, text: JsonText, sent: bytes | None = None) -> Admitted:
        """Return plain JSON as the policy has it stored; `sent` is what the request would write, where it is known."""
        part, target = self._part, self._target
        if target is None:
            try:
                target = await self._targets.find(part.role, self._policy, part.subject)
            except ApiError as error:
                raise part.unavailable(error) from error
            target = self._target = target.for_caller(self._schemas, self._rights)
        try:
            data, dropped = await target.convert(text, self._schemas.validators)
        except EncodeError as error:
            rule = error if isinstance(error, RuleEncodeError) else None
            violation = part.describe_misfit(error, text, target.chosen)
            raise RefusedRecordError(violation, rule_error=rule) from error
        except ApiError as error:
            raise part.unavailable(error) from error
        if dropped:
            self._log.count_dropped_fields(part.topic, self._mode, part.role, dropped)
        if target.prefix:
            return Admitted(data, target.chosen)
        return Admitted(data if sent is None or dropped else sent)


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
) -> TopicAdmission:
    """Return what admits the records of one request to the topic."""

    def open_part(role: RecordPart, part: PartPolicy) -> PartAdmission | None:
        if part.accepts_everything:
            return None
        return PartAdmission(
            schemas,
            targets,
            part=PolicyPart(topic, name, role, part, find_subject(part, role, topic)),
            mode=policy.mode,
            dead_letter_topic=policy.dead_letter_topic,
            log=log,
            rights=rights,
        )

    return TopicAdmission(open_part(RecordPart.KEY, policy.key), open_part(RecordPart.VALUE, policy.value))

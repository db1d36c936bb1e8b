"""The codec of a schema that has rules: they run after a value is known to fit its schema, and before it is shown.

The rules decide on the JSON that the codec itself shows of a value, so every format and every way in and out has the
same ones. What the rules write has to fit the schema; what they make of a value that is read is shown as it is.
"""

from typing import Any

import msgspec

from karapace_like.proxy import errors
from karapace_like.proxy.data_keys import KeyRing, refuse_keys
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.rights import ALL_SUBJECTS
from karapace_like.proxy.rule_processes import RuleProcesses
from karapace_like.proxy.validators import Validators
from karapace_like.rules import encryption
from karapace_like.rules.encryption import MissingKeyError
from karapace_like.rules.errors import Failure, HeavyRuleError, RuleFailedError
from karapace_like.rules.execution import RuleExecution
from karapace_like.rules.jobs import RuledSchema, RuleJob, create_execution, encode_value
from karapace_like.rules.model import Action, RuleMode, RulePhase, RuleSet, read_rule_set
from karapace_like.rules.payload_execution import PayloadExecution
from karapace_like.serde.codec import (
    Codec,
    Decoded,
    DecodeError,
    EncodeError,
    HeavyValidationError,
    HeavyWorkError,
    JsonText,
    SchemaCodec,
)
from karapace_like.serde.json_codec import JsonCodec, JsonKeyCodec

RULE_NAME_HEADER = "__rule.name"
"""Header of a record in a dead-letter topic: the rule that let it fail."""

_from_json = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode


class RuleEncodeError(EncodeError):
    """A rule refuses a value that is to be written."""

    def __init__(self, failure: Failure, original: bytes, subject: str) -> None:
        """`original` is the value as JSON, without what is to be encrypted; `subject` is the schema's."""
        super().__init__((), failure.describe())
        self.failure = failure
        self.original = original
        self.subject = subject

    @property
    def asks_for_dead_letter(self) -> bool:
        """Whether the rule's action is DLQ."""
        return self.failure.action == Action.DLQ


class RuleRefusalError(ProxyError):
    """42230: a rule refuses a record that is to be written."""

    def __init__(self, error: RuleEncodeError, place: str = "") -> None:
        refusal = errors.rule_failed_error(f"{error}{place}")
        super().__init__(refusal.code, refusal.message)
        self.failure = error.failure
        self.original = error.original
        self.subject = error.subject


class RuleDecodeError(DecodeError):
    """A rule refuses a value that was read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.describe())
        self.failure = failure


class SchemaRules:
    """The rules of one schema that run in the proxy, compiled."""

    def __init__(self, registered: RegisteredSchema, rule_set: RuleSet) -> None:
        """Raises InvalidSchemaError. The first CEL expression of a process takes half a second to compile."""
        self.schema = describe_ruled_schema(registered)
        self._encoding = {mode: PayloadExecution(rule_set, mode, registered.schema.type) for mode in _MODES}
        self.uses_keys = any(
            rule.type.startswith(encryption.FIELDS)
            for phase in _PHASES
            for mode in _MODES
            for rule in rule_set.select_rules(phase, mode)
        )
        """Whether rules encrypt, or decrypt."""
        self._domain = {
            mode: create_execution(self.schema, RulePhase.DOMAIN, mode, is_bounded=False)
            for mode in _MODES
            if rule_set.select_rules(RulePhase.DOMAIN, mode)
        }

    def find_execution(self, mode: RuleMode) -> RuleExecution | None:
        """Return the domain rules of a mode; None without any."""
        return self._domain.get(mode)

    def find_payload_execution(self, mode: RuleMode) -> PayloadExecution:
        """Return the encoding rules of a mode."""
        return self._encoding[mode]


_MODES = (RuleMode.WRITE, RuleMode.READ)
_PHASES = (RulePhase.DOMAIN, RulePhase.ENCODING)


def describe_ruled_schema(registered: RegisteredSchema) -> RuledSchema:
    """Return the schema with its rules, as rule processes take it."""
    return RuledSchema(
        registered.schema.type,
        registered.schema.text,
        tuple(registered.dependencies.items()),
        _to_json(registered.rule_set),
        _to_json(registered.metadata),
    )


def find_rules(registered: RegisteredSchema) -> SchemaRules | None:
    """Return the rules of a schema; None if none of them runs in the proxy. Raises InvalidSchemaError."""
    if not registered.rule_set:
        return None
    rule_set = read_rule_set(registered.rule_set, registered.metadata)
    if not any(rule_set.select_rules(phase, mode) for phase in _PHASES for mode in _MODES):
        return None
    return SchemaRules(registered, rule_set)


_NO_RING = KeyRing(refuse_keys("it was asked for without a caller"), "", ALL_SUBJECTS)


class RuledCodec:
    """Implements `serde.codec.SchemaCodec`. Every call may raise HeavyWorkError: then call the one that awaits."""

    def __init__(
        self,
        codec: SchemaCodec,
        rules: SchemaRules,
        subject: str = "",
        writer: Codec | None = None,
        ring: KeyRing = _NO_RING,
    ) -> None:
        """`subject` is the schema's; `writer` encodes, instead of `codec`, and `ring` has the keys of a request."""
        self.subject = subject
        self._ring = ring
        self._codec = codec
        self._writer = writer or codec
        self._rules = rules

    @property
    def schema_codec(self) -> SchemaCodec:
        """The codec of the schema alone."""
        return self._codec

    @property
    def dropped_fields(self) -> int:
        """See `serde.codec.SchemaCodec`."""
        return self._codec.dropped_fields

    @property
    def uses_keys(self) -> bool:
        """Whether the rules encrypt, or decrypt: then a request needs a codec `with_ring`."""
        return self._rules.uses_keys

    def for_keys(self) -> "RuledCodec":
        """Return the codec of record keys, which are JSON in one form."""
        is_json = isinstance(self._codec, JsonCodec)
        return RuledCodec(self._codec, self._rules, self.subject, JsonKeyCodec(self._codec)) if is_json else self

    def with_ring(self, ring: KeyRing) -> "RuledCodec":
        """Return the codec for a request that has these keys."""
        return RuledCodec(self._codec, self._rules, self.subject, self._writer, ring)

    def encode(self, text: JsonText) -> bytes:
        """Return the payload of what the rules make of a value; raises RuleEncodeError, too."""
        payload = self._writer.encode(text)
        try:
            changed = self._transform(payload)
            written = payload if changed is None else self._writer.encode(changed)
            return self._run_encoding_rules(RuleMode.WRITE, written)
        except RuleFailedError as error:
            raise RuleEncodeError(error.failure, self._redact(payload), self.subject) from error

    async def encode_elsewhere(self, text: JsonText, validators: Validators) -> bytes:
        """Return the same as `encode`, but fetch keys, and leave heavy work to other processes."""
        payload = await _encode(self._writer, text, validators)
        try:
            return await self._ring.supply(RuleMode.WRITE, lambda: self._finish_encoding(payload, validators))
        except RuleFailedError as error:
            raise RuleEncodeError(error.failure, self._redact(payload), self.subject) from error

    async def _finish_encoding(self, payload: bytes, validators: Validators) -> bytes:
        try:
            changed = self._transform(payload)
        except MissingKeyError:
            raise
        except HeavyRuleError:
            changed = await validators.rules.execute(self._job(RuleMode.WRITE, payload))
        written = payload if changed is None else await _encode(self._writer, changed, validators)
        return self._run_encoding_rules(RuleMode.WRITE, written)

    def _run_encoding_rules(self, mode: RuleMode, payload: bytes, skipped: str | None = None) -> bytes:
        return self._rules.find_payload_execution(mode).execute(payload, self._ring.keys, skipped=skipped)

    def _transform(self, payload: bytes) -> bytes | None:
        """Return the JSON of what the rules make of an encoded value; None where they do not change it."""
        execution = self._rules.find_execution(RuleMode.WRITE)
        if execution is None:
            return None
        value = self._parse(payload)
        result = execution.execute(value, execution.form.find_message(payload), keys=self._ring.keys)
        return None if result is value else encode_value(result)

    def _redact(self, payload: bytes) -> bytes:
        """Return the JSON of an encoded value, without the fields that rules of the types ENCRYPT... are for."""
        if self._rules.find_payload_execution(RuleMode.WRITE).is_encrypting:
            return encode_value(encryption.REDACTED)
        execution = self._rules.find_execution(RuleMode.WRITE)
        if execution is None:
            return bytes(self._read(payload))
        return encode_value(execution.redact(self._parse(payload), execution.form.find_message(payload)))

    def decode(self, payload: bytes) -> Decoded:
        """Return what the rules make of the value of a payload; raises RuleDecodeError, too."""
        return self._decode(payload, is_plain=False)

    def decode_plain(self, payload: bytes) -> Decoded:
        """Return the same as `decode`, in the form PLAIN."""
        return self._decode(payload, is_plain=True)

    def _decode(self, payload: bytes, *, is_plain: bool, skipped: str | None = None) -> Decoded:
        try:
            payload = self._run_encoding_rules(RuleMode.READ, payload, skipped)
            execution = self._rules.find_execution(RuleMode.READ)
            if execution is None:
                return self._show(payload, is_plain=is_plain)
            value = self._parse(payload)
            message = execution.form.find_message(payload)
            result = execution.execute(value, message, skipped=skipped, keys=self._ring.keys)
        except RuleFailedError as error:
            raise RuleDecodeError(error.failure) from error
        if result is value:
            return self._show(payload, is_plain=is_plain)
        return _show_result(execution, payload, result, is_plain=is_plain)

    async def decode_elsewhere(
        self, payload: bytes, processes: RuleProcesses, *, is_plain: bool, skipped: str | None = None
    ) -> Decoded:
        """Return the same as `decode`, but fetch keys, and leave heavy work to another process.

        `skipped` names a rule to leave out.
        """

        async def decode() -> Decoded:
            try:
                return self._decode(payload, is_plain=is_plain, skipped=skipped)
            except MissingKeyError:
                raise
            except HeavyRuleError:
                return await self._decode_in(processes, payload, is_plain=is_plain, skipped=skipped)

        try:
            return await self._ring.supply(RuleMode.READ, decode)
        except RuleFailedError as error:
            raise RuleDecodeError(error.failure) from error

    async def _decode_in(
        self, processes: RuleProcesses, payload: bytes, *, is_plain: bool, skipped: str | None
    ) -> Decoded:
        """Return the value that the rules make of a payload in another process."""
        payload = self._run_encoding_rules(RuleMode.READ, payload, skipped)
        changed = await processes.execute(self._job(RuleMode.READ, payload, skipped))
        execution = self._rules.find_execution(RuleMode.READ)
        if changed is None or execution is None:
            return self._show(payload, is_plain=is_plain)
        return _show_result(execution, payload, _from_json(changed), is_plain=is_plain)

    def _job(self, mode: RuleMode, payload: bytes, skipped: str | None = None) -> RuleJob:
        execution = self._rules.find_execution(mode)
        assert execution is not None
        return RuleJob(
            self._rules.schema,
            RulePhase.DOMAIN,
            mode,
            bytes(self._read(payload)),
            execution.form.find_message(payload),
            skipped,
            tuple(self._ring.keys.items()),
        )

    def _show(self, payload: bytes, *, is_plain: bool) -> Decoded:
        return self._codec.decode_plain(payload) if is_plain else self._codec.decode(payload)

    def _read(self, payload: bytes) -> msgspec.Raw:
        decoded = self._codec.decode(payload)
        assert isinstance(decoded, msgspec.Raw), "codecs of schemas show the text of JSON"
        return decoded

    def _parse(self, payload: bytes) -> Any:
        try:
            return _from_json(self._read(payload))
        except msgspec.MsgspecError as error:  # a number beyond what a double holds, in JSON
            raise DecodeError(str(error)) from error


def _show_result(execution: RuleExecution, payload: bytes, result: Any, *, is_plain: bool) -> msgspec.Raw:
    if is_plain:
        shape = execution.form.shape(execution.form.find_message(payload))
        result = shape.to_plain(execution.form.enter(shape, result))
    return msgspec.Raw(_to_json(result))


def refuse_value(error: EncodeError, place: str = "") -> ProxyError:
    """Return the error for a value that cannot be written; `place` says which one of a request, behind a space."""
    if isinstance(error, RuleEncodeError):
        return RuleRefusalError(error, place)
    return errors.bad_request(f"{error}{place}")


async def _encode(codec: Codec, text: JsonText, validators: Validators) -> bytes:
    try:
        return codec.encode(text)
    except HeavyValidationError as heavy:
        return await validators.validate(heavy)


async def finish_encoding(heavy: HeavyWorkError, codec: Codec, text: JsonText, validators: Validators) -> bytes:
    """Return the payload of a value, of which `codec.encode` has raised that another process has to do a part."""
    if isinstance(codec, RuledCodec):
        return await codec.encode_elsewhere(text, validators)
    assert isinstance(heavy, HeavyValidationError)
    return await validators.validate(heavy)

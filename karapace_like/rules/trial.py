"""Try the rules of a schema on a record: what each of them makes of it, and what becomes of the record.

For a process of its own, as `jobs.run_job`: nothing bounds the work.
"""

from typing import Any

import msgspec

from karapace_like.keys import envelope
from karapace_like.rules.encryption import DataKey, KeyNeed, MissingKeyError
from karapace_like.rules.errors import Failure, RuleFailedError
from karapace_like.rules.execution import Step
from karapace_like.rules.forms import FORMS
from karapace_like.rules.jobs import RuledSchema, create_execution
from karapace_like.rules.model import Action, RuleMode, RulePhase, RuleSet, read_rule_set
from karapace_like.rules.payload_execution import PayloadExecution
from karapace_like.schema.model import UnparsedSchema
from karapace_like.serde import formats
from karapace_like.serde.codec import Decoded, DecodeError, EncodeError, HeavyValidationError, JsonText, SchemaCodec
from karapace_like.serde.json_schema import run_validation

_from_json = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode


class Migration(msgspec.Struct, frozen=True, array_like=True):
    """The migration rules of one schema, for a record that goes to it or comes from it."""

    schema: RuledSchema
    mode: RuleMode


class Trial(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A record that is to be written, or read, with a schema."""

    schema: RuledSchema
    mode: RuleMode
    """WRITE or READ."""
    record: bytes
    """JSON, as a request has it."""
    writer: RuledSchema | None = None
    """The schema that a record is read from, where that is another one."""
    migrations: tuple[Migration, ...] = ()
    """From the writer's schema to this one, in their order."""


class TrialStep(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one rule did."""

    name: str
    type: str
    kind: str
    mode: str
    """For what it ran."""
    outcome: str
    """`passed` or `failed`."""
    action: str
    reason: str | None = None
    before: Any
    after: Any


class TrialResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of the record."""

    accepted: bool
    message: str | None = None
    """Why not."""
    record: Any = msgspec.UNSET
    """As it is written, or as it is shown."""
    rules: list[TrialStep]


def run_trial(trial: Trial) -> TrialResult:
    """Try the rules; raises InvalidSchemaError."""
    attempt = _Attempt(trial)
    try:
        record = attempt.write() if trial.mode is RuleMode.WRITE else attempt.read()
    except (RuleFailedError, EncodeError, DecodeError) as error:
        return TrialResult(accepted=False, message=str(error), rules=attempt.steps)
    return TrialResult(accepted=True, record=record, rules=attempt.steps)


class _Attempt:
    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._keys: dict[KeyNeed, DataKey] = {}
        """Stand-ins: a trial has no access to keys."""
        self.steps: list[TrialStep] = []

    def write(self) -> Any:
        """Return the record as it is written."""
        schema = self._trial.schema
        codec = _codec(schema)
        payload = _encode(codec, self._trial.record)
        value = _parse(codec.decode(payload))
        result = self._execute(schema, RulePhase.DOMAIN, RuleMode.WRITE, value, payload)
        written = payload if result is value else _encode(codec, _to_json(result))
        self._run_encoding_rules(schema, RuleMode.WRITE, written)
        return value if result is value else _parse(codec.decode(written))

    def read(self) -> Any:
        """Return the record as a reader with the schema sees it."""
        trial = self._trial
        writer = trial.writer or trial.schema
        codec = _codec(writer)
        payload = _encode(codec, trial.record)
        value = _parse(codec.decode(payload))
        self._run_encoding_rules(writer, RuleMode.READ, payload)
        if trial.writer is not None:
            value = self._migrate(trial.writer, value, payload)
        return self._execute(trial.schema, RulePhase.DOMAIN, RuleMode.READ, value, payload)

    def _migrate(self, writer: RuledSchema, value: Any, payload: bytes) -> Any:
        """Return the value in the standard form of the reader's schema: rules see JSON on the way."""
        form = _form(writer)
        shape = form.shape(form.find_message(payload))
        current = form.to_jsonata(shape, form.enter(shape, value))
        for migration in self._trial.migrations:
            current = self._execute(migration.schema, RulePhase.MIGRATION, migration.mode, current, b"")
        form = _form(self._trial.schema)
        shape = form.shape(form.find_message(payload))
        return form.leave(shape, form.of_jsonata(shape, current))

    def _execute(self, schema: RuledSchema, phase: RulePhase, mode: RuleMode, value: Any, payload: bytes) -> Any:
        execution = create_execution(schema, phase, mode, is_bounded=True)
        before = value

        def observe(step: Step) -> None:
            nonlocal before
            self.steps.append(
                TrialStep(
                    name=step.rule.name,
                    type=step.rule.type,
                    kind=step.rule.kind,
                    mode=mode,
                    outcome="passed" if step.failure is None else "failed",
                    action=step.action,
                    reason=step.failure,
                    before=before,
                    after=step.after,
                )
            )
            before = step.after

        steps = len(self.steps)
        while True:
            try:
                message = execution.form.find_message(payload)
                return execution.execute(value, message, observe=observe, keys=self._keys)
            except MissingKeyError as missing:
                self._supply_key(missing.need, mode)
                before = value
                del self.steps[steps:]

    def _supply_key(self, need: KeyNeed, mode: RuleMode) -> None:
        """Add a key that was just generated; on reading, why there is none."""
        if mode is RuleMode.WRITE:
            self._keys[need] = DataKey(1, envelope.generate_key(need.parameters.algorithm))
        else:
            self._keys[need] = DataKey(fault="a trial has no access to keys, and decrypts nothing")

    def _run_encoding_rules(self, schema: RuledSchema, mode: RuleMode, payload: bytes) -> None:
        execution = PayloadExecution(_read_rule_set(schema), mode, schema.type)
        is_finished = False
        while not is_finished:
            try:
                execution.execute(payload, self._keys)
                is_finished = True
            except MissingKeyError as missing:
                self._supply_key(missing.need, mode)


def _read_rule_set(schema: RuledSchema) -> RuleSet:
    return read_rule_set(_from_json(schema.rule_set), _from_json(schema.metadata))


def _codec(schema: RuledSchema) -> SchemaCodec:
    return formats.codec(UnparsedSchema(schema.type, schema.text), dict(schema.dependencies))


def _form(schema: RuledSchema) -> Any:
    return FORMS[schema.type](schema.text, dict(schema.dependencies), lambda _: frozenset())


def _encode(codec: SchemaCodec, text: JsonText) -> bytes:
    try:
        return codec.encode(text)
    except HeavyValidationError as heavy:
        if run_validation(heavy.validation) is not True:
            raise EncodeError((), "the record does not match the schema") from None
        return heavy.finish(heavy.validation.payload)


def _parse(decoded: Decoded) -> Any:
    assert isinstance(decoded, msgspec.Raw), "codecs of schemas show the text of JSON"
    return _from_json(decoded)


def describe_excess(excess: str) -> TrialResult:
    """Return the result where the rules take more than they may."""
    failure = Failure("(all)", "", RuleMode.WRITE, Action.ERROR, f"to execute the rules on this record takes {excess}")
    return TrialResult(accepted=False, message=failure.describe(), rules=[])

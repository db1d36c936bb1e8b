"""Rules that are executed in another process: what it is sent, and what it answers."""

from functools import lru_cache
from typing import Any

import msgspec

from karapace_like.rules.encryption import DataKey, KeyNeed, MissingKeyError
from karapace_like.rules.errors import Failure, RuleFailedError
from karapace_like.rules.execution import RuleExecution
from karapace_like.rules.model import Action, RuleMode, RulePhase, read_rule_set
from karapace_like.schema.model import SchemaType, UnparsedSchema

MAX_RESULT = 16 * 1024**2
"""Bytes of JSON that rules may make of a value."""
_EXECUTIONS = 20
"""Schemas whose compiled rules the process keeps."""

_ANY_JSON = UnparsedSchema(SchemaType.JSON, "{}")
"""What migration rules see, which run between two schemas."""

_from_json = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode


class RuledSchema(msgspec.Struct, frozen=True, array_like=True):
    """A schema with its rules: all that an execution depends on but the value."""

    type: SchemaType
    text: str
    dependencies: tuple[tuple[str, str], ...]
    """(reference name, text)."""
    rule_set: bytes
    """JSON."""
    metadata: bytes
    """JSON."""


class RuleJob(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A value, and the rules that are to be executed on it."""

    schema: RuledSchema
    phase: RulePhase
    mode: RuleMode
    value: bytes
    """JSON, in the codec's standard form."""
    message: tuple[int, ...] = ()
    """Which of the schema's types the value has."""
    skipped: str | None = None
    """The name of a rule that does not run."""
    keys: tuple[tuple[KeyNeed, DataKey], ...] = ()
    """For rules that encrypt."""


class RuleResult(msgspec.Struct, frozen=True, array_like=True):
    """What the rules made of the value."""

    value: bytes | None = None
    """JSON; None where they did not change it."""
    failure: Failure | None = None
    missing: KeyNeed | None = None
    """A key without which the rules could not be run."""


def run_job(job: RuleJob) -> RuleResult:
    """Execute the rules. For a process of its own: nothing bounds the work. Raises InvalidSchemaError."""
    execution = _prepare(job.schema, job.phase, job.mode)
    value = _from_json(job.value)
    try:
        result = execution.execute(value, job.message, skipped=job.skipped, keys=dict(job.keys))
    except MissingKeyError as error:
        return RuleResult(missing=error.need)
    except RuleFailedError as error:
        return RuleResult(failure=error.failure)
    if result is value:
        return RuleResult()
    encoded = encode_value(result)
    if len(encoded) > MAX_RESULT:
        reason = f"the rules make {len(encoded):,} bytes of the value; at most {MAX_RESULT:,} are allowed"
        return RuleResult(failure=Failure("(all)", "", job.mode, Action.ERROR, reason))
    return RuleResult(encoded)


def encode_value(value: Any) -> bytes:
    """Return a value as JSON."""
    return _to_json(value)


def create_execution(schema: RuledSchema, phase: RulePhase, mode: RuleMode, *, is_bounded: bool) -> RuleExecution:
    """Compile the rules of a phase; raises InvalidSchemaError."""
    rule_set = read_rule_set(_from_json(schema.rule_set), _from_json(schema.metadata))
    rules = rule_set.select_rules(phase, mode)
    if phase is RulePhase.MIGRATION:
        return RuleExecution(rules, rule_set, mode, _ANY_JSON, {}, is_bounded=is_bounded)
    unparsed = UnparsedSchema(schema.type, schema.text)
    return RuleExecution(rules, rule_set, mode, unparsed, dict(schema.dependencies), is_bounded=is_bounded)


@lru_cache(_EXECUTIONS)
def _prepare(schema: RuledSchema, phase: RulePhase, mode: RuleMode) -> RuleExecution:
    return create_execution(schema, phase, mode, is_bounded=True)

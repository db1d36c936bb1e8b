"""Files with the rules of a schema, what is wrong with them, and records that are tried on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from karapace_like.rules.inspection import RuleFault, find_faults
from karapace_like.rules.jobs import RuledSchema
from karapace_like.rules.model import RuleMode, read_rule_set
from karapace_like.rules.trial import Trial, TrialResult, run_trial
from karapace_like.schema.model import InvalidSchemaError, SchemaType, UnparsedSchema
from karapace_like.tooling.errors import ToolError

_to_json = msgspec.json.Encoder().encode


class Expectation(msgspec.Struct, forbid_unknown_fields=True):
    """One record of a file, and what has to become of it."""

    record: msgspec.Raw
    name: str = ""
    mode: RuleMode = RuleMode.WRITE
    """WRITE or READ."""
    fails: str | None = None
    """A part of the message of the failure; None: the record is accepted."""
    becomes: Any = msgspec.UNSET
    """The record afterwards; absent: any."""


class RuleFile(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A schema with its rules, as a request to register it has them, and records."""

    rule_set: dict[str, Any]
    schema: str | dict[str, Any] | list[Any] | None = None
    """The text, or for Avro and JSON Schema its JSON."""
    schema_file: str | None = None
    """Path of the text, relative to this file."""
    schema_type: SchemaType = SchemaType.AVRO
    metadata: dict[str, Any] | None = None
    references: dict[str, str] = {}
    """Name of a reference -> path of its text, relative to this file."""
    tests: list[Expectation] = []


class RuleReport(msgspec.Struct):
    """What is wrong with the rules of a file, and the results of its records."""

    faults: Sequence[RuleFault]
    results: Sequence[tuple[str, str | None, TrialResult]]
    """(name of the test, why it failed or None, what the rules did)."""

    @property
    def is_wrong(self) -> bool:
        """Whether a rule cannot run, or a record became something else."""
        return any(fault.is_error for fault in self.faults) or any(problem for _, problem, _ in self.results)


def run_file(path: Path) -> RuleReport:
    """Inspect the rules of a file, and try them on its records; raises ToolError for a file that cannot be read."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=RuleFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: {error}") from error
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from error
    text = _read_schema(path, file)
    dependencies = {name: _read(path, reference) for name, reference in file.references.items()}
    schema = UnparsedSchema(file.schema_type, text)
    ruled = RuledSchema(
        file.schema_type, text, tuple(dependencies.items()), _to_json(file.rule_set), _to_json(file.metadata)
    )
    try:
        faults = find_faults(read_rule_set(file.rule_set, file.metadata), schema, dependencies)
        results = [_try(ruled, test, number) for number, test in enumerate(file.tests, 1)]
    except InvalidSchemaError as error:
        raise ToolError(f"{path}: the schema cannot be used: {error}") from error
    return RuleReport(faults, results)


def _read_schema(path: Path, file: RuleFile) -> str:
    if (file.schema is None) is (file.schema_file is None):
        raise ToolError(f"{path}: expected either schema or schemaFile")
    if file.schema_file is not None:
        return _read(path, file.schema_file)
    return file.schema if isinstance(file.schema, str) else _to_json(file.schema).decode()


def _read(path: Path, name: str) -> str:
    try:
        return (path.parent / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: {name} cannot be read: {error}") from error


def _try(schema: RuledSchema, test: Expectation, number: int) -> tuple[str, str | None, TrialResult]:
    if test.mode not in {RuleMode.WRITE, RuleMode.READ}:
        raise ToolError(f"tests[{number - 1}].mode: expected WRITE or READ (was {test.mode})")
    result = run_trial(Trial(schema, test.mode, bytes(test.record)))
    return test.name or f"record {number}", _find_problem(test, result), result


def _find_problem(test: Expectation, result: TrialResult) -> str | None:
    if test.fails is not None:
        if result.accepted:
            return f"expected a failure with {test.fails!r}, but the record is accepted"
        message = result.message or ""
        return None if test.fails in message else f"expected a failure with {test.fails!r}: {message}"
    if not result.accepted:
        return result.message
    if test.becomes is not msgspec.UNSET and test.becomes != result.record:
        return f"expected {_show(test.becomes)}, but the record became {_show(result.record)}"
    return None


def _show(value: Any) -> str:
    return _to_json(value).decode()


def describe_step(step: Mapping[str, Any]) -> str:
    """Return a line about what one rule did."""
    reason = f": {step['reason']}" if "reason" in step else ""
    return f"{step['outcome']} {step['name']} ({step['type']}, {step['mode']}){reason}"

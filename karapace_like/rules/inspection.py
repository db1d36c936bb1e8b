"""Find what is wrong with rules before they run: what cannot be compiled, and what never does anything."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from karapace_like.rules.cel_expressions import compile_program
from karapace_like.rules.errors import RuleEvaluationError
from karapace_like.rules.executors import EXECUTORS, Executor, Scope, describe_misplacement, describe_missing_executor
from karapace_like.rules.model import Rule, RuleKind, RulePhase, RuleSet
from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import Dependencies, Strictness, UnparsedSchema
from karapace_like.schema.outline import ElementKind

_TYPE_NAMES: Final = ("STRING", "BYTES", "INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN", "NULL")
_ENCRYPTING: Final = frozenset({Scope.ENCRYPTED_FIELD, Scope.PAYLOAD})
_FIELDS: Final = frozenset({Scope.FIELD, Scope.ENCRYPTED_FIELD})
_COMPARISON: Final = re.compile(r"""\b(typeName|name)\s*==\s*(?:'([^']*)'|"([^"]*)")""")


class RuleFault(NamedTuple):
    """Something wrong with a rule."""

    rule: str
    message: str
    is_error: bool
    """Whether the rule fails for every record; else it is useless."""


def is_large(rule: Rule) -> bool:
    """Return whether the rule may take long to compile."""
    executor = EXECUTORS.get(rule.type)
    return executor is not None and not executor.is_small(rule)


def find_compile_faults(rule_set: RuleSet) -> Iterator[RuleFault]:
    """Yield the rules whose expressions cannot be compiled, with position and reason.

    JSONATA may take long: see `Executor`.
    """
    for phase, rules in rule_set.phases.items():
        for rule in rules:
            executor = EXECUTORS.get(rule.type) if phase is not RulePhase.ENCODING else None
            if executor is not None and executor.scope not in _ENCRYPTING:
                yield from _compile(rule, executor, rule_set)


def _compile(rule: Rule, executor: Executor, rule_set: RuleSet) -> Iterator[RuleFault]:
    try:
        executor.compile(rule, dict(rule_set.properties))
    except RuleEvaluationError as error:
        yield RuleFault(rule.name, str(error), is_error=True)


def find_faults(rule_set: RuleSet, schema: UnparsedSchema, dependencies: Dependencies) -> list[RuleFault]:
    """Return all faults of the rules of a schema; raises InvalidSchemaError."""
    parsed = formats.parse(schema, dependencies, Strictness.STORED)
    language = FORMATS[schema.type]
    tags = {tag for listed in language.list_tags(parsed).values() for tag in listed}
    tags.update(tag for _, listed in rule_set.tags for tag in listed)
    names = {
        element.name for element in language.list_elements(parsed, schema.text) if element.kind is ElementKind.FIELD
    }
    faults = list(find_compile_faults(rule_set))
    broken = {fault.rule for fault in faults}
    for phase, rules in rule_set.phases.items():
        for rule in rules:
            executor = EXECUTORS.get(rule.type)
            if executor is None:
                faults.append(RuleFault(rule.name, describe_missing_executor(rule), is_error=False))
            elif misplacement := describe_misplacement(rule, executor, is_encoding=phase is RulePhase.ENCODING):
                faults.append(RuleFault(rule.name, misplacement, is_error=False))
            elif executor.scope in _ENCRYPTING:
                faults += [*_compile(rule, executor, rule_set), *_find_unused_tags(rule, executor.scope, tags)]
            elif rule.name not in broken:
                faults += _find_idle_rules(rule_set, rule, tags, names if not dependencies else set())
    return faults


def _find_idle_rules(rule_set: RuleSet, rule: Rule, tags: set[str], names: set[str]) -> Iterator[RuleFault]:
    scope = EXECUTORS[rule.type].scope
    yield from _find_unused_tags(rule, scope, tags)
    if scope is Scope.JSON:
        return
    guard, expr = rule.split_guard(dict(rule_set.properties))
    for text in (guard, expr):
        if scope is Scope.FIELD:
            yield from _find_impossible_comparisons(rule, text, names)
    if guard and find_constant(guard) is False:
        yield RuleFault(rule.name, f"the guard never holds: {guard}", is_error=False)
    if rule.kind == RuleKind.CONDITION and (constant := find_constant(expr)) is not None:
        yield RuleFault(rule.name, f"the condition {'always' if constant else 'never'} holds: {expr}", is_error=False)


def _find_unused_tags(rule: Rule, scope: Scope, tags: set[str]) -> Iterator[RuleFault]:
    unused = sorted(rule.tags - tags) if scope in _FIELDS else []
    if unused:
        yield RuleFault(rule.name, f"no field has the tag {', '.join(unused)}", is_error=False)


def _find_impossible_comparisons(rule: Rule, text: str, names: set[str]) -> Iterator[RuleFault]:
    """Yield comparisons of a field's type or name with what none has; without names, only those of types."""
    for variable, single, double in _COMPARISON.findall(text):
        value = single or double
        if variable == "typeName" and value not in _TYPE_NAMES:
            expected = ", ".join(_TYPE_NAMES)
            yield RuleFault(rule.name, f"typeName is never {value!r}; it is one of {expected}", is_error=False)
        elif variable == "name" and names and value not in names:
            yield RuleFault(rule.name, f"name is never {value!r}: no field has this name", is_error=False)


def find_constant(expr: str) -> bool | None:
    """Return whether an expression in CEL without variables is true; None for others."""
    if not expr.strip():
        return None
    program = compile_program(expr)
    if program.variables():
        return None
    try:
        return bool(program.execute({}))
    except Exception:  # noqa: BLE001 - it has no answer, which its records will learn
        return None

"""Execute the rules of a schema on its values, in the order and with the outcomes of Confluent's clients.

A value is JSON in the codec's standard form. Whether this process may run a rule on it is decided before it runs:
HeavyRuleError asks for another process, which begins again with the first rule (`rule_process.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from karapace_like.rules.cel_expressions import SKIPPED
from karapace_like.rules.encryption import NO_KEYS, REDACTED, DeniedKeyError, Encryption, FieldCipher, Keys
from karapace_like.rules.errors import Failure, HeavyRuleError, RuleEvaluationError, RuleFailedError
from karapace_like.rules.executors import (
    EXECUTORS,
    Executor,
    Expression,
    Scope,
    describe_misplacement,
    describe_missing_executor,
)
from karapace_like.rules.fields import Field, Shape, ValueForm
from karapace_like.rules.forms import FORMS
from karapace_like.rules.model import Action, Rule, RuleKind, RuleMode, RuleSet
from karapace_like.rules.tags import find_tags
from karapace_like.schema.model import Dependencies, UnparsedSchema

MAX_WORK: Final = 30_000
"""Steps of all rules on one value in this process: about 5 ms at most."""
DEAD_LETTER_TOPIC: Final = "dlq.topic"
_CHARACTERS_PER_UNIT: Final = 64
_PRIMITIVE: Final = frozenset({"STRING", "BYTES", "INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN", "NULL"})
_ENCRYPTING: Final = "ENCRYPT"
_KINDS: Final = frozenset(RuleKind)
_ACTIONS: Final = frozenset(Action)
_FIELDS: Final = frozenset({Scope.FIELD, Scope.ENCRYPTED_FIELD})


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did to a value."""

    rule: Rule
    failure: str | None
    """Why it failed; None if it did not."""
    action: str
    after: Any
    """The value after it, in the standard form."""


class CompiledRule:
    """A rule with its expression, or with the reason why it has none."""

    def __init__(
        self, rule: Rule, properties: Mapping[str, str], *, is_bounded: bool, is_encoding: bool = False
    ) -> None:
        """`is_bounded`: this process is one whose time and memory the kernel bounds.

        `is_encoding`: whether the rule is one of the encoding rules.
        """
        self.rule = rule
        self.executor: Executor | None = EXECUTORS.get(rule.type)
        self.expression: Expression | None = None
        self.fault: str | None = None
        self.is_large = False
        self.dead_letter_topic = rule.parameter(DEAD_LETTER_TOPIC, properties)
        if self.executor is None:
            self.fault = describe_missing_executor(rule)
        elif rule.kind not in _KINDS:
            self.fault = f"{rule.kind} is no kind of rule; expected {' or '.join(RuleKind)}"
        elif (misplacement := describe_misplacement(rule, self.executor, is_encoding=is_encoding)) is not None:
            self.fault = misplacement
        elif not is_bounded and not self.executor.is_small(rule):
            self.is_large = True
        else:
            try:
                self.expression = self.executor.compile(rule, properties)
            except RuleEvaluationError as error:
                self.fault = str(error)

    def weigh(self, size: int) -> float:
        """See `Expression.weigh`; infinity for a rule that this process must not compile."""
        if self.is_large:
            return float("inf")
        return 0.0 if self.expression is None else self.expression.weigh(size)

    def settle(self, mode: RuleMode, fault: str | None, *, is_denied: bool = False) -> str:
        """Return the action after the rule, where the next one may run; raises RuleFailedError otherwise.

        What cannot be encrypted is not written, and what the caller may not decrypt is not read, whatever the rule
        says.
        """
        rule = self.rule
        action = rule.action(is_success=fault is None, mode=mode)
        is_encrypting = rule.type.startswith(_ENCRYPTING) and mode is RuleMode.WRITE
        if fault is not None and action == Action.NONE and (is_denied or is_encrypting):
            action = Action.ERROR
        if action == Action.NONE:
            return action
        if action not in _ACTIONS:
            fault = f"{action} is no action; expected {', '.join(Action)}" + ("" if fault is None else f" ({fault})")
            action = Action.ERROR
        raise RuleFailedError(Failure(rule.name, rule.type, mode, action, fault, self.dead_letter_topic))


class RuleExecution:
    """The rules of one schema for one mode; immutable, used by one thread."""

    def __init__(
        self,
        rules: Sequence[Rule],
        rule_set: RuleSet,
        mode: RuleMode,
        schema: UnparsedSchema,
        dependencies: Dependencies,
        *,
        is_bounded: bool = False,
    ) -> None:
        """`rules` are those that run, in their order; raises InvalidSchemaError."""
        properties = dict(rule_set.properties)
        self._mode = mode
        self._rules = [CompiledRule(rule, properties, is_bounded=is_bounded) for rule in rules]
        self.form: ValueForm = FORMS[schema.type](
            schema.text, dependencies, lambda full_name: find_tags(full_name, rule_set.tags)
        )
        self._is_bounded = is_bounded
        has_fields = any(rule.executor is not None and rule.executor.scope in _FIELDS for rule in self._rules)
        self._is_heavy = not is_bounded and has_fields and self.form.is_heavy

    def execute(
        self,
        value: Any,
        message: tuple[int, ...] = (),
        *,
        skipped: str | None = None,
        observe: Callable[[Step], None] | None = None,
        keys: Keys = NO_KEYS,
    ) -> Any:
        """Return the value that the rules make of one; the same object where none changes it.

        `message` is which of the schema's types it has, and `skipped` the name of a rule that does not run.
        Raises RuleFailedError, HeavyRuleError, MissingKeyError, and ValueError for an unknown type.
        """
        if value is None:
            return None
        if self._is_heavy:
            raise HeavyRuleError
        shape = self.form.shape(message)
        before = current = self.form.enter(shape, value)
        measured, size, work = None, 0, 0.0
        for compiled in self._rules:
            if skipped is not None and compiled.rule.name == skipped:
                continue
            if not self._is_bounded:
                if measured is not current:
                    measured, size = current, measure(current)
                work += compiled.weigh(size)
                if work > MAX_WORK:
                    raise HeavyRuleError
            current = self._run(compiled, shape, current, observe, keys)
        return value if current is before else self.form.leave(shape, current)

    def redact(self, value: Any, message: tuple[int, ...] = ()) -> Any:
        """Return the value with a text in the place of each field that a rule encrypts."""
        encrypting = [compiled.rule for compiled in self._rules if compiled.rule.type.startswith(_ENCRYPTING)]
        if not encrypting:
            return value
        tags = {tag for rule in encrypting for tag in rule.tags}
        shape = self.form.shape(message)

        def redact_field(field: Field, _: str, member: Any) -> Any:
            is_hidden = member is not None and not (tags and tags.isdisjoint(field.tags))
            return REDACTED if is_hidden else member

        return self.form.leave(shape, shape.transform(self.form.enter(shape, value), None, redact_field))

    def _run(
        self,
        compiled: CompiledRule,
        shape: Shape,
        value: Any,
        observe: Callable[[Step], None] | None,
        keys: Keys,
    ) -> Any:
        fault, result, is_denied = compiled.fault, value, False
        if fault is None:
            try:
                result = self._apply(compiled, shape, value, keys)
            except RuleEvaluationError as error:
                fault, is_denied = str(error), isinstance(error, DeniedKeyError)
        if observe is not None:
            action = compiled.rule.action(is_success=fault is None, mode=self._mode)
            observe(Step(compiled.rule, fault, action, self.form.leave(shape, result)))
        compiled.settle(self._mode, fault, is_denied=is_denied)
        return result

    def _apply(self, compiled: CompiledRule, shape: Shape, value: Any, keys: Keys) -> Any:
        """Return the value after a rule; raises RuleEvaluationError."""
        rule, executor, expression = compiled.rule, compiled.executor, compiled.expression
        assert executor is not None
        assert expression is not None
        if isinstance(expression, Encryption):
            transformed = shape.transform(value, None, FieldCipher(rule, expression, self._mode, keys).visit)
            return value if transformed == value else transformed
        if executor.scope is Scope.FIELD:
            transformed = shape.transform(value, None, _FieldVisitor(rule, expression).visit)
            return value if rule.kind == RuleKind.CONDITION or transformed == value else transformed
        if executor.scope is Scope.JSON:
            result = expression.evaluate(self.form.to_jsonata(shape, value))
        else:
            result = expression.evaluate({"message": shape.to_native(value)})
        if result is SKIPPED:
            return value
        if rule.kind == RuleKind.CONDITION:
            if not result:
                raise RuleEvaluationError(describe_condition(rule))
            return value
        if result is None:
            raise RuleEvaluationError("the transformation returned null")
        return self.form.of_jsonata(shape, result) if executor.scope is Scope.JSON else shape.to_json(result)


class _FieldVisitor:
    """Evaluates a rule on the fields that it is for."""

    def __init__(self, rule: Rule, expression: Expression) -> None:
        self._rule = rule
        self._expression = expression
        self._uses_message = getattr(expression, "uses_message", True)

    def visit(self, field: Field, kind: str, value: Any) -> Any:
        rule = self._rule
        if kind not in _PRIMITIVE or (rule.tags and rule.tags.isdisjoint(field.tags)):
            return value
        variables = {
            "value": value,
            "fullName": field.full_name,
            "name": field.name,
            "typeName": kind,
            "tags": sorted(field.tags),
        }
        if self._uses_message:
            variables["message"] = field.read_message()
        try:
            result = self._expression.evaluate(variables)
        except RuleEvaluationError as error:
            raise RuleEvaluationError(f"{error} (field {field.full_name} of type {kind})") from error
        if result is SKIPPED:
            return value
        if rule.kind == RuleKind.CONDITION:
            if result is False:
                raise RuleEvaluationError(f"{describe_condition(rule)} (field {field.full_name} of type {kind})")
            return value
        return result


def describe_condition(rule: Rule) -> str:
    """Return why a value is not accepted: what the rule says of itself, or else its expression."""
    return rule.doc or (f"the condition does not hold: {rule.expr}" if rule.expr else "the condition does not hold")


def measure(value: Any) -> int:
    """Return the size of a value: its members at all levels, and 64 characters of text count as one."""
    size = 0
    pending = [value]
    while pending:
        member = pending.pop()
        size += 1
        if isinstance(member, str):
            size += len(member) // _CHARACTERS_PER_UNIT
        elif isinstance(member, dict):
            pending += member.values()
        elif isinstance(member, list):
            pending += member
    return size

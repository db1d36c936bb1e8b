"""The table of executors: which rule types there are, and what each is given."""

import enum
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from karapace_like.rules import encryption
from karapace_like.rules.cel_expressions import CelExpression, is_small
from karapace_like.rules.encryption import Encryption
from karapace_like.rules.jsonata_expressions import JsonataExpression
from karapace_like.rules.model import Rule


class Scope(enum.Enum):
    """What a rule is evaluated on."""

    MESSAGE = "message"
    """The whole value, in the native form."""
    FIELD = "field"
    """Each field of a primitive type whose tags meet the rule's."""
    JSON = "json"
    """The whole value as JSON."""
    ENCRYPTED_FIELD = "encrypted field"
    """Each field of text or bytes whose tags meet the rule's, with keys."""
    PAYLOAD = "payload"
    """The encoded value, with keys: for encoding rules only."""


class Expression(Protocol):
    """A rule's expression, compiled."""

    def weigh(self, size: int) -> float:
        """Return a bound of the steps of an evaluation on a value of this size."""
        ...

    def evaluate(self, value: Any, /) -> Any:
        """Return the result; raises RuleEvaluationError. Variables for MESSAGE and FIELD, the value for JSON."""
        ...


class Executor(NamedTuple):
    """How the rules of a type are executed."""

    scope: Scope
    compile: Callable[[Rule, Mapping[str, str]], Expression]
    """(rule, properties of the schema's metadata) -> expression; raises RuleEvaluationError."""
    is_small: Callable[[Rule], bool]
    """Whether any process may compile the rule, instead of one that the kernel bounds."""


EXECUTORS: Mapping[str, Executor] = {
    "CEL": Executor(Scope.MESSAGE, CelExpression, is_small),
    "CEL_FIELD": Executor(Scope.FIELD, CelExpression, is_small),
    "JSONATA": Executor(Scope.JSON, JsonataExpression, lambda _: False),
    encryption.FIELDS: Executor(Scope.ENCRYPTED_FIELD, Encryption, lambda _: True),
    encryption.PAYLOAD: Executor(Scope.PAYLOAD, Encryption, lambda _: True),
}
"""By the type of rule."""


def describe_misplacement(rule: Rule, executor: Executor, *, is_encoding: bool) -> str | None:
    """Return why a rule fails among the encoding rules, or among the others; None where it can run."""
    if is_encoding == (executor.scope is Scope.PAYLOAD):
        return None
    runs = "does not run on" if is_encoding else "runs only on"
    return f"a rule of the type {rule.type} {runs} encoded values: it is among the wrong rules of the rule set"


def describe_missing_executor(rule: Rule) -> str:
    """Return why a rule of a type that is not in the table fails."""
    return (
        f"this service has no executor of rules of the type {rule.type or '(none)'}; "
        f"it has {', '.join(EXECUTORS)}. Disable the rule, or produce and consume with a client that has one"
    )

"""Execute the encoding rules of a schema: on the bytes of a value, without the id of its schema before them."""

from karapace_like.rules.encryption import NO_KEYS, DeniedKeyError, Encryption, Keys
from karapace_like.rules.errors import RuleEvaluationError
from karapace_like.rules.execution import CompiledRule
from karapace_like.rules.model import RuleMode, RulePhase, RuleSet
from karapace_like.schema.model import SchemaType
from karapace_like.serde import wire


class PayloadExecution:
    """The encoding rules of one schema for one mode; immutable."""

    def __init__(self, rule_set: RuleSet, mode: RuleMode, schema_type: SchemaType) -> None:
        properties = dict(rule_set.properties)
        self._mode = mode
        self._has_indexes = schema_type is SchemaType.PROTOBUF
        self._rules = [
            CompiledRule(rule, properties, is_bounded=True, is_encoding=True)
            for rule in rule_set.select_rules(RulePhase.ENCODING, mode)
        ]
        self.is_encrypting = any(isinstance(compiled.expression, Encryption) for compiled in self._rules)
        """Whether values are encrypted as a whole."""

    def execute(self, payload: bytes, keys: Keys = NO_KEYS, *, skipped: str | None = None) -> bytes:
        """Return the payload that the rules make of one; raises RuleFailedError, MissingKeyError and FrameError.

        The place of a Protobuf message in its file, which opens the payload, stays as it is. `skipped` is the name of a
        rule that does not run.
        """
        rules = [compiled for compiled in self._rules if skipped is None or compiled.rule.name != skipped]
        if not rules:
            return payload
        begin = wire.read_message_indexes(payload)[1] if self._has_indexes else 0
        data = payload[begin:]
        for compiled in rules:
            data = self._run(compiled, data, keys)
        return payload[:begin] + data

    def _run(self, compiled: CompiledRule, data: bytes, keys: Keys) -> bytes:
        fault, is_denied = compiled.fault, False
        if isinstance(compiled.expression, Encryption):
            try:
                result = compiled.expression.transform(data, self._mode, keys)
                if result is None:
                    raise DeniedKeyError("the whole value is encrypted, and the caller may not use its key")
            except RuleEvaluationError as error:
                fault, is_denied = str(error), isinstance(error, DeniedKeyError)
            else:
                data = result
        compiled.settle(self._mode, fault, is_denied=is_denied)
        return data

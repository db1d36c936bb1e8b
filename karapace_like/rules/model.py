"""Rules as a schema's rule set has them, read from its JSON, and the outcomes of running them.

Reading is lenient: a registry keeps whatever rules it gets. A rule that makes no sense fails when it is to run.
Source: Confluent API, `ruleSet`; Confluent's clients for what the fields mean.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


class RuleKind(enum.StrEnum):
    """What the result of a rule means."""

    TRANSFORM = "TRANSFORM"
    """It replaces the value."""
    CONDITION = "CONDITION"
    """It says whether the value is accepted."""


class RuleMode(enum.StrEnum):
    """When a rule runs, and what a record is executed for: then it is one of the first four."""

    WRITE = "WRITE"
    READ = "READ"
    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    WRITEREAD = "WRITEREAD"
    UPDOWN = "UPDOWN"

    def covers(self, mode: "RuleMode") -> bool:
        """Return whether a rule of this mode runs when a record is executed for `mode`."""
        return self is mode or mode in _COVERED.get(self, ())

    @property
    def is_reversed(self) -> bool:
        """Whether the rules run from the last to the first."""
        return self in _REVERSED


_COVERED: Mapping[RuleMode, tuple[RuleMode, ...]] = {
    RuleMode.WRITEREAD: (RuleMode.WRITE, RuleMode.READ),
    RuleMode.UPDOWN: (RuleMode.UPGRADE, RuleMode.DOWNGRADE),
}
_REVERSED = frozenset({RuleMode.READ, RuleMode.DOWNGRADE})
_MODES = {mode.value: mode for mode in RuleMode}


class RulePhase(enum.StrEnum):
    """The list of a rule set, by the name of its JSON field."""

    MIGRATION = "migrationRules"
    DOMAIN = "domainRules"
    ENCODING = "encodingRules"


class Action(enum.StrEnum):
    """What happens after a rule."""

    ERROR = "ERROR"
    """The record fails."""
    NONE = "NONE"
    """The next rule runs."""
    DLQ = "DLQ"
    """The record goes to a dead-letter topic, and fails."""


_ENABLED_AT = frozenset({"ALL", "CLIENT", "GATEWAY"})
"""Where rule sets are executed that this service executes: it is the Kafka client of its callers, and their gateway."""
_GUARD_SEPARATOR = ";"
_IGNORE_GUARD = "cel.ignore.guard.separator"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Names of kinds, modes and types that this version does not know are kept as they are."""

    name: str
    kind: str = RuleKind.TRANSFORM
    mode: str = RuleMode.WRITEREAD
    type: str = ""
    """In capitals."""
    tags: frozenset[str] = frozenset()
    params: tuple[tuple[str, str], ...] = ()
    expr: str | None = None
    doc: str | None = None
    on_success: str | None = None
    on_failure: str | None = None
    is_disabled: bool = False

    def runs_in(self, mode: RuleMode) -> bool:
        """Return whether the rule is meant for the mode and not disabled."""
        own = _MODES.get(self.mode)
        return not self.is_disabled and own is not None and own.covers(mode)

    def action(self, *, is_success: bool, mode: RuleMode) -> str:
        """Return the name of the action after the rule; "A,B" is A on write and upgrade, B on read and downgrade."""
        action = self.on_success if is_success else self.on_failure
        if not action:
            return Action.NONE if is_success else Action.ERROR
        if "," in action and self.mode in {RuleMode.WRITEREAD, RuleMode.UPDOWN}:
            action = action.split(",")[1 if mode.is_reversed else 0].strip()
        return action

    def is_same_transform(self, other: "Rule") -> bool:
        """Return whether both transform the same fields, so that one of the two is left out."""
        return (
            bool(self.tags)
            and self.kind == RuleKind.TRANSFORM
            and (self.kind, self.mode, self.type, self.tags) == (other.kind, other.mode, other.type, other.tags)
        )

    def parameter(self, name: str, properties: Mapping[str, str]) -> str | None:
        """Return a parameter of the rule, or else the property of the schema's metadata with its name."""
        return dict(self.params).get(name, properties.get(name))

    def split_guard(self, properties: Mapping[str, str]) -> tuple[str, str]:
        """Return (guard, expression); an empty guard for none."""
        expr = self.expr or ""
        if (self.parameter(_IGNORE_GUARD, properties) or "").lower() == "true":
            return "", expr
        guard, separator, guarded = expr.partition(_GUARD_SEPARATOR)
        return (guard.strip(), guarded) if separator else ("", expr)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a schema, and what of its metadata they use."""

    phases: Mapping[RulePhase, tuple[Rule, ...]]
    is_enabled: bool = True
    """Whether the rule set is meant to be executed where this service is."""
    tags: tuple[tuple[str, frozenset[str]], ...] = ()
    """(pattern of full names, tags) of the metadata."""
    properties: tuple[tuple[str, str], ...] = ()
    """Of the metadata."""

    def list_rules(self) -> "list[Rule]":
        """Return the rules of all phases."""
        return [rule for rules in self.phases.values() for rule in rules]

    def select_rules(self, phase: RulePhase, mode: RuleMode) -> tuple[Rule, ...]:
        """Return the rules of a phase that run in a mode, in the order in which they run."""
        listed = self.phases.get(phase, ())
        if not self.is_enabled or not listed:
            return ()
        ordered = listed[::-1] if mode.is_reversed else listed
        # Of the same transforms of the same fields the first one listed counts, on write and on read.
        return tuple(
            rule
            for rule in ordered
            if rule.runs_in(mode) and not any(map(rule.is_same_transform, listed[: _index_of(rule, listed)]))
        )


def _index_of(rule: Rule, listed: Sequence[Rule]) -> int:
    return next(index for index, other in enumerate(listed) if other is rule)


def read_rule_set(rule_set: Json | None, metadata: Json | None) -> RuleSet:
    """Return the rules of a registered schema; members of other shapes than Confluent's count as absent."""
    rule_set, metadata = rule_set or {}, metadata or {}
    tags = metadata.get("tags")
    paths = tags.items() if isinstance(tags, Mapping) else ()
    return RuleSet(
        {phase: tuple(map(_read_rule, _objects(rule_set.get(phase)))) for phase in RulePhase},
        (rule_set.get("enableAt") or "ALL") in _ENABLED_AT,
        tuple((path, frozenset(_strings(listed))) for path, listed in paths),
        _texts(metadata.get("properties")),
    )


def _read_rule(rule: Json) -> Rule:
    return Rule(
        name=str(rule.get("name") or ""),
        kind=_text(rule.get("kind")) or RuleKind.TRANSFORM,
        mode=_text(rule.get("mode")) or RuleMode.WRITEREAD,
        type=str(rule.get("type") or "").upper(),
        tags=frozenset(_strings(rule.get("tags"))),
        params=_texts(rule.get("params")),
        expr=_text(rule.get("expr")),
        doc=_text(rule.get("doc")),
        on_success=_text(rule.get("onSuccess")),
        on_failure=_text(rule.get("onFailure")),
        is_disabled=rule.get("disabled") is True,
    )


def _objects(members: Any) -> Sequence[Json]:
    return [member for member in members if isinstance(member, Mapping)] if isinstance(members, list) else []


def _strings(members: Any) -> Sequence[str]:
    return [member for member in members if isinstance(member, str)] if isinstance(members, list | tuple) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(values: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(values, Mapping):
        return ()
    return tuple((name, str(value)) for name, value in values.items() if value is not None)

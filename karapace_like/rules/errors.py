"""The ways in which rules fail."""

import msgspec

from karapace_like.serde.codec import HeavyWorkError


class RuleEvaluationError(Exception):
    """A rule cannot be compiled or evaluated, or its condition does not hold; the text says why."""


class HeavyRuleError(HeavyWorkError):
    """To run the rules on this value may take so long, or so much memory, that another process has to."""


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """Why a rule lets a record fail."""

    rule: str
    """The rule's name."""
    type: str
    mode: str
    action: str
    """The action that has to be run: ERROR or DLQ."""
    reason: str | None
    """None where the rule succeeded and its `onSuccess` asks for the action."""
    dead_letter_topic: str | None = None
    """The parameter `dlq.topic`."""

    def describe(self) -> str:
        """Return the sentence about the failure."""
        return f"Rule failed: {self.rule}" + ("" if self.reason is None else f": {self.reason}")


class RuleFailedError(Exception):
    """A rule lets a record fail."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.describe())
        self.failure = failure


def cut(text: str, length: int = 300) -> str:
    """Return the text for an error message; a long one is cut."""
    return text if len(text) <= length else f"{text[:length]}..."

"""Violations: why a topic's policy does not accept a key or value, in a sentence that never holds the value itself."""

import enum
from typing import Any

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.ruled_codec import RuleEncodeError
from karapace_like.schema.model import SchemaType
from karapace_like.serde.codec import EncodeError, JsonText, Path

_MAX_STEP = 100
"""Characters of an object's key that a message shows."""
_MAX_STEPS = 20
"""Steps of a path that a message shows."""


class Reason(enum.StrEnum):
    """Why a key or value is not accepted; a closed set, for metrics."""

    PLAIN = "plain"
    """It names no schema."""
    NOT_JSON = "not_json"
    """It is no JSON, and so cannot be held against the schema."""
    INVALID = "invalid"
    """It does not fit the schema."""
    RULE = "rule"
    """A rule of the schema refuses it."""
    FOREIGN_SCHEMA = "foreign_schema"
    """It names a schema that the subject does not have."""
    VERSION = "version"
    """It names a version of the subject that is out of range."""
    SCHEMA_HEADER = "schema_header"
    """A record header that is to name its schema cannot be read."""
    UNAVAILABLE = "unavailable"
    """The schema cannot be had: it cannot be judged."""
    DROPPED_FIELDS = "dropped_fields"
    """Fields that its schema does not allow were dropped, and it was accepted; each field counts."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one key or value, without the value."""

    topic: str
    policy: str
    """The name of the policy."""
    role: RecordPart
    reason: Reason
    rule: str
    """The setting that it violates, such as `value.plain=encode`."""
    detail: str
    """A clause that says what is wrong."""
    remedy: str = ""
    """A sentence that says what would be accepted."""
    subject: str | None = None
    version: int | None = None
    """The version of the subject that it was held against, or names."""
    path: str = ""
    """The place within JSON, such as `rooms[2].floor`; empty for the whole."""
    found_type: str | None = None
    """What JSON calls the value at the path; None for what is no JSON."""

    def explain(self) -> str:
        """Return the sentences for the client."""
        detail = self.detail.removesuffix(".")
        start = f"Topic {self.topic} does not accept this {self.role} (policy {self.policy}): {detail}."
        return f"{start} {self.remedy}" if self.remedy else start


class RefusedRecordError(ProxyError):
    """422: a policy does not accept a record."""

    def __init__(self, violation: Violation, place: str = "", *, rule_error: RuleEncodeError | None = None) -> None:
        """`place` says which record of the request it is; empty for the only one.

        `rule_error` is that of the schema's rule which refuses the record, for the reason RULE.
        """
        super().__init__(422, violation.explain() + place)
        self.violation = violation
        self.rule_error = rule_error
        self.dead_letter_topic: str | None = None
        """Where the record is to go instead; None refuses it."""

    def at(self, place: str) -> "RefusedRecordError":
        """Return the same error for a record of several."""
        return RefusedRecordError(self.violation, place)


class JudgementUnavailableError(ProxyError):
    """503: a policy cannot judge a record now, and so accepts none."""

    def __init__(self, topic: str, policy: str, reason: str) -> None:
        super().__init__(
            503,
            f"The policy {policy} cannot be applied to topic {topic}: {reason.rstrip('.')}. Nothing was written; it is "
            "safe to retry.",
            retry_after=1,
        )
        self.reason = reason


_MEDIA_TYPE_FORMATS = {embedded.schema_type: embedded for embedded in EmbeddedFormat if embedded.schema_type}


def name_media_type(kind: SchemaType) -> str:
    """Return how a request says that its data has a schema of this type, in both versions of the API."""
    embedded = _MEDIA_TYPE_FORMATS[kind]
    return f'Content-Type: application/vnd.kafka.{embedded}.v2+json (in REST v3: "type": "{embedded.name}")'


def format_path(path: Path) -> str:
    """Return a path as text, such as `rooms[2].floor`; long ones are cut."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:_MAX_STEP]}" for step in path[:_MAX_STEPS])
    return shown.removeprefix(".") + ("..." if len(path) > _MAX_STEPS else "")


def parse_or_none(text: JsonText) -> Any:
    """Return the JSON value, and `NO_JSON` for a text that is none."""
    try:
        return msgspec.json.decode(text)
    except NOT_JSON:
        return NO_JSON


NO_JSON = object()


def name_type(value: Any, path: Path) -> str:
    """Return what JSON calls the type of the value at the path; that of the last part that is there."""
    for step in path:
        is_there = step in value if isinstance(value, dict) else isinstance(value, list) and step in range(len(value))
        if not is_there:
            return "nothing"
        value = value[step]
    return _TYPES.get(type(value), "null")


_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def describe_mismatch(error: EncodeError, value: Any) -> tuple[str, str, str]:
    """Return (path, type found there, clause) of a value that does not fit; the clause does not hold the value."""
    path, found_type = format_path(error.path), name_type(value, error.path)
    place = f"at {path}" if path else "the whole"
    expected = f"; expected {error.expected}" if error.expected else ""
    return path, found_type, f"{place} is {_WITH_ARTICLE.get(found_type, found_type)} that does not fit{expected}"


_WITH_ARTICLE = {name: f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in _TYPES.values()}

"""The errors of the REST proxy, one constructor for each condition.

Used by both versions of the API; `v3/errors.py` adds the conditions that only REST v3 has. The codes and statuses are
those of Confluent REST Proxy (API reference, v2, "Errors"), as are the beginnings of most messages. A message names the
value, what was expected, and what to do.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.records import TopicPartition


class ProxyError(ApiError):
    """An error response of the proxy."""


class Absence(StrEnum):
    """Why a process does not serve a consumer instance. Nodes and workers exchange these values."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OWNER_GONE = "owner-gone"
    OTHER_USER = "other-user"


class InstanceNotFoundError(ProxyError):
    """40403: the consumer instance is not this caller's to use here."""

    def __init__(self, absence: Absence, detail: str = "") -> None:
        """`detail` is a clause, with sentences after it, that says why and what to do."""
        super().__init__(40403, f"Consumer instance not found{f': {detail}' if detail else ''}.")
        self.absence = absence


_NOT_FOUND = frozenset({"UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC"})
_UNAUTHENTICATED = frozenset(
    {"SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE", "_AUTHENTICATION"}
)
_UNAUTHORIZED = "_AUTHORIZATION_FAILED"
_BAD_REQUEST = frozenset(
    {
        "INVALID_CONFIG",
        "INVALID_GROUP_ID",
        "INVALID_PARTITIONS",
        "INVALID_REPLICATION_FACTOR",
        "INVALID_REQUEST",
        "INVALID_TIMESTAMP",
        "POLICY_VIOLATION",
        "SECURITY_DISABLED",
        "TOPIC_ALREADY_EXISTS",
        "TOPIC_EXCEPTION",
        "UNKNOWN",
        "UNSUPPORTED_VERSION",
    }
)
_MEMBERSHIP_REMEDIES = {
    **dict.fromkeys(
        ("GROUP_ID_NOT_FOUND", "INCONSISTENT_GROUP_PROTOCOL"),
        "The name may belong to a group of another kind, such as a queue (a share group). Choose another group.",
    ),
    **dict.fromkeys(
        ("FENCED_INSTANCE_ID", "FENCED_MEMBER_EPOCH", "ILLEGAL_GENERATION", "STALE_MEMBER_EPOCH", "UNKNOWN_MEMBER_ID"),
        "The partitions were given to others meanwhile. Poll, and commit what the instance returns from now on.",
    ),
}
"""Name of an error about the membership in a group -> what to do."""
_BAD_ARGUMENT = "_INVALID_ARG"
_EXHAUSTED = "_CRIT_SYS_RESOURCE"
"""No further Kafka client can be created."""
RETRIABLE = 50003
"""Kafka may take the same request later."""
_PASSING = frozenset({RETRIABLE, 50302})
NOTHING_WRITTEN = 50303
"""Certainly no record of the request was written."""
UNKNOWN_OUTCOME = 50004
"""A record may be written, or not."""
_NOT_SENT = frozenset(
    {"_QUEUE_FULL", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_ID", "UNKNOWN_TOPIC_OR_PART"}
)
"""Failures that may pass, of records that no broker has got or taken."""
_SHOWN_NAMES = 5
_SHOWN = 100
"""Characters of a value that an error message quotes at most."""


def kafka_code(failure: KafkaFailure) -> int:
    """Return the error code of a failure that fails the whole request."""
    if failure.name in _NOT_FOUND:
        return 40403
    if failure.name in _BAD_REQUEST:
        return 40002
    if failure.name in _MEMBERSHIP_REMEDIES:
        return 40903
    if failure.name == "BROKER_NOT_AVAILABLE":
        return 50302
    return record_code(failure)


def record_code(failure: KafkaFailure) -> int:
    """Return the error code of a failure that fails one record of a request."""
    if failure.name in _UNAUTHENTICATED:
        return 40101
    if failure.name.endswith(_UNAUTHORIZED):
        return 40301
    if failure.name == _BAD_ARGUMENT:
        return 40002
    return RETRIABLE if failure.retriable else 50002


def may_pass(failure: KafkaFailure) -> bool:
    """Return whether a record that failed so may be written later, as soon as brokers answer."""
    return record_code(failure) == RETRIABLE and failure.name != "_UNKNOWN_PARTITION"


def may_be_written(failure: KafkaFailure) -> bool:
    """Return whether a record may be in its topic although its producer has reported this."""
    if failure.name in _NOT_SENT or failure.name == _BAD_ARGUMENT:
        return False
    is_refusal = not failure.name.startswith("_") and not failure.retriable
    return not is_refusal or failure.name.endswith("_AFTER_APPEND")


def rejects_credentials(failure: KafkaFailure) -> bool:
    """Return whether the cluster rejected the credentials."""
    return failure.name in _UNAUTHENTICATED


def of_kafka(failure: KafkaFailure) -> ProxyError:
    """Return the error of a failure that fails the whole request."""
    remedy = _MEMBERSHIP_REMEDIES.get(failure.name)
    if remedy is not None:
        return illegal_state(f"{failure.message.rstrip('.')}. {remedy}")
    return render_failure(failure)


def render_failure(failure: KafkaFailure) -> ProxyError:
    """Return the error with the failure's own sentence, and when to repeat the request where it may succeed then."""
    if failure.name == _EXHAUSTED:
        return too_many("Kafka clients of this process")
    code = kafka_code(failure)
    return ProxyError(code, failure.message, retry_after=1 if code in _PASSING else None)


@contextmanager
def translate_kafka_failures(translate: Callable[[KafkaFailure], ProxyError] = of_kafka) -> Iterator[None]:
    """Raise a KafkaFailure of the block as the ProxyError that `translate` makes of it."""
    try:
        yield
    except KafkaFailure as failure:
        raise translate(failure) from failure


def bad_request(reason: str) -> ProxyError:
    return ProxyError(400, f"Bad Request: {reason}")


def internal_resource(kind: str, name: str, purpose: str) -> ProxyError:
    """`purpose` is a clause that says what the service or Kafka uses it for."""
    return ProxyError(
        403,
        f"{kind} {name} is internal: {purpose}. The REST proxy describes it and refuses every use of it, for all "
        "callers, unless the service is started with rest_internal_resources=true.",
    )


def quote(text: str) -> str:
    """Return the text for an error message, in quotes; a long one is cut."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def cut(value: str) -> str:
    """Return the text for an error message; a long one is cut."""
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."


def invalid_topic(name: str) -> ProxyError:
    return ProxyError(
        40002,
        "The request attempted to perform an operation on an invalid topic. The name of a topic has 1 to 249 of the "
        f"characters a-z, A-Z, 0-9, '.', '_' and '-', and is neither '.' nor '..' (was {quote(name)}).",
    )


def unfit_text(place: str, text: str, fault: str) -> ProxyError:
    """`place` names what the text is, and `fault` is a clause."""
    return ProxyError(40002, f"{place} {fault} (was {quote(text)}).")


def null_in_name(name: str) -> ProxyError:
    return ProxyError(40002, f"{quote(name)} cannot be the name of a topic or group: it contains a null character.")


def not_found_error(detail: str) -> ProxyError:
    """`detail` is a clause that names what does not exist, or which value of the path no resource can have."""
    return ProxyError(404, f"HTTP 404 Not Found: {detail}")


def partition_not_found_error(partition: int, topic: str) -> ProxyError:
    return ProxyError(40402, f"Partition not found: topic {topic} has no partition {partition}.")


def no_partitions_listed_error() -> ProxyError:
    return ProxyError(40402, 'Partition not found: the body lists none; send {"partitions": [...]}.')


def consumer_not_found_error() -> ProxyError:
    return InstanceNotFoundError(Absence.UNKNOWN)


def consumer_expired_error(seconds: float) -> ProxyError:
    return InstanceNotFoundError(
        Absence.EXPIRED, f"it was closed after {seconds:g} seconds without a request. Create it again"
    )


def owner_gone_error(kind: str = "node") -> ProxyError:
    """`kind` is node, or worker where the node still runs."""
    return InstanceNotFoundError(Absence.OWNER_GONE, f"the {kind} that held it has stopped. Create another instance")


def consumer_of_another_caller() -> ProxyError:
    return InstanceNotFoundError(
        Absence.OTHER_USER,
        "it belongs to the caller that created it. Send the same credentials (Authorization) as when it was created",
    )


def id_of_another_owner(instance_id: str) -> ProxyError:
    return ProxyError(
        422,
        f"The id {instance_id} was generated by this service for another instance. Choose another id, or leave it out "
        "to have one generated.",
    )


def format_mismatch(requested: str, expected: str) -> ProxyError:
    """Both are the names of embedded formats."""
    return ProxyError(
        40601,
        "The requested embedded data format does not match the deserializer for this consumer instance: the request "
        f"accepts {requested}, the instance reads {expected}. Send Accept: application/vnd.kafka.{expected}.v2+json.",
    )


def undecodable(part: str, at: TopicPartition, offset: int, reason: str) -> ProxyError:
    """`part` is KEY or VALUE."""
    return ProxyError(
        40801,
        f"Error deserializing {part} for partition {at} at offset {offset}. "
        f"If needed, please seek past the record to continue consumption. {reason}",
    )


def override_not_allowed_error(name: str) -> ProxyError:
    return ProxyError(422, f"{name} cannot be set by a request: producer_overrides_allowed does not list it.")


def too_many_records(count: int, limit: int) -> ProxyError:
    return ProxyError(
        413, f"The request has {count} records; at most {limit} are accepted. Send them in several requests."
    )


def produce_timed_out_error(seconds: float) -> ProxyError:
    return ProxyError(50003, f"The request took longer than {seconds:g} s; its records may have been written")


def unknown_records_error(reason: str) -> ProxyError:
    return ProxyError(
        UNKNOWN_OUTCOME,
        f"It is unknown whether the records were written: {reason.rstrip('.')}. A request that is repeated may write "
        "them twice, unless both have the same Idempotency-Key.",
    )


def ambiguous_association(part: str, topic: str, subjects: Sequence[str]) -> ProxyError:
    return ProxyError(
        409,
        f"The topic {topic} has associations of the type {part} in several namespaces, with the subjects "
        f"{', '.join(subjects[:_SHOWN_NAMES])}. Name the subject in the request, or delete all but one.",
    )


def consumer_exists() -> ProxyError:
    return ProxyError(40902, "Consumer with specified consumer ID already exists in the specified consumer group.")


def reads_other_topics(topics: Sequence[str]) -> ProxyError:
    return ProxyError(
        40901,
        f"The consumer instance is subscribed to {', '.join(topics[:_SHOWN_NAMES])}. In REST v1 an instance reads one "
        "topic: create another instance for this one",
    )


def illegal_state(reason: str) -> ProxyError:
    return ProxyError(40903, f"Illegal state: {reason}")


def not_assigned_error(at: TopicPartition) -> ProxyError:
    return illegal_state(f"No current assignment for partition {at}")


def expired_credentials() -> ProxyError:
    return ProxyError(40101, "HTTP 401 Unauthorized: the token has expired (exp)")


def too_many(resources: str) -> ProxyError:
    """`resources` is a plural, such as "streams"."""
    return ProxyError(42901, f"Too many requests: there are too many {resources} at the moment.", retry_after=1)


def rule_failed_error(failure: str) -> ProxyError:
    """`failure` is the sentence that names the rule and says why it failed."""
    return ProxyError(42230, failure)


def unusable_schema(reason: str) -> ProxyError:
    """`reason` is the engine's sentence."""
    return ProxyError(42205, f"The schema cannot be used: {reason}")


def rule_process_lost_error() -> ProxyError:
    return ProxyError(
        503,
        "The process that executes rules has ended unexpectedly; it is safe to retry.",
        retry_after=1,
    )


def validator_lost_error() -> ProxyError:
    return ProxyError(
        503,
        "The process that validates values of complex schemas has ended unexpectedly; it is safe to retry.",
        retry_after=1,
    )


def beyond_the_end(at: TopicPartition, offset: int, end: int) -> ProxyError:
    return ProxyError(40002, f"Offset {offset} is beyond the end of partition {at}, which is {end}.")


def unsupported_media_type(content_type: str | None, accepted: Iterable[str]) -> ProxyError:
    """`content_type` is the header of the request; None if it has none."""
    types = tuple(accepted)
    problem = "the request has no Content-Type" if content_type is None else f"Content-Type is {content_type!r}"
    sentence = f"HTTP 415 Unsupported Media Type: {problem}; expected {_list_choices(types)}"
    return ProxyError(415, sentence, accepted=types)


def doubtful_format(part: str, types: Iterable[str]) -> ProxyError:
    """Return the error for JSON whose format neither the request nor the topic's policy names."""
    accepted = tuple(types)
    return ProxyError(
        415,
        f"HTTP 415 Unsupported Media Type: application/json leaves the format of the {part}s open; add {part}_format, "
        f"{part}_schema_id or a topic policy that validates or encodes them, or expected {_list_choices(accepted)}",
        accepted=accepted,
    )


def unnamed_format(types: Iterable[str]) -> ProxyError:
    """Return the error for a read that accepts JSON and names no format."""
    return ProxyError(
        406,
        "HTTP 406 Not Acceptable: application/json leaves the format of the records open; add format=json, format=auto "
        f"or another one to the query, or accept {_list_choices(types)}.",
    )


def violation(place: str, constraint: str, value: str) -> ProxyError:
    """Return the error for an invalid value; `place` is its path in the request, such as `records[0].topic`."""
    return ProxyError(422, f"{place} {constraint} (was {cut(value)})")


def body_missing(fields: Iterable[str]) -> ProxyError:
    return ProxyError(422, f"The request has no body; expected a JSON object with {_list_choices(fields)}")


def records_missing(example: str) -> ProxyError:
    return ProxyError(422, f"records must not be empty: expected a list of at least one record, such as {example}")


def unknown_field(name: str, expected: Iterable[str]) -> ProxyError:
    return ProxyError(422, describe_unknown_field(name, expected))


def describe_unknown_field(name: str, expected: Iterable[str]) -> str:
    """Return the sentence that names the field, the one that was probably meant, and all that are accepted."""
    names = list(expected)
    similar = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {similar[0]}? " if similar else ""
    return f"Unrecognized field: {name}; {guess}expected {_list_choices(names)}"


def invalid_format(field: str, spelling: str, formats: Iterable[str]) -> ProxyError:
    return ProxyError(422, f"Invalid format type. {field} is {quote(spelling)}; expected {_list_choices(formats)}")


def schema_not_text(field: str, kind: str) -> ProxyError:
    """`kind` is what JSON calls the value: an object or an array."""
    return ProxyError(
        400,
        f"{field} is {kind}; expected a string that holds the text of the schema, with its quotes escaped, such as "
        r'"{\"type\":\"int\"}"',
    )


def invalid_topic_pattern(reason: str) -> ProxyError:
    return ProxyError(422, f"Invalid topic pattern: {reason}.")


def invalid_header_value(name: str) -> ProxyError:
    return ProxyError(
        422, f"Record header value contains invalid base64 encoding: the value of header {name!r} must be base64"
    )


def below_minimum(name: str, value: int, minimum: int) -> ProxyError:
    return ProxyError(
        40001,
        "Invalid consumer configuration. It does not abide by the constraints: "
        f"Invalid value {value} for configuration {name}: Value must be at least {minimum}",
        status=422,
    )


def invalid_consumer_config(name: str, value: str, reason: str) -> ProxyError:
    return ProxyError(
        42204, f"Invalid consumer configuration: Invalid value {cut(value)} for configuration {name}: {reason}"
    )


def schema_missing(role: str) -> ProxyError:
    """`role` is key or value."""
    code = {"key": 42201, "value": 42202}[role]
    return ProxyError(
        code,
        f"Request includes {role}s but does not include {role} schema: send {role}_schema or {role}_schema_id, or "
        f"name in {role}_subject a subject that has one",
    )


def invalid_schema(schema_format: str, text: str, reason: str) -> ProxyError:
    return ProxyError(
        42205, f"Invalid schema: Error when parsing raw schema. format = {schema_format}, schema = {text}: {reason}"
    )


def new_schema_not_allowed_error(subject: str) -> ProxyError:
    return ProxyError(
        403,
        "HTTP 403 Forbidden: a request may register new schemas only in TOPIC-key and TOPIC-value of topics that Kafka "
        f"lets its caller write to, and {subject} is none of them. Register the schema at the registry's API first.",
    )


def registry_refused_error(call: str, cause: ApiError) -> ProxyError:
    """`call` describes the call to the registry as a clause, such as "fetching schema by id. schemaId = 1"."""
    return ProxyError(42207, f"Error serializing message. Error when {call}\n{cause.message}; error code: {cause.code}")


def _list_choices(values: Iterable[str]) -> str:
    *others, last = values
    return f"one of {', '.join(others)} or {last}" if others else last

"""Every refusal of the REST proxy: one constructor per condition, with the reference proxy's codes and sentences.

Source: Confluent REST Proxy API reference, v2, "Errors". The spelling is the wire's, also where it is odd.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.records import TopicPartition


class ProxyError(ApiError):
    """A refusal by the proxy."""


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


def kafka_code(failure: KafkaFailure) -> int:
    """The error code of a failure for which the whole request fails."""
    if failure.name in _NOT_FOUND:
        return 40403
    if failure.name in _BAD_REQUEST:
        return 40002
    if failure.name == "BROKER_NOT_AVAILABLE":
        return 50302
    return record_code(failure)


def record_code(failure: KafkaFailure) -> int:
    """The error code of a failure for which one record fails."""
    if failure.name in _UNAUTHENTICATED:
        return 40101
    if failure.name.endswith(_UNAUTHORIZED):
        return 40301
    return 50003 if failure.retriable else 50002


def is_unauthenticated(failure: KafkaFailure) -> bool:
    """Whether the cluster does not take the credentials."""
    return failure.name in _UNAUTHENTICATED


@contextmanager
def kafka_failures() -> Iterator[None]:
    """Raise the block's KafkaFailure as ProxyError."""
    try:
        yield
    except KafkaFailure as failure:
        raise of_kafka(failure) from failure


def of_kafka(failure: KafkaFailure) -> ProxyError:
    """What the API says of a failure of Kafka."""
    return ProxyError(kafka_code(failure), failure.message)


def bad_request(reason: str) -> ProxyError:
    return ProxyError(400, f"Bad Request: {reason}")


def no_such_path() -> ProxyError:
    return ProxyError(404, "HTTP 404 Not Found")


def partition_not_found() -> ProxyError:
    return ProxyError(40402, "Partition not found.")


def consumer_not_found() -> ProxyError:
    return ProxyError(40403, "Consumer instance not found.")


def consumer_expired(seconds: float) -> ProxyError:
    return ProxyError(40403, f"Consumer instance not found: it was closed after {seconds:g} seconds without a request.")


def owner_gone(kind: str = "node") -> ProxyError:
    """`kind` is node, or worker where the node goes on."""
    return ProxyError(40403, f"Consumer instance not found: the {kind} that had it is gone. Make another instance.")


def consumer_of_another_user() -> ProxyError:
    return ProxyError(40403, "Consumer instance not found: it is another user's.")


def names_another_owner(instance_id: str) -> ProxyError:
    return ProxyError(
        422, f"The id {instance_id} was made by this service for another instance. Choose another one, or none."
    )


def format_mismatch() -> ProxyError:
    return ProxyError(
        40601, "The requested embedded data format does not match the deserializer for this consumer instance"
    )


def undecodable(part: str, at: TopicPartition, offset: int, reason: str) -> ProxyError:
    """`part` is KEY or VALUE."""
    return ProxyError(
        40801,
        f"Error deserializing {part} for partition {at} at offset {offset}. "
        f"If needed, please seek past the record to continue consumption. {reason}",
    )


def override_refused(name: str) -> ProxyError:
    return ProxyError(422, f"{name} cannot be set by a request: it is not among producer_overrides_allowed")


def too_many_records(count: int, limit: int) -> ProxyError:
    return ProxyError(413, f"The request has {count} records; at most {limit} are taken")


def produce_timed_out(seconds: float) -> ProxyError:
    return ProxyError(50003, f"The request took longer than {seconds:g} s; its records may have been written")


def consumer_exists() -> ProxyError:
    return ProxyError(40902, "Consumer with specified consumer ID already exists in the specified consumer group.")


def illegal_state(reason: str) -> ProxyError:
    return ProxyError(40903, f"Illegal state: {reason}")


def not_assigned(at: TopicPartition) -> ProxyError:
    return illegal_state(f"No current assignment for partition {at}")


def too_many(what: str) -> ProxyError:
    return ProxyError(42901, f"Too many requests: there are too many {what} at the moment.", retry_after=1)


def beyond_the_end(at: TopicPartition, offset: int, end: int) -> ProxyError:
    return ProxyError(40002, f"Offset {offset} is beyond the end of partition {at}, which is {end}.")


def unsupported_media_type() -> ProxyError:
    return ProxyError(415, "HTTP 415 Unsupported Media Type")


def violation(place: str, constraint: str, value: str) -> ProxyError:
    """A value that no request may have: `place` is the path to it as the reference names it."""
    return ProxyError(422, f"{place} {constraint} (was {value})")


def unknown_field(name: str) -> ProxyError:
    return ProxyError(422, f"Unrecognized field: {name}")


def invalid_format() -> ProxyError:
    return ProxyError(422, "Invalid format type.")


def invalid_topic_pattern(reason: str) -> ProxyError:
    return ProxyError(422, f"Invalid topic pattern: {reason}")


def invalid_header_value() -> ProxyError:
    return ProxyError(422, "Record header value contains invalid base64 encoding")


def below_minimum(name: str, value: int, minimum: int) -> ProxyError:
    return ProxyError(
        40001,
        "Invalid consumer configuration. It does not abide by the constraints: "
        f"Invalid value {value} for configuration {name}: Value must be at least {minimum}",
        status=422,
    )


def invalid_consumer_config(name: str, value: str, reason: str) -> ProxyError:
    return ProxyError(
        42204, f"Invalid consumer configuration: Invalid value {value} for configuration {name}: {reason}"
    )


def schema_missing(role: str) -> ProxyError:
    """`role` is key or value."""
    code = {"key": 42201, "value": 42202}[role]
    return ProxyError(code, f"Request includes {role}s but does not include {role} schema")


def invalid_schema(schema_format: str, text: str) -> ProxyError:
    return ProxyError(
        42205, f"Invalid schema: Error when parsing raw schema. format = {schema_format}, schema = {text}"
    )


def schema_refused(doing: str, cause: ApiError) -> ProxyError:
    """The registry refused; `doing` says what it was asked for."""
    return ProxyError(
        42207, f"Error serializing message. Error when {doing}\n{cause.message}; error code: {cause.code}"
    )

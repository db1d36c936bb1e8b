"""The errors that only REST v3 has, one constructor for each condition; the others are in `proxy/errors.py`.

The codes and statuses are those of Confluent REST Proxy (API reference, v3), as are the beginnings of most messages.
"""

from collections.abc import Iterable
from functools import partial

from karapace_like.administration import ConfigOwner
from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError, record_code
from karapace_like.records import TopicPartition

_BAD_REQUEST = frozenset({"INVALID_REPLICA_ASSIGNMENT", "CONCURRENT_UPDATE"})
_IN_USE = frozenset({"NON_EMPTY_GROUP", "UNKNOWN_MEMBER_ID", "GROUP_SUBSCRIBED_TO_TOPIC"})
_TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_TOO_LARGE"})
_FIRST_EXTENDED_CODE = 1000


def _of_kafka(failure: KafkaFailure) -> ProxyError:
    if failure.name in _BAD_REQUEST:
        return bad_value(failure.message)
    if failure.name in _IN_USE:
        return ProxyError(409, failure.message)
    return errors.render_failure(failure)


translate_kafka_failures = partial(errors.translate_kafka_failures, _of_kafka)
"""As in `proxy/errors.py`, with the codes of REST v3: groups that are in use are 409 here."""


def of_record(failure: KafkaFailure) -> ProxyError:
    """Return the error of a failure that fails one record of a request."""
    if failure.name in _TOO_LARGE:
        return ProxyError(413, failure.message)
    return ProxyError(record_code(failure), failure.message)


def as_entry(error: ApiError) -> ApiError:
    """Return the error as it is shown among the results of a request: by its status, with the code in the message."""
    if error.code < _FIRST_EXTENDED_CODE or error.code // 100 != UNPROCESSABLE:
        return error
    return ProxyError(error.status, f"Error: {error.code} : {error.message}")


def refused_batch_error(entry: str, error: ApiError) -> ApiError:
    """Return the error of a batch that is written as a whole, for that of one of its entries."""
    message = f"None of the records was written, because of entry {entry}: {error.message}"
    return ProxyError(error.code, message, status=error.status, retry_after=error.retry_after)


UNPROCESSABLE = 422


def method_not_allowed_error() -> ProxyError:
    return ProxyError(
        405,
        "HTTP 405 Method Not Allowed: to read records, send at least one of offset, timestamp, page_token or stream",
    )


def cluster_not_found_error(cluster: str, *, verb: str = "cannot") -> ProxyError:
    """`verb` is "could not" where Confluent REST Proxy says so."""
    return ProxyError(404, f"Cluster {errors.cut(cluster)} {verb} be found.")


def partition_not_found_error(at: TopicPartition, cluster: str) -> ProxyError:
    return ProxyError(404, f"Partition {at.partition} of topic {at.topic} could not be found on cluster {cluster}.")


def config_not_found_error(name: str, owner: ConfigOwner, cluster: str) -> ProxyError:
    return ProxyError(
        404, f"Config {errors.cut(name)} cannot be found for {owner.kind} {owner.name} in cluster {cluster}."
    )


def broker_not_found_error(broker: int) -> ProxyError:
    return ProxyError(404, f"Broker {broker} could not be found.")


def broker_away(call: str) -> ProxyError:
    """Return the error for a broker that is down and alone knows its configs; `call` names the Kafka request."""
    return ProxyError(errors.RETRIABLE, f"Timed out waiting for a node assignment. Call: {call}", retry_after=1)


def group_not_found_error(group: str, *, ending: str = "could not be found") -> ProxyError:
    return ProxyError(404, f"Consumer Group {errors.cut(group)} {ending}.")


def group_in_use(group: str) -> ProxyError:
    return ProxyError(
        409, f"Consumer Group {errors.cut(group)} has members, which commit its offsets themselves. Stop them first."
    )


def no_value(config: str) -> ProxyError:
    return bad_value(f"Null value not supported for : {config}. Send a string, or reset the config with DELETE.")


def bad_value(reason: str) -> ProxyError:
    return ProxyError(40002, reason)


def malformed_request(message: str) -> ProxyError:
    return ProxyError(400, message)


def missing_field(field: str, place: str) -> ProxyError:
    """`place` says where the field is expected, such as "the body"."""
    return malformed_request(f"{field} is required in {place}")


def unknown_choice(field: str, spelling: str, choices: Iterable[str]) -> ProxyError:
    return malformed_request(
        f"{field} {errors.quote(spelling)} is not one of the values accepted: [{', '.join(choices)}]"
    )


def no_body() -> ProxyError:
    return ProxyError(42206, "Payload error. Request body is empty. Data is required.")


def invalid_payload(reason: str) -> ProxyError:
    return ProxyError(42206, f"Payload error. {reason}")


def invalid_batch(reason: str) -> ProxyError:
    return ProxyError(42208, reason)


def broken_stream(message: str) -> ProxyError:
    """Return the error for a stream whose rest cannot be split into records."""
    return ProxyError(400, f"Bad Request: Error processing message: {message}")


def schema_version_missing(subject: str, version: int) -> ProxyError:
    return errors.bad_request(f"Schema does not exist for subject: {subject}, version: {version}")


def latest_schema_missing(subject: str, role: str, *, is_typed: bool) -> ProxyError:
    """`role` is key or value; `is_typed` says whether it names its `type`."""
    hint = (
        "Send schema or schema_id, or register a schema for the subject first."
        if is_typed
        else f"The {role} has no type, so the latest schema of the subject is used. Set type to BINARY, JSON or STRING "
        "for data without a schema; else send type and schema, or register a schema for the subject first."
    )
    return ProxyError(
        42207, f"Error serializing message. Error when fetching latest schema version. subject = {subject}. {hint}"
    )

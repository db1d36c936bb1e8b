"""The refusals that only REST v3 knows: one constructor per condition, with the reference proxy's codes and sentences.

Source: Confluent REST Proxy API reference, v3, and its answers. The spelling is the wire's, also where it is odd.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from karapace_like.administration import ConfigOwner
from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy.errors import ProxyError, kafka_code, record_code
from karapace_like.records import TopicPartition

_BAD_REQUEST = frozenset({"INVALID_REPLICA_ASSIGNMENT", "CONCURRENT_UPDATE"})
_IN_USE = frozenset({"NON_EMPTY_GROUP", "UNKNOWN_MEMBER_ID", "GROUP_SUBSCRIBED_TO_TOPIC"})
_TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_TOO_LARGE"})
_FIRST_EXTENDED_CODE = 1000


@contextmanager
def kafka_failures() -> Iterator[None]:
    """Raise the block's KafkaFailure as ProxyError."""
    try:
        yield
    except KafkaFailure as failure:
        raise _of_kafka(failure) from failure


def _of_kafka(failure: KafkaFailure) -> ProxyError:
    if failure.name in _BAD_REQUEST:
        return bad_value(failure.message)
    if failure.name in _IN_USE:
        return ProxyError(409, failure.message)
    return ProxyError(kafka_code(failure), failure.message)


def of_record(failure: KafkaFailure) -> ProxyError:
    """Why one record was not written."""
    if failure.name in _TOO_LARGE:
        return ProxyError(413, failure.message)
    return ProxyError(record_code(failure), failure.message)


def as_entry(error: ApiError) -> ApiError:
    """The error as one result among others shows it: by its status, with the code in the message."""
    if error.code < _FIRST_EXTENDED_CODE or error.code // 100 != UNPROCESSABLE:
        return error
    return ProxyError(error.status, f"Error: {error.code} : {error.message}")


UNPROCESSABLE = 422


def not_found() -> ProxyError:
    return ProxyError(404, "HTTP 404 Not Found")


def method_not_allowed() -> ProxyError:
    return ProxyError(405, "HTTP 405 Method Not Allowed")


def cluster_not_found(cluster: str, *, verb: str = "cannot") -> ProxyError:
    """`verb` is "could not" where the reference says so."""
    return ProxyError(404, f"Cluster {cluster} {verb} be found.")


def partition_not_found(at: TopicPartition, cluster: str) -> ProxyError:
    return ProxyError(404, f"Partition {at.partition} of topic {at.topic} could not be found on cluster {cluster}.")


def config_not_found(name: str, owner: ConfigOwner, cluster: str) -> ProxyError:
    return ProxyError(404, f"Config {name} cannot be found for {owner.kind} {owner.name} in cluster {cluster}.")


def broker_not_found(broker: int) -> ProxyError:
    return ProxyError(404, f"Broker {broker} could not be found.")


def broker_away(call: str) -> ProxyError:
    """A broker that only itself could answer for; `call` is the reference's name of the question."""
    return ProxyError(50003, f"Timed out waiting for a node assignment. Call: {call}")


def group_not_found(group: str, *, ending: str = "could not be found") -> ProxyError:
    return ProxyError(404, f"Consumer Group {group} {ending}.")


def group_in_use(group: str) -> ProxyError:
    return ProxyError(409, f"Consumer Group {group} has members: its offsets are theirs to commit.")


def no_value(config: str) -> ProxyError:
    return bad_value(f"Null value not supported for : {config}")


def bad_value(reason: str) -> ProxyError:
    return ProxyError(40002, reason)


def malformed(message: str) -> ProxyError:
    return ProxyError(400, message)


def no_body() -> ProxyError:
    return ProxyError(42206, "Payload error. Request body is empty. Data is required.")


def invalid_payload(reason: str) -> ProxyError:
    return ProxyError(42206, f"Payload error. {reason}")


def broken_stream(message: str) -> ProxyError:
    """What follows cannot be told apart into records any more."""
    return ProxyError(400, f"Bad Request: Error processing message: {message}")


def latest_schema_missing(subject: str) -> ProxyError:
    return ProxyError(
        42207, f"Error serializing message. Error when fetching latest schema version. subject = {subject}"
    )

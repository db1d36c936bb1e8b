"""The one place where the client libraries' errors become `KafkaFailure`s.

Error names are the Kafka protocol's and, with a leading underscore, librdkafka's own. The protocol guide's sentences
are used where librdkafka has words of its own, because users of other clients look for those.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiokafka import errors as group_errors
from confluent_kafka import KafkaError, KafkaException

from karapace_like.errors import KafkaFailure

RETRIABLE = frozenset(
    {
        # The Kafka protocol guide, "Error codes", column "Retriable".
        "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "CONCURRENT_TRANSACTIONS",
        "ELIGIBLE_LEADERS_NOT_AVAILABLE", "FENCED_LEADER_EPOCH", "FETCH_SESSION_ID_NOT_FOUND",
        "INCONSISTENT_TOPIC_ID", "INVALID_FETCH_SESSION_EPOCH", "INVALID_MSG", "KAFKA_STORAGE_ERROR",
        "LEADER_NOT_AVAILABLE", "LISTENER_NOT_FOUND", "NETWORK_EXCEPTION", "NOT_CONTROLLER", "NOT_COORDINATOR",
        "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "NOT_LEADER_FOR_PARTITION",
        "OFFSET_NOT_AVAILABLE", "PREFERRED_LEADER_NOT_AVAILABLE", "REBALANCE_IN_PROGRESS", "REPLICA_NOT_AVAILABLE",
        "REQUEST_TIMED_OUT", "THROTTLING_QUOTA_EXCEEDED", "UNKNOWN_LEADER_EPOCH", "UNKNOWN_TOPIC_ID",
        "UNKNOWN_TOPIC_OR_PART", "UNSTABLE_OFFSET_COMMIT",
        # librdkafka's: the cluster was not reached in time, or the partition is not known yet.
        # `_NOENT` is what a question about a partition gives while no leader is known.
        "_ALL_BROKERS_DOWN", "_MSG_TIMED_OUT", "_NOENT", "_QUEUE_FULL", "_RESOLVE", "_TIMED_OUT", "_TIMED_OUT_QUEUE",
        "_TRANSPORT", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC", "_WAIT_COORD",
    }
)  # fmt: skip
"""The names of the errors after which the same request may succeed."""

SENTENCES: Mapping[str, str] = {
    "INVALID_RECORD": "This record has failed the validation on broker and hence will be rejected.",
    "MSG_SIZE_TOO_LARGE": "The request included a message larger than the max message size the server will accept.",
    "TOPIC_EXCEPTION": "The request attempted to perform an operation on an invalid topic.",
    "UNKNOWN_TOPIC_OR_PART": "This server does not host this topic-partition.",
}
"""What the protocol guide says of an error, for those that users see most."""


def failure(error: KafkaError) -> KafkaFailure:
    """The client's error in neutral words."""
    name = error.name()
    return KafkaFailure(name, SENTENCES.get(name, error.str()), retriable=name in RETRIABLE)


@contextmanager
def failures() -> Iterator[None]:
    """Raise what the client raises in the block as KafkaFailure."""
    try:
        yield
    except KafkaException as error:
        found = error.args[0]
        raise (failure(found) if isinstance(found, KafkaError) else KafkaFailure("_FAIL", str(found))) from error
    except SystemError as error:
        # The client raises a fatal error while it calls back, and Python finds a callback that has "an exception set".
        if not isinstance(error.__cause__, KafkaException):
            raise
        raise failure(error.__cause__.args[0]) from error
    except BufferError as error:
        raise KafkaFailure("_QUEUE_FULL", "the producer's queue is full", retriable=True) from error


def protocol_failure(error_code: int) -> KafkaFailure:
    """The error that a broker's answer carries as a number, which is not 0."""
    name = str(KafkaError(error_code).name())
    return KafkaFailure(name, SENTENCES.get(name, KafkaError(error_code).str()), retriable=name in RETRIABLE)


@contextmanager
def group_failures() -> Iterator[None]:
    """Raise what aiokafka's connections raise in the block as KafkaFailure.

    A broker was not reached (`_TRANSPORT`), does not let us in, or speaks no version of the request that we speak.
    """
    try:
        yield
    except (group_errors.IncompatibleBrokerVersion, NotImplementedError) as error:
        raise KafkaFailure("UNSUPPORTED_VERSION", str(error)) from error
    except group_errors.BrokerResponseError as error:
        raise protocol_failure(error.errno) from error
    except (group_errors.KafkaError, OSError, EOFError) as error:
        message = f"the group's coordinator cannot be reached: {str(error) or type(error).__name__}"
        raise KafkaFailure("_TRANSPORT", message, retriable=True) from error

"""The one place where exceptions of the client libraries become `KafkaFailure`s.

Error names are the Kafka protocol's and, with a leading underscore, librdkafka's own. For some errors the
protocol guide's sentence replaces librdkafka's, because users search for it.
"""

import os
import re
import ssl
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MethodType, TracebackType
from typing import Any, TypeVar
from weakref import WeakMethod

from aiokafka import errors as aiokafka_errors
from confluent_kafka import KafkaError, KafkaException

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.client_log import client_logger

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
        # `_NOENT` is the error of a request about a partition while no leader is known.
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
"""The protocol guide's sentences for the errors that users see most."""


EXHAUSTED = "_CRIT_SYS_RESOURCE"
"""librdkafka's name for a failure of the system: here, no further client can be created."""
_NO_KEY = "Failed to initialize thread local storage"
"""What the client library raises where a process has no further key for data of threads (POSIX, PTHREAD_KEYS_MAX).

There are 1,024. Each client has one from its creation until it is deallocated, which its closing does not do."""
_HOST = r"(?:ipv[46]#)?(?:\[[\w:.%]+\]|[\w.-]*[\w.]):\d{1,5}"
_ADDRESS = re.compile(rf"(?:\b[a-z_]+://)?{_HOST}(?:-{_HOST})*(?:-\d+)?(?:/\w+)?|\('[^']*', \d+(?:, \d+)*\)")
"""A broker as the clients name it (`sasl_ssl://host:9093/1`, `('host', 9093)`), or a connection between two hosts."""
_ADDRESS_LENGTH = 10_000
"""Characters of a message that are searched for addresses; the rest is cut."""


def remove_addresses(message: str) -> str:
    """Return the message without the hosts, ports and connections of brokers: callers of the REST proxy read it."""
    return _ADDRESS.sub("a broker", message[:_ADDRESS_LENGTH])


def _name_reason(error: Exception) -> str:
    """Return why a connection failed, without the error's own text: that names hosts in many forms."""
    if isinstance(error, ssl.SSLError):
        return getattr(error, "reason", None) or type(error).__name__
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return type(error).__name__


_MAX_TEXT_BYTES = 32_767
"""Of a string (Kafka protocol guide, "Protocol Primitive Types", STRING)."""
_SHOWN = 100
"""Characters of a text that a message quotes at most."""


def failure(error: KafkaError) -> KafkaFailure:
    """Translate an error of librdkafka, which logs the brokers' addresses itself."""
    name = error.name()
    return KafkaFailure(name, SENTENCES.get(name) or remove_addresses(error.str()), retriable=name in RETRIABLE)


T = TypeVar("T")


def failures() -> AbstractContextManager[None]:
    """Return a context that raises librdkafka's exceptions as KafkaFailure; it holds calls of the client, nothing else.

    `_INVALID_ARG`: the client rejects an argument, such as an offset of 2^63. `_DESTROY`: the client was closed, and
    another one may have replaced it. Pass callbacks through `callback`: otherwise an exception of the service's own
    code would pass for the client's.
    """
    return _FAILURES


class _Failures:
    """The context of `failures`. Every fetch enters it: one object for all costs a quarter of a generator."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is not None and (translated := _translate(error)) is not None:
            raise translated from error


_FAILURES = _Failures()


def call(method: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call a method of the client, or a lambda of such calls only, within `failures`; return its result."""
    try:
        return method(*arguments, **named)
    except Exception as error:
        if (translated := _translate(error)) is None:
            raise
        raise translated from error


def convert(error: BaseException) -> KafkaFailure:
    """Return the KafkaFailure for an exception of librdkafka; raise any other."""
    translated = _translate(error)
    if translated is None:
        raise error
    return translated


class CallbackError(Exception):
    """A callback of this service has failed within a call of the client."""


def callback(do: Callable[..., None]) -> Callable[..., None]:
    """Wrap a function for the client to call: its own failures become CallbackError, never an invalid argument.

    A method does not keep its object alive: the client is mostly an attribute of it, and each would keep the other
    until a garbage collection, though the client is closed. A process has room for some 1,000 of them.
    """
    name = do.__name__
    find = WeakMethod(do) if isinstance(do, MethodType) else lambda: do

    def call_back(*arguments: Any) -> None:
        current = find()
        if current is None:
            return
        try:
            current(*arguments)
        except (KafkaFailure, KafkaException):
            raise
        except Exception as error:
            raise CallbackError(f"{name} failed: {type(error).__name__}: {error}") from error

    return call_back


def _translate(error: BaseException) -> KafkaFailure | None:
    """Return the KafkaFailure for an exception of librdkafka; None for any other."""
    match error:
        case KafkaException():
            cause = error.args[0]
            return (
                failure(cause) if isinstance(cause, KafkaError) else KafkaFailure("_FAIL", remove_addresses(str(cause)))
            )
        case SystemError(__cause__=KafkaException() as raised):
            # The client raises a fatal error within a callback, which Python reports as a result with an exception set.
            return failure(raised.args[0])
        case BufferError():
            return KafkaFailure("_QUEUE_FULL", "The producer's queue is full: retry later.", retriable=True)
        case TimeoutError():  # that of futures has no text
            return KafkaFailure("_TIMED_OUT", str(error) or "The brokers did not answer in time.", retriable=True)
        case ValueError() | OverflowError() | TypeError():
            return invalid_argument(error)
        case RuntimeError() if _NO_KEY in str(error):
            return KafkaFailure(EXHAUSTED, "This process has as many Kafka clients as it can have.", retriable=True)
        case RuntimeError():
            return KafkaFailure("_DESTROY", f"The Kafka client was closed: {error}", retriable=True)
        case _:
            return None


def invalid_argument(error: Exception | str) -> KafkaFailure:
    """Return the failure for an argument that the client rejects."""
    return KafkaFailure("_INVALID_ARG", f"The Kafka client rejects an argument: {error}")


def check_texts(*texts: str) -> None:
    r"""Raise KafkaFailure, _INVALID_ARG, for a text that the client would accept and misread.

    It truncates most texts at a NUL: `a\0b` would become the topic `a`, which no access check has seen. An unpaired
    surrogate, which UTF-8 cannot encode, ends the process. A broker ends the connection on which a longer text comes
    than a string of the protocol can be, and with it the calls of others.
    """
    for text in texts:
        if "\0" in text:
            raise invalid_argument(f"{text[:_SHOWN]!r} contains a NUL character")
        try:
            size = len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError as error:
            raise invalid_argument(
                f"{text[:_SHOWN]!r} contains an unpaired surrogate, which UTF-8 cannot encode"
            ) from error
        if size > _MAX_TEXT_BYTES:
            raise invalid_argument(f"{text[:_SHOWN]!r}... has {size} bytes; a string has {_MAX_TEXT_BYTES} at most")


def _is_of_client(error: BaseException) -> bool:
    """Whether aiokafka's own code raised it, and neither a function that it called nor this service."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "aiokafka"


def error_code(error_code: int) -> KafkaFailure:
    """Translate an error code of a response, which is not 0 (Kafka protocol guide, "Error codes")."""
    name = str(KafkaError(error_code).name())
    return KafkaFailure(name, SENTENCES.get(name, KafkaError(error_code).str()), retriable=name in RETRIABLE)


@contextmanager
def aiokafka_failures() -> Iterator[None]:
    """Return a context that raises exceptions of aiokafka's connections as KafkaFailure.

    `_TRANSPORT`: the broker cannot be reached; its address is in the log only. UNSUPPORTED_VERSION: it supports no
    version of the request that this service knows. `_INVALID_ARG`: the protocol cannot represent a value of the
    request. Else the broker's own error.
    """
    try:
        yield
    except (aiokafka_errors.IncompatibleBrokerVersion, NotImplementedError) as error:
        raise KafkaFailure("UNSUPPORTED_VERSION", remove_addresses(str(error))) from error
    except aiokafka_errors.BrokerResponseError as error:
        raise error_code(error.errno) from error
    except (aiokafka_errors.KafkaError, OSError, EOFError) as error:
        client_logger.info("A broker cannot be reached: %s", error or type(error).__name__)
        message = f"The broker cannot be reached: {_name_reason(error)}"
        raise KafkaFailure("_TRANSPORT", message, retriable=True) from error
    except (ValueError, OverflowError, TypeError) as error:
        if not _is_of_client(error):
            raise
        raise invalid_argument(error) from error

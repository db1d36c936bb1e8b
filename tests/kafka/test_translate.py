"""The client library's errors in neutral words."""

import errno
import logging
import socket
import ssl

import pytest
from aiokafka import errors as group_errors
from confluent_kafka import KafkaError, KafkaException

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate

CODES = {
    name: code
    for name in dir(KafkaError)
    if name.strip("_").isupper() and isinstance(code := getattr(KafkaError, name), int)
}


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_error_of_the_client_is_translated(name: str) -> None:
    """It keeps the name that the protocol gives it, says something, and is retriable if the table says so."""
    error = KafkaError(CODES[name])
    failure = translate.failure(error)
    assert failure.name == error.name()
    assert failure.message
    assert failure.retriable == (error.name() in translate.RETRIABLE)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("sasl_ssl://kafka-1.internal:9093/1: SASL authentication error", "a broker: SASL authentication error"),
        ("ssl://[fe80::1%eth0]:9093/bootstrap: Disconnected", "a broker: Disconnected"),
        (
            "kafka:9092/12: Connect to ipv4#10.0.0.1:9092 failed (after 3ms)",
            "a broker: Connect to a broker failed (after 3ms)",
        ),
        ("connection 10.0.0.1:9092-10.0.0.2:51422-17 was closed", "connection a broker was closed"),
        ("[Errno 111] Connect call failed ('10.0.0.1', 9092)", "[Errno 111] Connect call failed a broker"),
        ("[Errno 111] Connect call failed ('::1', 9092, 0, 0)", "[Errno 111] Connect call failed a broker"),
        ("1 request timed out: 60000ms elapsed in orders [0]", "1 request timed out: 60000ms elapsed in orders [0]"),
    ],
)
def test_no_address_of_a_broker_is_shown(said: str, shown: str) -> None:
    assert translate.failure(KafkaError(KafkaError._TRANSPORT, said)).message == shown


def test_the_tables_name_only_errors_that_exist() -> None:
    known = {KafkaError(code).name() for code in CODES.values()}
    assert known >= translate.RETRIABLE
    assert known >= set(translate.SENTENCES)


@pytest.mark.parametrize(
    ("raised", "name", "retriable"),
    [
        (KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), "UNKNOWN_TOPIC_OR_PART", True),
        (KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)), "TOPIC_AUTHORIZATION_FAILED", False),
        (KafkaException("something else"), "_FAIL", False),
        (BufferError("Local: Queue full"), "_QUEUE_FULL", True),
    ],
)
def test_what_the_client_raises_becomes_a_failure(raised: Exception, name: str, *, retriable: bool) -> None:
    """The cause is kept."""
    with pytest.raises(KafkaFailure) as caught, translate.failures():
        raise raised
    assert (caught.value.name, caught.value.retriable, caught.value.__cause__) == (name, retriable, raised)


@pytest.mark.parametrize(
    ("raised", "name", "retriable"),
    [
        (ConnectionRefusedError(), "_TRANSPORT", True),
        (TimeoutError(), "_TRANSPORT", True),
        (group_errors.KafkaConnectionError("closed"), "_TRANSPORT", True),
        (group_errors.SaslAuthenticationFailed("wrong password"), "SASL_AUTHENTICATION_FAILED", False),
        (group_errors.UnsupportedSaslMechanismError("no such one"), "UNSUPPORTED_SASL_MECHANISM", False),
        (group_errors.IncompatibleBrokerVersion("too old"), "UNSUPPORTED_VERSION", False),
        (NotImplementedError("too new"), "UNSUPPORTED_VERSION", False),
    ],
)
def test_what_a_connection_raises_becomes_a_failure(raised: Exception, name: str, *, retriable: bool) -> None:
    """A broker that does not let us in is not one that is away."""
    with pytest.raises(KafkaFailure) as caught, translate.aiokafka_failures():
        raise raised
    assert (caught.value.name, caught.value.retriable, caught.value.__cause__) == (name, retriable, raised)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('kafka-1.internal', 9092)"),
            "Connection refused",
        ),
        (
            group_errors.KafkaConnectionError("Unable to bootstrap from [('kafka-1.internal', 9092, <AF_UNSPEC: 0>)]"),
            "KafkaConnectionError",
        ),
        (
            ssl.SSLCertVerificationError(
                1, "[SSL: X] Hostname mismatch, not valid for 'kafka-1.internal'. (_ssl.c:1006)"
            ),
            "SSLCertVerificationError",
        ),
        (socket.gaierror(socket.EAI_NONAME, "kafka-1.internal is not known"), "gaierror"),
    ],
)
def test_the_address_of_a_connection_that_fails_is_in_the_log_only(
    raised: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(KafkaFailure) as caught, translate.aiokafka_failures():
        raise raised
    assert caught.value.message == f"The broker cannot be reached: {reason}"
    assert "kafka-1.internal" in caplog.text


def test_other_exceptions_pass() -> None:
    with pytest.raises(KeyError), translate.failures():
        raise KeyError

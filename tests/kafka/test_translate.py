"""The client library's errors in neutral words."""

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
    with pytest.raises(KafkaFailure) as caught, translate.group_failures():
        raise raised
    assert (caught.value.name, caught.value.retriable, caught.value.__cause__) == (name, retriable, raised)


def test_other_exceptions_pass() -> None:
    with pytest.raises(KeyError), translate.failures():
        raise KeyError

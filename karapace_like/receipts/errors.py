"""The errors of requests with an `Idempotency-Key`, one constructor for each condition."""

from karapace_like.errors import ApiError, KafkaFailure

NOT_REMEMBERED = 40922


class ReceiptError(ApiError):
    """A request with an `Idempotency-Key` was refused."""


class NotWrittenError(ReceiptError):
    """Kafka has not taken the records of the request, and nothing of it was written."""

    def __init__(self, failure: KafkaFailure) -> None:
        super().__init__(500, failure.message)
        self.failure = failure


class UnknownWriteError(ReceiptError):
    """Kafka has not said whether the records of the request were written."""

    def __init__(self, failure: KafkaFailure) -> None:
        super().__init__(500, failure.message)
        self.failure = failure


def in_progress_error(key: str) -> ReceiptError:
    return ReceiptError(
        40921,
        f"The first request with the Idempotency-Key {key!r} is still under way. Repeat the request later.",
        retry_after=1,
    )


def other_request_error(key: str) -> ReceiptError:
    return ReceiptError(
        42221,
        f"The Idempotency-Key {key!r} was used with another body, query or Content-Type. Repeat a request unchanged, "
        "and use a new key for another request.",
    )


def not_remembered_error(key: str, age: float, seconds: float) -> ReceiptError:
    """`age` is that of the key, and `seconds` the time for which keys are remembered."""
    return ReceiptError(
        NOT_REMEMBERED,
        f"The Idempotency-Key {key!r} is {age:.0f} s old, and not remembered: keys are for {seconds:g} s "
        "(idempotency_seconds), so it is unknown whether the request was carried out. Look for its records, and use a "
        "new key.",
    )


def key_of_the_future_error(key: str, ahead: float) -> ReceiptError:
    """`ahead`: by how many seconds."""
    return ReceiptError(
        422,
        f"The Idempotency-Key {key!r} is a UUID of version 7 whose time is {ahead:.0f} s in the future: it could not "
        "be recognised as old. Set the clock that makes the keys, or use keys of another kind.",
    )


def full_error(max_bytes: int, retry_after: int) -> ReceiptError:
    return ReceiptError(
        42921,
        f"No further Idempotency-Key can be remembered at the moment: the receipts take {max_bytes} bytes "
        "(idempotency_max_bytes), and none is forgotten before its time. Nothing was written.",
        retry_after=retry_after,
    )


def unavailable_error(problem: str) -> ReceiptError:
    return ReceiptError(
        503, f"Requests with an Idempotency-Key are not served: {problem} Nothing was written.", retry_after=1
    )

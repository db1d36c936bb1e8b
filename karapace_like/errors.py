"""The one shape in which every API error leaves the service, `{"error_code": int, "message": str}`.

Each API has its own subclass with one constructor per condition (`registry/errors.py`, `proxy/errors.py`);
`web/http/errors.py` is the one place that renders them.
"""

import msgspec

_FIRST_EXTENDED_CODE = 1000

NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The exceptions of msgspec for bytes that are no JSON of the expected type; catch all where input is decoded."""


class ApiError(Exception):
    """An error response to the caller.

    `code` is the wire's `error_code`: an HTTP status (404), or a status with two digits of detail (40401).
    `retry_after` is in seconds and becomes the `Retry-After` header. `status` is the HTTP status of the response; None
    derives it from `code`. `accepted` are media types that the request's body may have, which a header of the response
    lists.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        accepted: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.accepted = accepted
        self.status = status or (code if code < _FIRST_EXTENDED_CODE else code // 100)


class KafkaFailure(Exception):  # noqa: N818 - also a value, not only an exception
    """An error that Kafka or its client library reported, without a type of that library.

    Only `kafka/` raises it, translated by `translate.py`; the rooms above turn it into an API error.
    """

    def __init__(self, name: str, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.name = name
        """The name in the Kafka protocol, such as `UNKNOWN_TOPIC_OR_PART`, or librdkafka's, such as `_TIMED_OUT`."""
        self.message = message
        self.retriable = retriable
        """Whether the same request may succeed later."""


class UnknownOutcomeFailure(KafkaFailure):
    """Kafka has not answered a commit: all of the transaction was written, or nothing."""

"""The one shape in which every API error leaves the service, `{"error_code": int, "message": str}`.

Each API has its own subclass with one constructor per condition (`registry/errors.py`, `proxy/errors.py`);
`web/errors.py` is the one place that writes them. `NOT_JSON` is what may befall whoever reads others' JSON.
"""

import msgspec

_FIRST_EXTENDED_CODE = 1000

NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON of the type asked for: whoever decodes another's bytes catches all."""


class ApiError(Exception):
    """A refusal that the client is told of.

    `code` is the wire's `error_code`: an HTTP status (404) or a status with two digits of detail (40401).
    `retry_after` is in seconds and becomes the `Retry-After` header. `status` is the HTTP status of the answer.
    """

    def __init__(self, code: int, message: str, *, status: int | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.status = status or (code if code < _FIRST_EXTENDED_CODE else code // 100)


class KafkaFailure(Exception):  # noqa: N818 - a failure of the cluster, which may be a value as well as an exception
    """What Kafka or its client reported, in words that no other room needs the client library for.

    Raised only by `kafka/`, where `translate.py` makes it; caught by the rooms that turn it into an API error.
    """

    def __init__(self, name: str, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.name = name
        """The protocol's or client's name of the error, such as `UNKNOWN_TOPIC_OR_PART` or `_TIMED_OUT`."""
        self.message = message
        self.retriable = retriable
        """Whether the same request may succeed later."""

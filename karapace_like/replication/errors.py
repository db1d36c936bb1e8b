"""The errors of every log: one constructor for each condition. `contents` names what the log holds, such as "schemas".

The codes are those of Confluent Schema Registry (API reference, "Errors"): a node that forwards a write decides by them
whether it was carried out (`web/cluster/forwarding.py`).
"""

from karapace_like.errors import ApiError

INTERNAL = 500
"""The first HTTP status that is the service's fault, or Kafka's, and not the client's."""
BUSY = 50301
"""The primary answers this itself: another node could not do better."""
NOTHING_WRITTEN = 50303
"""As `BUSY`: Kafka has refused the records of a request (`proxy/errors.py`)."""
FINAL = frozenset({BUSY, NOTHING_WRITTEN})
FORWARDING_FAILED = 50003
LEADER_NOT_KNOWN = 50004


class LogError(ApiError):
    """The log cannot be read or written at the moment."""


def too_many_writes() -> LogError:
    return LogError(
        42901, "Too many requests: there are too many writes at the moment. Nothing was written.", retry_after=1
    )


def too_much_contention(contents: str, attempts: int) -> LogError:
    return LogError(
        BUSY,
        f"The {contents} that the request is compared with changed {attempts} times while it was being compared. "
        "Nothing was written; retry later.",
        status=503,
        retry_after=1,
    )


def store_failure(contents: str, reason: str, *, retriable: bool = False) -> LogError:
    message = f"Error while writing to the {contents} topic: {reason}"
    return LogError(50001, message, retry_after=1 if retriable else None)


def outcome_unknown(reason: str) -> LogError:
    """The records may be in the topic or not; repeating the request is safe, because it is idempotent."""
    message = f"The outcome of the write is not known yet: {reason}. It is safe to retry."
    return LogError(50002, message, retry_after=1)


def write_timed_out_error(seconds: float) -> LogError:
    message = f"The write took longer than {seconds:g} seconds. Nothing was written; it is safe to retry."
    return LogError(50002, message, retry_after=1)


def forwarding_failed_error(reason: str) -> LogError:
    """The request broke off on its way to the primary, which may have carried it out."""
    return LogError(
        FORWARDING_FAILED,
        f"Error while forwarding the request to the primary: {reason}. It is safe to retry.",
        status=503,
        retry_after=1,
    )


def leader_not_known_error(reason: str) -> LogError:
    return LogError(LEADER_NOT_KNOWN, f"Leader not known. {reason}", status=503, retry_after=1)


def topic_lost_error(contents: str, reason: str) -> LogError:
    return LogError(50001, f"{reason} This node serves no {contents} until an operator restarts it.", status=503)


def not_ready(contents: str, position: int, end: int | None) -> LogError:
    """`position` and `end` are offsets in the topic."""
    progress = "has not reached Kafka yet" if end is None else f"is at offset {position} of {end}"
    return LogError(503, f"This node is still reading its {contents} from Kafka and {progress}.", retry_after=1)

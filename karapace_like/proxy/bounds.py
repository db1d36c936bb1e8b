"""What names and numbers Kafka can take: the checks of everything that a request names, before Kafka is asked.

A broker ends the connection on which it cannot read a request, and with it the calls of other callers there. Numbers
are those of the protocol: partitions and brokers have 32 bits, offsets and times 64.
"""

import re
from datetime import UTC, datetime, timedelta

from karapace_like.proxy import errors
from karapace_like.records import MAX_PARTITION, TopicPartition

MAX_LONG = 2**63 - 1
_MAX_BYTES = 32_767
"""Of a string (Kafka protocol guide, "Protocol Primitive Types", STRING)."""
MAX_TOPIC = 249
"""Characters of a topic's name (Apache Kafka, "Topic Naming")."""
_TOPIC = re.compile(rf"(?!\.{{1,2}}$)[A-Za-z0-9._-]{{1,{MAX_TOPIC}}}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NULL = "\0"
"""Terminates a name in the Kafka client, which ignores the rest."""


def check_topic(name: str) -> None:
    """Raise ProxyError, 40002, for a name that no topic can have."""
    if _TOPIC.fullmatch(name) is None:
        raise errors.null_in_name(name) if _NULL in name else errors.invalid_topic(name)


def check_group(name: str) -> None:
    """Raise ProxyError, 40002, for a name that no group can have."""
    if _NULL in name:
        raise errors.null_in_name(name)
    check_text("A group's name", name)


def check_text(place: str, text: str) -> None:
    """Raise ProxyError, 40002, for a text that the protocol cannot hold; `place` begins the sentence about it."""
    fault = find_fault(text)
    if fault is not None:
        raise errors.unfit_text(place, text, fault)


def find_fault(text: str) -> str | None:
    """Return why the protocol cannot hold the text, as a clause; None if it can."""
    if _NULL in text:
        return "contains a null character"
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        return "contains half of a surrogate pair"
    return f"has {size} bytes, and Kafka takes {_MAX_BYTES} at most" if size > _MAX_BYTES else None


def parse_integer(text: str, *, low: int = 0, high: int = MAX_LONG) -> int:
    """Return the integer of a path, query or token; raises ValueError for another text, or one out of bounds."""
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"{errors.quote(text)} is not an integer")
    number = int(text)
    if not low <= number <= high:
        raise ValueError(f"{number} is not an integer from {low} to {high}")
    return number


def parse_number(text: str, *, bits: int) -> int:
    """Return an integer of the path or query; 404 for any other text, as from Confluent REST Proxy."""
    try:
        return parse_integer(text, low=-(2 ** (bits - 1)), high=2 ** (bits - 1) - 1)
    except ValueError as error:
        raise errors.not_found_error(str(error)) from error


def parse_partition(topic: str, text: str) -> TopicPartition:
    """Return the partition of the topic; 40002 for a name that no topic can have, 404 if the text is no number."""
    check_topic(topic)
    return TopicPartition(topic, parse_number(text, bits=32))


def parse_positions(text: str) -> dict[int, int]:
    """Return partition -> next offset from a token such as `0:42,1:7`; raises ValueError for any other text."""
    pairs = [pair.split(":") for pair in text.split(",")]
    return {
        parse_integer(number, high=MAX_PARTITION): parse_integer(offset, low=-MAX_LONG - 1) for number, offset in pairs
    }


def parse_timestamp(value: datetime | int | None) -> int | None:
    """Return the milliseconds since the epoch, None for None; raises ValueError for a time that no record can have."""
    if value is None:
        return None
    if isinstance(value, datetime):
        instant = value if value.tzinfo else value.replace(tzinfo=UTC)
        value = (instant - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= value <= MAX_LONG:
        raise ValueError(f"is {value} ms after 1970-01-01T00:00:00Z; expected 0 to {MAX_LONG}")
    return value

"""The service as a process whose reader of the schemas topic fails at a record, however often it reads it again."""

from typing import Any

from karapace_like import background
from karapace_like.cli import run
from karapace_like.kafka.log_topic_reader import LogTopicReader

_poll = LogTopicReader._poll


def poisoned(reader: LogTopicReader) -> list[Any]:
    messages = _poll(reader)
    if any(b"poison" in (each.key() or b"") for each in messages if each.error() is None):
        raise LookupError("poison")
    return messages


LogTopicReader._poll = poisoned  # type: ignore[assignment, method-assign]
background._FIRST_PAUSE_SECONDS = 0.01

if __name__ == "__main__":
    run()

"""What is logged, as text or as JSON lines, each line with the id of the request that it is about, where it is one."""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

JSON_FORMAT = "json"
"""The `log_format` that asks for one JSON object a line."""

_REPEAT_SECONDS = 30
"""How long the same failure to reach a broker is not told again."""
_MAX_SAID = 1000
_CLIENT_AND_TIME = re.compile(r"^FAIL \[[^]]*\] | \(after [^)]*\)$")

request_id: ContextVar[Callable[[], str] | None] = ContextVar("request_id", default=None)
"""Tells the id of the request that is being answered; set where requests are, and asked where something is logged."""


def _current() -> str | None:
    ask = request_id.get()
    return None if ask is None else ask()


class _RequestId(logging.Filter):
    """Gives every line the field `request_id`; `-` outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current() or "-"
        return True


class _Repeats(logging.Filter):
    """Drops what a Kafka client has said already: librdkafka tells of each attempt to reach a broker, some a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}
        """What was said, without how long it took -> when, in seconds."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if not message.startswith("FAIL ["):
            return True
        told = _CLIENT_AND_TIME.sub("", message)
        if record.created - self._said.get(told, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return False
        if len(self._said) >= _MAX_SAID:
            self._said.clear()
        self._said[told] = record.created
        return True


class _JsonLines(logging.Formatter):
    """One object a line; times are UTC, in ISO 8601."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := _current()) is not None:
            line["request_id"] = current
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json_line(line)


def json_line(fields: Mapping[str, Any]) -> str:
    """The fields as one JSON object. Bytes that are no UTF-8, which headers may hold, come as halves of surrogates."""
    try:
        return msgspec.json.encode(fields).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(fields))


def configure(level: str, log_format: str) -> None:
    """Log to standard error from now on; `log_format` is `json`, or a format of Python's logging."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Repeats())
    handler.addFilter(_RequestId())
    handler.setFormatter(_JsonLines() if log_format == JSON_FORMAT else logging.Formatter(log_format))
    logging.basicConfig(level=level, handlers=[handler], force=True)

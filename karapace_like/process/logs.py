"""Logging as text or as JSON lines; a line that belongs to a request has the request's id.

In JSON every line of the process is an object: also what it prints at its start and end, warnings, and the traceback
of an exception that nothing catches.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

JSON_FORMAT = "json"
"""The `log_format` for one JSON object per line."""

request_id: ContextVar[Callable[[], str] | None] = ContextVar("request_id", default=None)
"""Returns the id of the current request. A function, so that a request that logs nothing needs no id."""


def _get_request_id() -> str | None:
    get_id = request_id.get()
    return None if get_id is None else get_id()


class _RequestId(logging.Filter):
    """Adds the field `request_id` to every line; `-` outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _get_request_id() or "-"
        return True


class _JsonLines(logging.Formatter):
    """Formats one JSON object per line; times are UTC, in ISO 8601. `fields` of a record are added."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := _get_request_id()) is not None:
            line["request_id"] = current
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return format_json_line(line)


def format_json_line(fields: Mapping[str, Any]) -> str:
    """Return the fields as one JSON object. Bytes of headers that are no UTF-8 appear as escaped surrogates."""
    try:
        return msgspec.json.encode(fields).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(fields))


def configure(level: str, log_format: str) -> None:
    """Log to standard error from now on; `log_format` is `json`, or a format of Python's logging."""
    logging.basicConfig(level=level, handlers=[_make_handler(log_format)], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable


def configure_own(logger: logging.Logger, log_format: str) -> None:
    """Log the lines of this logger in a format of its own, whatever the level of the others."""
    logger.handlers = [_make_handler(log_format)]
    logger.propagate = False
    logger.setLevel(logging.INFO)


def announce(text: str, level: int = logging.INFO) -> None:
    """Print lines for whoever starts the service, whatever `log_level` is; as objects where the log is JSON.

    Lines are lost where standard error is closed, as after the end of a log collector; the caller continues.
    """
    if is_json():
        records = (
            logging.LogRecord("karapace_like", level, "", 0, line.strip(), None, None) for line in text.splitlines()
        )
        text = "\n".join(map(_JsonLines().format, records))
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")  # as one piece: several processes write to the same pipe
        sys.stderr.flush()


def is_json() -> bool:
    """Whether the log is JSON."""
    return any(isinstance(handler.formatter, _JsonLines) for handler in logging.getLogger().handlers)


def _make_handler(log_format: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RequestId())
    handler.setFormatter(_JsonLines() if log_format == JSON_FORMAT else logging.Formatter(log_format))
    return handler


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("karapace_like").critical("Unexpected failure; this process ends", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(failure: threading.ExceptHookArgs) -> None:
    """As Python's own hook does, SystemExit is passed over."""
    if failure.exc_value is None or issubclass(failure.exc_type, SystemExit):
        return
    name = "unknown" if failure.thread is None else failure.thread.name
    error = (failure.exc_type, failure.exc_value, failure.exc_traceback)
    logging.getLogger("karapace_like").error("Unexpected failure in the thread %s", name, exc_info=error)


def _log_unraisable(failure: "sys.UnraisableHookArgs") -> None:
    """Such as an exception of a callback from C, or of an object's end."""
    error = failure.exc_value
    message = failure.err_msg or "Exception ignored in"
    logging.getLogger("karapace_like").error("%s: %r", message, failure.object, exc_info=error)

"""The logger of all librdkafka clients. Each client is created with it: without a logger it writes to standard error.

Lines get the level that they have for an operator of this service, and the same line is logged once in 30 s, whichever
client it is of: clients log each attempt to reach a broker, several a second. The same holds for aiokafka's lines.
"""

import logging
import re

_REPEAT_SECONDS = 30
"""How long the same line is not logged again."""
_MAX_LINES = 1_000
"""How many lines are remembered to detect repetitions."""
_CLIENT_AND_TIME = re.compile(r"^\w+ \[[^]]*\] |\(after [^)]*\)")
"""What differs between two lines about the same event."""
_LEVELS = (
    # Another node has taken over while this one slept: the service notices, and continues as a follower.
    (re.compile(r"FATAL .*fenced", re.IGNORECASE), "fenced", logging.WARNING),
    # The broker's coordinator is still loading, as it does on a new cluster.
    (re.compile(r"GETPID .*Failed to acquire .*PID.*: Broker: (?:Not c|C)oordinator"), "", logging.DEBUG),
)
"""(line, key by which repetitions are detected instead of the line, level)."""


_AIOKAFKA = ("aiokafka", "aiokafka.cluster", "aiokafka.conn", "aiokafka.helpers")
"""The loggers of the parts that the service uses."""


class _ClientLines(logging.Filter):
    """Sets the level of lines, and drops repetitions."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}
        """Line without what differs -> time of the last one, in seconds since the epoch."""

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        key = _CLIENT_AND_TIME.sub("", line)
        for pattern, shared_key, level in _LEVELS:
            if pattern.match(line):
                record.levelno, record.levelname = level, logging.getLevelName(level)
                key = shared_key or key
        if not logging.getLogger(record.name).isEnabledFor(record.levelno):
            return False
        if record.created - self._logged.get(key, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return False
        if len(self._logged) >= _MAX_LINES:
            self._logged.clear()
        self._logged[key] = record.created
        return True


client_logger = logging.getLogger("karapace_like.kafka.client")
_lines = _ClientLines()
for _name in (client_logger.name, *_AIOKAFKA):
    logging.getLogger(_name).addFilter(_lines)

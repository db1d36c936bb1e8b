"""What librdkafka's clients log: through the service's logging, with levels for operators, and not again and again."""

import ast
import logging
from pathlib import Path

import pytest

import karapace_like
from karapace_like.kafka.client_log import _ClientLines

_CLIENTS = {"Consumer", "Producer", "AdminClient", "Client"}
ROOM = Path(karapace_like.__file__).parent / "kafka"


def log(lines: logging.Filter, level: int, text: str, at: float = 0.0) -> int | None:
    """The level at which the line is logged; None if it is not."""
    record = logging.LogRecord("karapace_like.kafka.client", level, "", 0, text, (), None)
    record.created = at
    return record.levelno if lines.filter(record) else None


def test_a_line_is_logged_once_in_a_while_whichever_client_it_is_of() -> None:
    lines = _ClientLines()
    for client in (1, 2):
        for milliseconds in range(3):
            for broker in ("a:1", "b:1"):
                text = (
                    f"FAIL [karapace-like#producer-{client}] [thrd:{broker}/bootstrap]: {broker}: Connect failed "
                    f"(after {milliseconds}ms in state CONNECT)"
                )
                is_first = (client, milliseconds) == (1, 0)
                assert log(lines, logging.ERROR, text) == (logging.ERROR if is_first else None)
    assert log(lines, logging.ERROR, text, at=31.0) == logging.ERROR
    assert log(lines, logging.ERROR, "something else", at=31.0) == logging.ERROR


def test_the_other_library_does_not_repeat_itself_either(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        logging.getLogger("aiokafka.conn").error("Unable to connect to broker %s", "c:1")
    assert [each.message for each in caplog.records] == ["Unable to connect to broker c:1"]


def test_a_fenced_primary_is_one_warning() -> None:
    """It has slept through its term, and follows from now on."""
    lines = _ClientLines()
    head = "FATAL [karapace-like#producer-2] [thrd:main]:"
    first = f"{head} Fatal transaction error: Producer fenced by newer instance: Broker: Invalid epoch (_FENCED)"
    assert log(lines, logging.CRITICAL, first) == logging.WARNING
    second = f"{head} Fatal error: Local: This instance has been fenced by a newer instance: Producer fenced"
    assert log(lines, logging.CRITICAL, second) is None
    assert log(lines, logging.CRITICAL, f"{head} Fatal error: Local: out of memory") == logging.CRITICAL


def test_a_coordinator_that_is_not_loaded_yet_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "GETPID [karapace-like#producer-1] [thrd:main]: Failed to acquire transactional PID from broker "
        "TxnCoordinator: Broker: Coordinator load in progress"
    )
    assert log(_ClientLines(), logging.WARNING, text) is None
    with caplog.at_level(logging.DEBUG, "karapace_like.kafka.client"):
        assert log(_ClientLines(), logging.WARNING, text) == logging.DEBUG
    assert log(_ClientLines(), logging.WARNING, text.replace("Coordinator load in progress", "Denied")) is not None


def test_every_client_logs_through_the_service() -> None:
    """Or not at all, as `log_level` 0 says: without a logger librdkafka writes to standard error by itself."""
    for file in sorted(ROOM.rglob("*.py")):
        tree = ast.parse(file.read_text())
        names = {
            (alias.asname or alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("confluent_kafka")
            for alias in node.names
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names & _CLIENTS:
                text = ast.unparse(call)
                assert "logger=client_logger" in text or "'log_level': 0" in text, f"{file.name}: {text}"

"""What a service logs: as JSON or text, with the id of the request that a line is about."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

NOBODY = "http://127.0.0.1:9"


def line_about(service: ServiceProcess, is_wanted: Callable[[str], bool]) -> str:
    """The line of the log that a call of Kafka Connect leaves, whose only worker is away."""
    request = urllib.request.Request(f"{service.url}/connectors", headers={"X-Request-ID": "a-1"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.headers["X-Request-ID"] == "a-1"
    caught.value.close()
    wait_until(lambda: any(map(is_wanted, list(service.lines))))
    return next(filter(is_wanted, service.lines))


def test_json_lines_carry_the_request_id(kafka: Cluster) -> None:
    options = {"log_format": "json", "access_log": "text", "log_level": "WARNING"}
    with ServiceProcess(kafka.bootstrap_servers, connect_url=NOBODY, **options) as service:
        logged = json.loads(line_about(service, lambda line: "Kafka Connect worker" in line))
        assert logged["request_id"] == "a-1"
        assert (logged["level"], logged["logger"]) == ("WARNING", "karapace_like.web.connect")
    lines = [json.loads(each) for each in service.lines]  # each of them, from its start to its end
    messages = [each["message"] for each in lines]
    assert messages[-1] == "Stopping"
    assert [each.startswith("Ready at ") for each in messages].count(True) == 1
    (access,) = [each for each in lines if '"GET /connectors"' in each["message"]]
    assert (access["logger"], access["request_id"]) == ("karapace_like.access", "a-1")
    # The id is on no other line than the request's own two.
    assert [each["logger"] for each in lines if each.get("request_id") == "a-1"] == [logged["logger"], access["logger"]]


SERVE = (sys.executable, "-m", "karapace_like", "serve")


@pytest.mark.parametrize(
    ("name", "value", "messages"),
    [
        ("REGISTRY_AUTHFILE", "/no/such/file", ["registry_authfile="]),
        ("LISTENERS", "http://192.0.2.1:1", ["http://192.0.2.1:1 cannot be listened on"]),
        ("WORKERS", "0", ["KARAPACE_PORT='x' is not a number", "KARAPACE_WORKERS='0' is not a number"]),
    ],
)
def test_failures_to_start_are_lines_too(name: str, value: str, messages: list[str]) -> None:
    port = "x" if len(messages) > 1 else "0"
    environment = {**os.environ, "KARAPACE_LOG_FORMAT": "json", "KARAPACE_PORT": port, f"KARAPACE_{name}": value}
    ended = subprocess.run(SERVE, env=environment, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    failures = sorted(line["message"] for line in lines if line["level"] == "ERROR")
    assert ended.returncode == (1 if name == "LISTENERS" else 2)
    assert [failure[: len(message)] for failure, message in zip(failures, messages, strict=True)] == messages


def test_an_interrupted_start_is_a_line_too(tmp_path: Path) -> None:
    """It is interrupted while it reads a file that somebody is still writing."""
    pipe = tmp_path / "authfile.json"
    os.mkfifo(pipe)
    settings = {"KARAPACE_LOG_FORMAT": "json", "KARAPACE_PORT": "0", "KARAPACE_REGISTRY_AUTHFILE": str(pipe)}
    process = subprocess.Popen(SERVE, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True)
    with process, pipe.open("w"):
        process.send_signal(signal.SIGINT)
        _, text = process.communicate()
    *_, failure = [json.loads(line) for line in text.splitlines()]
    assert (process.returncode, failure["level"], failure["message"]) == (130, "ERROR", "Interrupted.")


def test_text_lines_carry_it_too(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, connect_url=NOBODY) as service:
        assert "[a-1]: Kafka Connect worker" in line_about(service, lambda line: "Kafka Connect worker" in line)

"""What a service logs: as JSON or text, with the id of the request that a line is about."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

NOBODY = "http://127.0.0.1:9"


def line_about(service: ServiceProcess, is_wanted: Callable[[str], bool]) -> str:
    """The line of the log that a call of Kafka Connect leaves, whose only worker is away."""
    request = urllib.request.Request(f"{service.url}/connectors", headers={"X-Request-ID": "a-1"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.headers["X-Request-ID"] == "a-1"
    caught.value.close()
    while not (found := [each for each in service.lines if is_wanted(each)]):
        time.sleep(0.01)
    return found[0]


def test_json_lines_carry_the_request_id(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, log_format="json", connect_url=NOBODY) as service:
        logged = json.loads(line_about(service, lambda line: "Kafka Connect worker" in line))
        assert logged["request_id"] == "a-1"
        assert (logged["level"], logged["logger"]) == ("WARNING", "karapace_like.web.connect")
        others = [json.loads(each) for each in service.lines if each.startswith("{")]
        assert any("request_id" not in each for each in others)  # such as the election's


def test_text_lines_carry_it_too(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, connect_url=NOBODY) as service:
        assert "[a-1]: Kafka Connect worker" in line_about(service, lambda line: "Kafka Connect worker" in line)


def test_a_broker_that_cannot_be_reached_is_not_told_again_and_again() -> None:
    """Of each broker once, however many clients try, and nothing else is held back."""
    program = """
import logging
from karapace_like import logs

logs.configure("INFO", "%(message)s")
logger = logging.getLogger("karapace_like.kafka.client")
for client in (1, 2):
    for attempt in range(3):
        for broker in ("a:1", "b:1"):
            told = f"{broker}: Connect failed: Connection refused (after {attempt}ms in state CONNECT)"
            logger.error("FAIL [karapace-like#producer-%s] [thrd:%s]: %s", client, broker, told)
    logger.error("something else")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = [each.partition("]: ")[2] or each for each in done.stderr.splitlines()]
    expected = [
        f"{broker}: Connect failed: Connection refused (after 0ms in state CONNECT)" for broker in ("a:1", "b:1")
    ]
    assert told == [*expected, "something else", "something else"]

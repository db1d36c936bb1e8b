"""The sample clients of examples/clients: each writes a job, takes it from a queue and accepts it."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

CLIENTS = Path(__file__).parents[2] / "examples" / "clients"
MOST_LINES = 60
COMMANDS = {
    "client.py": (sys.executable,),
    "client.mjs": ("node",),
    "client.go": ("go", "run"),
    "client.sh": ("bash",),
    "client-http10.sh": ("sh",),
}
NEEDS = {"client.mjs": "node", "client.go": "go", "client.sh": "curl", "client-http10.sh": "nc"}
"""What is not on every machine."""


@pytest.fixture(scope="module")
def service(kafka: Cluster) -> Iterator[ServiceProcess]:
    with ServiceProcess(kafka.bootstrap_servers) as process:
        yield process


def test_every_client_is_short_and_in_the_table() -> None:
    lines = {file.name: len(file.read_text().splitlines()) for file in CLIENTS.iterdir() if file.is_file()}
    assert lines.keys() == COMMANDS.keys()
    assert max(lines.values()) < MOST_LINES, lines


@pytest.mark.kafka
@pytest.mark.parametrize(
    "name", [name if name == "client.sh" else pytest.param(name, marks=pytest.mark.long) for name in COMMANDS]
)
def test_a_client_works_on_its_job(kafka: Cluster, service: ServiceProcess, name: str) -> None:
    program = NEEDS.get(name)
    if program is not None and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed, which {name} needs")
    topic = f"jobs-{secrets.token_hex(6)}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    address = urlsplit(service.url)
    named = {"BASE": service.url, "HOST": str(address.hostname), "PORT": str(address.port), "TOPIC": topic}
    done = subprocess.run(
        [*COMMANDS[name], str(CLIENTS / name)],
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert (done.returncode, done.stdout.splitlines()) == (0, ['working on {"floor":3}']), done.stderr

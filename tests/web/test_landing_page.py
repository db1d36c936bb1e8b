"""What the first page of the documentation says to type works as it stands."""

import re
import secrets
import subprocess
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

PAGE = Path(__file__).parents[2] / "docs" / "index.md"
pytestmark = pytest.mark.kafka


def test_the_commands_of_the_landing_page_work_as_they_stand(kafka: Cluster) -> None:
    """On a registry of its own, whose first id is 1; only the addresses are others, and the name of the topic."""
    (block,) = re.findall(r"^```\n(curl .*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    with ServiceProcess(kafka.bootstrap_servers) as service:
        script = re.sub(r"http://127\.0\.0\.1:808[12]", service.url, block).replace("curl ", "curl -sSf ")
        script = script.replace("lifts", f"lifts-{secrets.token_hex(6)}")
        done = subprocess.run(["sh", "-e", "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done
    assert '"value":{"floor":3}' in done.stdout, done.stdout


def test_the_readme_begins_with_a_picture_of_the_console() -> None:
    readme = (PAGE.parents[1] / "README.md").read_text()
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme + PAGE.read_text())
    assert re.match(r"# karapace_like\n\n!\[[^\]]+\]\(docs/console-check\.png\)\n", readme)
    for picture in pictures:
        file = PAGE.parents[1] / picture if picture.startswith("docs/") else PAGE.parent / picture
        assert file.read_bytes().startswith(b"\x89PNG"), picture

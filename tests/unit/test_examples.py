"""The files of examples/ for operators are valid: each is read by its own program where that is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from karapace_like.config import read
from karapace_like.config.files import find_file_faults
from karapace_like.config.values import TYPES
from tests.command_line import run, write
from tests.web.access.certificates import Authority

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIGURATION = EXAMPLES / "karapace.config.example.json"
UNIT = EXAMPLES / "systemd" / "karapace-like.service"
NGINX = EXAMPLES / "nginx" / "nginx.conf"
HAPROXY = EXAMPLES / "haproxy" / "haproxy.cfg"
_ON_NODES = re.compile(r"registry-\d\.example\.org")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """The files that the examples name, in one folder."""
    authority = Authority("example")
    authority.write(tmp_path / "kafka-ca.pem")
    shutil.copy(authority.issue(tmp_path / "server.pem", "CN=kafka.example.org"), tmp_path / "server.key")
    write(tmp_path, {"kafka-password": "of-kafka\n", "forwarding-secret": "of-nodes\n", "authfile.json": "{}"})
    return tmp_path


def test_the_configuration_is_valid(etc: Path) -> None:
    """And has no unknown name; the only warning is that passwords reach the node without TLS, as behind a gateway."""
    file = etc / "karapace.config.json"
    file.write_text(CONFIGURATION.read_text().replace("/etc/karapace", str(etc)))
    reading = read(file=file, environment={})
    assert (reading.faults, reading.unknown, list(find_file_faults(reading.settings))) == ((), (), [])
    ended = run("config", "check", file)
    assert (ended.code, len(ended.err.splitlines())) == (0, 1)
    assert ended.err.startswith("Warning: Passwords cross the network in plain text")


def _read_unit() -> dict[str, list[tuple[str, str]]]:
    """The assignments of each section; a name may come several times."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in UNIT.read_text().splitlines():
        if line.startswith("["):
            assignments = sections[line.strip("[]")] = []
        elif line and not line.startswith("#"):
            name, separator, value = line.partition("=")
            assert separator, line
            assignments.append((name, value))
    return sections


def test_the_unit_starts_the_service_with_secrets_in_files() -> None:
    sections = _read_unit()
    assert list(sections) == ["Unit", "Service", "Install"]
    service = sections["Service"]
    commands = {name: value.split() for name, value in service if name.startswith("ExecStart")}
    assert commands["ExecStart"][1:] == ["serve", "/etc/karapace/karapace.config.json"]
    assert commands["ExecStartPre"][1:] == ["config", "check", "/etc/karapace/karapace.config.json"]
    credentials = {value.split(":")[0] for name, value in service if name == "LoadCredential"}
    for variable, _, path in (value.partition("=") for name, value in service if name == "Environment"):
        assert variable.removeprefix("KARAPACE_").removesuffix("_FILE").lower() in TYPES
        assert path.removeprefix("%d/") in credentials


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """With a program that exists here in place of the one below /opt."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/karapace-like/bin/karapace-like", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, [])


def _parse_nginx(text: str) -> list[list[Any]]:
    """The directives as lists of words, each with its block; a parser of what nginx.conf uses."""
    tokens = re.findall(r'"[^"]*"|[{};]|[^\s{};"]+', re.sub(r"(?m)#.*$", "", text))
    stack: list[list[Any]] = [[]]
    words: list[Any] = []
    for token in tokens:
        if token == ";":
            assert words, "an empty directive"
            stack[-1].append(words)
            words = []
        elif token == "{":
            block: list[Any] = []
            stack[-1].append([*words, block])
            stack.append(block)
            words = []
        elif token == "}":
            assert not words, f"{words} has no semicolon"
            stack.pop()
        else:
            words.append(token)
    assert (len(stack), words) == (1, [])
    return stack[0]


def _list_servers(text: str) -> set[str]:
    return set(re.findall(r"registry-\d\.example\.org:\d+", text))


def test_nginx_passes_streams_and_websockets_on() -> None:
    (http,) = (words[-1] for words in _parse_nginx(NGINX.read_text()) if words[0] == "http")
    directives = [words for words in http if not isinstance(words[-1], list)]
    assert ["proxy_http_version", "1.1"] in directives
    assert ["proxy_set_header", "Upgrade", "$http_upgrade"] in directives
    assert ["proxy_set_header", "Connection", "$connection_upgrade"] in directives
    servers = [words[-1] for words in http if words[0] == "server"]
    locations = {tuple(words) for server in servers for _, _, block in [server[-1]] for words in block}
    assert {("proxy_pass", "http://registry"), ("proxy_pass", "http://data"), ("proxy_buffering", "off")} <= locations


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_accepts_its_file(etc: Path) -> None:
    text = _ON_NODES.sub("127.0.0.1", NGINX.read_text()).replace("/etc/nginx/tls", str(etc))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {etc}/{kind};\n" for kind in kinds)
    (etc / "nginx.conf").write_text(
        f"pid {etc}/nginx.pid;\n{text.replace('http {', f'http {{ access_log off; {folders}', 1)}"
    )
    command = ["nginx", "-t", "-p", str(etc), "-c", str(etc / "nginx.conf"), "-e", "stderr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_haproxy_sends_each_host_to_its_backend() -> None:
    sections: dict[str, list[str]] = {}
    for line in HAPROXY.read_text().splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            lines = sections[line] = []
        elif line.strip() and not line.strip().startswith("#"):
            lines.append(line.strip())
    assert list(sections) == ["global", "defaults", "frontend https", "backend registry", "backend data"]
    named = {line.split()[1] for line in sections["frontend https"] if line.split()[0].endswith("_backend")}
    assert named == {"data", "registry"}
    assert any(line.startswith("timeout tunnel ") for line in sections["defaults"])
    assert _list_servers(HAPROXY.read_text()) == _list_servers(NGINX.read_text())


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
def test_haproxy_accepts_its_file(etc: Path) -> None:
    text = _ON_NODES.sub("127.0.0.1", HAPROXY.read_text()).replace("/etc/haproxy/tls", str(etc))
    (etc / "haproxy.cfg").write_text(text)
    done = subprocess.run(
        ["haproxy", "-c", "-f", str(etc / "haproxy.cfg")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_gateways_use_the_ports_of_the_configuration() -> None:
    ports = set(re.findall(r":(\d+)\?", json.loads(CONFIGURATION.read_text())["listeners"]))
    assert {server.rpartition(":")[2] for server in _list_servers(NGINX.read_text())} < ports
    assert set(re.findall(r"check port (\d+)", HAPROXY.read_text())) < ports

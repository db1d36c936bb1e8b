"""Variables that Kubernetes sets for a Service: they look like settings, and keep no pod from starting."""

import socket
import subprocess
import sys

import pytest

from karapace_like import config
from karapace_like.config.service_links import explain_service_links, find_service


def links(service: str) -> dict[str, str]:
    """What the kubelet sets for a Service with the ports `registry` (8081) and `rest` (8082)."""
    name = service.upper().replace("-", "_")
    variables = {
        f"{name}_SERVICE_HOST": "10.96.0.7",
        f"{name}_SERVICE_PORT": "8081",
        f"{name}_PORT": "tcp://10.96.0.7:8081",
    }
    for port, title in ((8081, "REGISTRY"), (8082, "REST")):
        each = f"{name}_PORT_{port}_TCP"
        variables |= {
            f"{name}_SERVICE_PORT_{title}": str(port),
            each: f"tcp://10.96.0.7:{port}",
            f"{each}_PROTO": "tcp",
            f"{each}_PORT": str(port),
            f"{each}_ADDR": "10.96.0.7",
        }
    return variables


@pytest.mark.parametrize(
    ("service", "setting"),
    [
        ("karapace", "port"),
        ("karapace-registry", "registry_port"),
        ("karapace-advertised", "advertised_port"),
        ("karapace-like", "port"),
    ],
)
def test_the_links_of_a_service_are_no_settings(service: str, setting: str) -> None:
    """One sentence tells of them all, and how to be rid of them."""
    environment = {**links(service), "KARAPACE_HOST": "::1", "OTHER_PORT": "tcp://1.2.3.4:1"}
    settings, unknown = config.load(environment=environment)
    assert (settings.host, getattr(settings, setting), unknown) == ("::1", getattr(config.Settings(), setting), ())
    (sentence,) = explain_service_links(environment, config.ENVIRONMENT_PREFIX)
    name = service.upper().replace("-", "_")
    assert sentence.startswith(f"{name}_PORT and 12 other variables: set by Kubernetes for the Service {service!r}")
    assert "enableServiceLinks: false" in sentence


def test_a_setting_is_never_taken_for_a_link() -> None:
    """Neither by its name, nor a port by a value that is only nearly one of a link."""
    for setting in config.describe_settings():
        variable = f"{config.ENVIRONMENT_PREFIX}{setting.name.upper()}"
        assert find_service(variable, str(setting.example)) is None
    for value in ("8081", "tcp://", "tcp://10.0.0.7", "http://10.0.0.7:8081", "x tcp://10.0.0.7:8081"):
        assert find_service("KARAPACE_PORT", value) is None
    assert explain_service_links({"KARAPACE_PORT": "8081"}, config.ENVIRONMENT_PREFIX) == []


def test_serve_tells_of_service_links_and_goes_on() -> None:
    """It ends here at an address that is taken, which it tries after the settings are read."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "karapace_like", "serve", "--listeners", address]
        done = subprocess.run(command, env=links("karapace"), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "12 other variables: set by Kubernetes for the Service 'karapace' and ignored" in done.stderr
    assert "cannot be listened on: another program uses port" in done.stderr

"""Settings: three sources, one order, clear errors, and no secret shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from karapace_like import config
from karapace_like.config import ConfigError
from karapace_like.kafka_access import kafka_settings
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.secret import Secret


def load(
    environment: dict[str, str] | None = None, *, file: Path | None = None, **flags: Any
) -> tuple[config.Settings, tuple[str, ...]]:
    return config.load(file=file, environment=environment or {}, flags=flags)


def test_later_sources_win(tmp_path: Path) -> None:
    """File, then environment, then flags; a flag that is not given says nothing."""
    file = tmp_path / "karapace.config.json"
    file.write_text(json.dumps({"client_id": "file", "group": 1, "topic_name": "file", "host": "file"}))
    settings, unknown = load(
        {"KARAPACE_TOPIC_NAME": "environment", "KARAPACE_HOST": "environment", "OTHER": "x"},
        file=file,
        host="flag",
        port=None,
    )
    assert (settings.client_id, settings.topic_name, settings.host) == ("file", "environment", "flag")
    assert unknown == ("group",)


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("KARAPACE_REST", "false", "karapace_rest", False),
        ("KARAPACE_KARAPACE_REST", "false", "karapace_rest", False),
        ("karapace_registry", "0", "karapace_registry", False),
        ("KARAPACE_TELEMETRY__OTEL_ENDPOINT_URL", "http://a:1", "telemetry_otel_endpoint_url", "http://a:1"),
        ("KARAPACE_PORT", "9", "port", 9),
        ("KARAPACE_PORT", "", "port", None),
        ("KARAPACE_COMPATIBILITY", "FULL", "compatibility", CompatibilityLevel.FULL),
        ("KARAPACE_SASL_PLAIN_PASSWORD", "123", "sasl_plain_password", Secret("123")),
    ],
)
def test_the_environment_is_read_by_either_spelling(variable: str, value: str, name: str, expected: object) -> None:
    """Texts become what the setting is; an empty one is as none."""
    settings, unknown = load({variable: value})
    assert getattr(settings, name) == expected
    assert unknown == ()


@pytest.mark.parametrize(
    ("settings", "addresses"),
    [
        ({}, "http://127.0.0.1:8081 http://127.0.0.1:8082"),
        ({"port": 1}, "http://127.0.0.1:1"),
        ({"host": "h", "port": 1}, "http://h:1"),
        ({"host": "h"}, "http://h:8081 http://h:8082"),
        ({"listeners": "http://a:1, http://[::1]:2,:3", "port": 9}, "http://a:1 http://::1:2 http://0.0.0.0:3"),
        ({"port": 1, "server_tls_certfile": "c"}, "https://127.0.0.1:1"),
        ({"listeners": "https://a:1,http://b:2", "server_tls_certfile": "c"}, "https://a:1 http://b:2"),
    ],
)
def test_listeners(settings: dict[str, Any], addresses: str) -> None:
    """Two by default, one where a port is named, any number by listeners; HTTPS where it is asked for."""
    found = load(**settings)[0].addresses
    assert " ".join(f"{each.scheme}://{each.host}:{each.port}" for each in found) == addresses


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"listeners": "https://a:1"}, "server_tls_certfile"),
        ({"listeners": "ftp://a:1"}, "listeners"),
        ({"server_tls_certfile": "c", "server_tls_client_auth": "required"}, "server_tls_cafile"),
        ({"server_tls_client_auth": "maybe"}, "server_tls_client_auth"),
        ({"sasl_oauthbearer_authentication_enabled": True}, "sasl_oauthbearer_jwks_endpoint_url"),
        (
            {"sasl_oauthbearer_authentication_enabled": True, "sasl_oauthbearer_jwks_endpoint_url": "http://a"},
            "must be an https URL",
        ),
        ({"sasl_oauthbearer_method_roles": "{"}, "sasl_oauthbearer_method_roles"),
        ({"explicit_registration_subjects": "("}, "explicit_registration_subjects"),
        ({"workers": 2, "karapace_registry": False}, "workers"),
        ({"telemetry_trace_records": True}, "telemetry_otel_endpoint_url"),
        ({"telemetry_otel_endpoint_url": "collector:4318"}, "must be an http or https URL"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], told: str) -> None:
    """Are refused, and the one to change is named."""
    with pytest.raises(ConfigError, match=told):
        load(**settings)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"KARAPACE_PORT": "x"}, "port (from the environment)"),
        ({"KARAPACE_COMPATIBILITY": "SOMETIMES"}, "compatibility (from the environment)"),
        ({"KARAPACE_LISTENERS": "ftp://a:1"}, "listeners"),
        ({"KARAPACE_LISTENERS": "a:70000"}, "listeners"),
        ({"KARAPACE_LISTENERS": ","}, "listeners"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(environment: dict[str, str], told: str) -> None:
    """With where it comes from."""
    with pytest.raises(ConfigError, match=r".+") as raised:
        load(environment)
    assert told in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, text: str) -> None:
    """One sentence."""
    file = tmp_path / "broken.json"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as raised:
        load(file=file)
    assert "broken.json" in str(raised.value)


def test_no_secret_is_shown() -> None:
    """Not by repr, and still handed to the Kafka clients."""
    settings, _ = load({"KARAPACE_SASL_PLAIN_PASSWORD": "hunter2", "KARAPACE_SSL_PASSWORD": "hunter2"})
    assert "hunter2" not in repr(settings)
    assert kafka_settings(settings).security["sasl.password"] == "hunter2"


def test_every_setting_is_described() -> None:
    """What documentation shows is complete."""
    assert all(each.description for each in config.described())
    assert [each.name for each in config.described()] == list(config.Settings.__struct_fields__)

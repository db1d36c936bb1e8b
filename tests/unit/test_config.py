"""Settings: three sources, one order, clear errors, and no secret shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from karapace_like import config
from karapace_like.config import ConfigError, Secret
from karapace_like.schema.model import CompatibilityLevel


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
        ({}, (("127.0.0.1", 8081), ("127.0.0.1", 8082))),
        ({"port": 1}, (("127.0.0.1", 1),)),
        ({"host": "h", "port": 1}, (("h", 1),)),
        ({"host": "h"}, (("h", 8081), ("h", 8082))),
        ({"listeners": "http://a:1, http://[::1]:2,:3", "port": 9}, (("a", 1), ("::1", 2), ("0.0.0.0", 3))),
    ],
)
def test_listeners(settings: dict[str, Any], addresses: tuple[tuple[str, int], ...]) -> None:
    """Two by default, one where a port is named, any number by listeners."""
    assert load(**settings)[0].addresses == addresses


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
    assert settings.kafka_security["sasl.password"] == "hunter2"


def test_every_setting_is_described() -> None:
    """What documentation shows is complete."""
    assert all(each.description for each in config.described())
    assert [each.name for each in config.described()] == list(config.Settings.__struct_fields__)

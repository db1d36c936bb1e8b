"""Settings: three sources, one order, clear errors, and no secret shown."""

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from karapace_like import config
from karapace_like.config import ConfigError
from karapace_like.config.kafka_access import make_kafka_settings
from karapace_like.config.values import SECRETS, Origin, convert
from karapace_like.config.warnings import find_warnings
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
    assert unknown == (f"group in {file} is not a setting; did you mean group_id?",)


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("KARAPACE_TOPIC_POLICIES_ENABLED", "True", "topic_policies_enabled", "true"),
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
        ({"listeners": "http://a:1, http://[::1]:2,c:3", "port": 9}, "http://a:1 http://::1:2 http://c:3"),
        ({"port": 1, "server_tls_certfile": "c"}, "https://127.0.0.1:1"),
        ({"listeners": "https://a:1,http://b:2", "server_tls_certfile": "c"}, "https://a:1 http://b:2"),
    ],
)
def test_listeners(settings: dict[str, Any], addresses: str) -> None:
    """Two by default, one where a port is named, any number by listeners; HTTPS where it is asked for."""
    found = load(**settings)[0].addresses
    assert " ".join(f"{each.scheme}://{each.host}:{each.port}" for each in found) == addresses


@pytest.mark.parametrize(
    ("settings", "dialects"),
    [
        ({}, "confluent confluent"),
        ({"api_dialect": "karapace"}, "karapace karapace"),
        ({"listeners": "http://a:1,http://b:2?api_dialect=karapace"}, "confluent karapace"),
        ({"listeners": "http://a:1?api_dialect=confluent,b:2", "api_dialect": "karapace"}, "confluent karapace"),
        ({"listeners": "http://a:1?serves=rest&api_dialect=karapace,http://b:2"}, "karapace confluent"),
    ],
)
def test_a_listener_has_a_dialect(settings: dict[str, Any], dialects: str) -> None:
    assert " ".join(each.dialect for each in load(**settings)[0].addresses) == dialects


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"listeners": "https://a:1"}, "server_tls_certfile"),
        ({"listeners": "ftp://a:1"}, "listeners"),
        ({"listeners": "http://a:1?api_dialect=redpanda"}, "listeners"),
        ({"listeners": "http://a:1?dialect=karapace"}, "listeners"),
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
        ({"consumer_max_active_instances": 500}, "allow 1288: 1000 of consumer instances .twice 500"),
        ({"queue_max_members": 1000}, "Lower one of them, or run more workers"),
        ({"telemetry_trace_records": True}, "telemetry_otel_endpoint_url"),
        ({"telemetry_otel_endpoint_url": "collector:4318"}, "is not an http or https URL"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], told: str) -> None:
    """Are refused, and the one to change is named."""
    with pytest.raises(ConfigError, match=told.replace("_", "[-_]")):
        load(**settings)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"KARAPACE_PORT": "x"}, "KARAPACE_PORT='x' is not a number from 0 to 65535."),
        ({"KARAPACE_COMPATIBILITY": "SOMETIMES"}, "KARAPACE_COMPATIBILITY='SOMETIMES' is not one of NONE, BACKWARD,"),
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
    assert make_kafka_settings(settings).security["sasl.password"] == "hunter2"


def test_every_setting_is_described() -> None:
    """The documentation shows each setting once."""
    settings = config.describe_settings()
    assert all(setting.description.endswith((".", "`")) for setting in settings)
    assert sorted(setting.name for setting in settings) == sorted(
        field.name for field in dataclasses.fields(config.Settings)
    )


@pytest.mark.parametrize("setting", config.describe_settings(), ids=lambda setting: setting.name)
def test_an_example_can_be_pasted(setting: config.Setting) -> None:
    """The example of the documentation is a valid value, other than the default."""
    value = convert(setting.name, setting.example, Origin("the documentation"))
    assert value != setting.default
    if setting.name == "listeners":
        assert config.Settings(listeners=value).addresses


def test_settings_have_the_groups_in_the_order_of_the_page() -> None:
    """Each group once, with a setting at least."""
    changes = [group for group, _ in itertools.groupby(config.describe_settings(), lambda setting: setting.group)]
    assert changes == list(config.Group)


def test_every_error_is_reported_at_once(tmp_path: Path) -> None:
    """With the name as its source spells it, and without contradictions that follow from a wrong value only."""
    file = tmp_path / "karapace.config.json"
    file.write_text('{"workers": 0, "workers": 65, "security_protocol": "SASL_SSL"}')
    reading = config.read(
        file=file,
        environment={"KARAPACE_PORT": "80 81", "KARAPACE_SASL_MECHANISM": "SCRAM-512"},
        flags={"log_level": "x"},
    )
    assert [fault.sentence for fault in reading.faults] == [
        f"workers is set 2 times in {file}: leave one of them.",
        f"workers=65 in {file} is not a number from 1 to 64.",
        "KARAPACE_PORT='80 81' is not a number from 0 to 65535.",
        (
            "KARAPACE_SASL_MECHANISM='SCRAM-512' is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, "
            "GSSAPI; did you mean SCRAM-SHA-512?"
        ),
        "--log-level='x' is not one of DEBUG, INFO, WARNING, ERROR.",
    ]
    with pytest.raises(ConfigError) as raised:
        reading.require()
    assert len(raised.value.sentences) == 5


def test_an_unknown_name_is_reported_with_the_nearest_one() -> None:
    """In the spelling of its source; variables of the commands on schemas are no settings of the service."""
    environment = {"KARAPACE_PROT": "1", "KARAPACE_QXZ": "1", "KARAPACE_LIKE_REGISTRY": "http://a"}
    assert load(environment)[1] == (
        "KARAPACE_PROT is not a setting; did you mean KARAPACE_PORT?",
        "KARAPACE_QXZ is not a setting; `karapace-like config list` shows all settings.",
    )
    with pytest.raises(ConfigError, match="KARAPACE_PROT is not a setting; did you mean KARAPACE_PORT"):
        load({**environment, "KARAPACE_STRICT_CONFIG": "true"})
    load({"KARAPACE_LIKE_REGISTRY": "http://a", "KARAPACE_STRICT_CONFIG": "true"})


@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_every_secret_may_be_in_a_file(tmp_path: Path, secret: str) -> None:
    """Named by the environment or by the configuration file; a later source wins, one source has one of both."""
    held, other = tmp_path / "secret", tmp_path / "karapace.config.json"
    held.write_text("correct horse\n")
    variable = f"KARAPACE_{secret.upper()}"
    assert getattr(load({f"{variable}_FILE": str(held)})[0], secret) == Secret("correct horse")
    other.write_text(json.dumps({f"{secret}_file": str(held)}))
    assert getattr(load(file=other)[0], secret) == Secret("correct horse")
    assert getattr(load({variable: "later"}, file=other)[0], secret) == Secret("later")
    with pytest.raises(ConfigError, match=f"{variable}_FILE and {variable} are both set: leave one of them."):
        load({f"{variable}_FILE": str(held), variable: "x"})


def test_a_file_without_a_secret_is_named_and_not_shown(tmp_path: Path) -> None:
    """Nothing of its content gets into the message."""
    held = tmp_path / "secret"
    variable = "KARAPACE_SSL_PASSWORD_FILE"
    for content, reason in ((b"", "it is empty"), (b"\xff\xfe", "it is not UTF-8"), (b"x" * 65_537, "more than 65536")):
        held.write_bytes(content)
        with pytest.raises(ConfigError, match=f"{variable}='{held}' is not a file with a secret: .*{reason}"):
            load({variable: str(held)})
    with pytest.raises(ConfigError, match="is not a file with a secret: Is a directory"):
        load({variable: str(tmp_path)})


def test_a_wrong_secret_is_masked(tmp_path: Path) -> None:
    """It is a text, and what stands there instead may hold one."""
    file = tmp_path / "karapace.config.json"
    file.write_text('{"ssl_password": {"value": "correct horse"}}')
    with pytest.raises(ConfigError, match=r"ssl_password='\*\*\*' in .* is not a text") as raised:
        load(file=file)
    assert "correct horse" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"host": "localhost"}, []),
        ({"host": "0.0.0.0"}, ["Every client that reaches 0.0.0.0:8081 may read and change everything"]),
        ({"listeners": "http://[::1]:1,http://a:2"}, ["Every client that reaches a:2 may read and change everything"]),
        ({"host": "a", "rest_authorization": True, "sasl_bootstrap_uri": "b:1"}, ["Every client", "Passwords cross"]),
        (
            {"host": "a", "rest_authorization": True, "sasl_bootstrap_uri": "b:1", "karapace_registry": False},
            ["Passwords cross the network in plain text"],
        ),
        ({"host": "a", "registry_authfile": "f"}, ["Passwords cross the network in plain text"]),
        ({"host": "a", "registry_authfile": "f", "server_tls_certfile": "c"}, []),
        (
            {
                "host": "a",
                "server_tls_certfile": "c",
                "server_tls_cafile": "c",
                "server_tls_client_auth": "required",
            },
            [],
        ),
    ],
)
def test_risks_are_told(settings: dict[str, Any], expected: list[str]) -> None:
    """An exposed listener without access control, and passwords without TLS."""
    told = list(find_warnings(load(**settings)[0]))
    assert [sentence.startswith(begin) for sentence, begin in zip(told, expected, strict=True)] == [True] * len(told)

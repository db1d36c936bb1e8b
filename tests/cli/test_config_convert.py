"""`karapace-like config convert`: what the names of other products become, and which have no counterpart."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from karapace_like import config
from karapace_like.config.conversion_tables import KARAPACE, REGISTRY, REST, Product
from karapace_like.config.settings import Settings
from tests.command_line import Outcome, run, write

KARAPACE_FILE = {
    "bootstrap_uri": "kafka-1:9092",
    "port": 8089,
    "topic_name": "_schemas_eu",
    "compatibility": "full",
    "consumer_enable_autocommit": False,
    "telemetry": {"otel_endpoint_url": None, "resource_service_name": "registry"},
    "master_eligibility": True,
}
REGISTRY_LINES = """
# a comment
! another
listeners=http://0.0.0.0:8081,http://0.0.0.0:8090
kafkastore.bootstrap.servers = SASL_SSL://kafka-1:9092,SASL_SSL://kafka-2:9092
kafkastore.security.protocol: sasl_ssl
kafkastore.sasl.mechanism=SCRAM-SHA-512
kafkastore.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
    username="registry" \\
    password="p\\u0061ss";
kafkastore.ssl.endpoint.identification.algorithm=https
kafkastore.topic=_schemas_eu
host.name=registry-1
schema.compatibility.level=full_transitive
leader.eligibility=false
mode.mutability=true
"""
REST_LINES = """
bootstrap.servers=PLAINTEXT://kafka-1:9092
schema.registry.url=https://registry:8081,https://registry-2:8081
schema.registry.basic.auth.user.info=ann:se:1
consumer.instance.timeout.ms=120000
producer.acks=all
api.v3.produce.batch.maximum.entries=50
"""
CONVERTED: list[tuple[str, str, dict[str, Any]]] = [
    (
        "karapace.config.json",
        json.dumps(KARAPACE_FILE),
        {
            "api_dialect": "karapace",
            "schema_validation": "reference",
            "port": 8089,
            "client_id": "sr-1",
            "consumer_idle_disconnect_timeout": 0,
            "consumer_request_timeout_ms": 11000,
            "http_request_max_size": 1048576,
            "producer_acks": "1",
            "producer_linger_ms": 100,
            "bootstrap_uri": "kafka-1:9092",
            "topic_name": "_schemas_eu",
            "compatibility": "FULL",
            "consumer_enable_auto_commit": False,
            "telemetry_resource_service_name": "registry",
            "master_eligibility": True,
        },
    ),
    (
        "schema-registry.properties",
        REGISTRY_LINES,
        {
            "karapace_rest": False,
            "replication_factor": 3,
            "schema_validation": "reference",
            "listeners": "http://0.0.0.0:8081,http://0.0.0.0:8090",
            "bootstrap_uri": "kafka-1:9092,kafka-2:9092",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "registry",
            "sasl_plain_password": "pass",
            "ssl_check_hostname": True,
            "topic_name": "_schemas_eu",
            "advertised_hostname": "registry-1",
            "compatibility": "FULL_TRANSITIVE",
            "master_eligibility": False,
            "mode_mutability": True,
        },
    ),
    (
        "kafka-rest.properties",
        REST_LINES,
        {
            "karapace_registry": False,
            "host": "0.0.0.0",
            "port": 8082,
            "producer_acks": "all",
            "bootstrap_uri": "kafka-1:9092",
            "registry_scheme": "https",
            "registry_host": "registry",
            "registry_port": 8081,
            "registry_user": "ann",
            "registry_password": "se:1",
            "consumer_idle_disconnect_timeout": 120,
            "producer_max_batch_entries": 50,
        },
    ),
]
REASONS = [
    ("karapace.config.json", '{"statsd_host": "x"}', "statsd_host", "metrics are at /metrics"),
    ("karapace.config.json", '{"producer_count": 5}', "producer_count", "one producer"),
    ("karapace.config.json", '{"tags": {"app": "x"}}', "tags_app", "metrics are at /metrics"),
    ("karapace.config.json", '{"prot": 5}', "prot", "it is unknown here"),
    ("schema-registry.properties", "kafkastore.connection.url=zk:2181", "kafkastore.connection.url", "ZooKeeper"),
    ("any.properties", "kafkastore.ssl.truststore.location=/x.jks", "kafkastore.ssl.truststore.location", "ssl_cafile"),
    ("schema-registry.properties", "debug=true", "debug", "log_level"),
    ("schema-registry.properties", "listeners=https://0.0.0.0:8081", "server_tls_certfile", "to be set by hand"),
    ("schema-registry.properties", "access.control.skip.options=false", "access.control.skip.options", "CORS"),
    ("kafka-rest.properties", "zookeeper.connect=zk:2181", "zookeeper.connect", "ZooKeeper"),
    ("kafka-rest.properties", "consumer.max.poll.records=5", "consumer.max.poll.records", "consumer_*"),
    ("kafka-rest.properties", "nonsense=1", "nonsense", "it is unknown here"),
]
NO_CONFIGURATIONS = [
    ("a.json", "{", "cannot be read"),
    ("a.json", "[]", "must hold one JSON object"),
    ("a.json", '{"port": "first"}', "port='first' in "),
    ("a.json", "[" * 200_000, "cannot be read"),
    ("schema-registry.properties", "kafkastore.topic.replication.factor=many", "replication_factor"),
    ("schema-registry.properties", "ssl.client.authentication=maybe", "ssl.client.authentication"),
    ("kafka-rest.properties", "schema.registry.url=nowhere", "schema.registry.url"),
    ("kafka-rest.properties", "client.sasl.jaas.config=Krb5LoginModule required;", "client.sasl.jaas.config"),
    ("kafka-rest.properties", "x" * 1_100_000, "bytes"),
]


def convert(folder: Path, name: str, text: str, *options: str) -> Outcome:
    write(folder, {name: text})
    return run("config", "convert", name, *options, folder=folder)


@pytest.mark.parametrize(("name", "text", "expected"), CONVERTED)
def test_a_configuration_becomes_settings(tmp_path: Path, name: str, text: str, expected: dict[str, Any]) -> None:
    ended = convert(tmp_path, name, text, "--secrets")
    assert (ended.code, json.loads(ended.out)) == (0, expected)
    assert "Not converted" not in ended.err


@pytest.mark.parametrize(("name", "text", "_"), CONVERTED)
@pytest.mark.parametrize("form", ["json", "env"])
def test_the_service_reads_what_is_printed(tmp_path: Path, name: str, text: str, _: object, form: str) -> None:
    ended = convert(tmp_path, name, text, "--format", form, "--secrets")
    if form == "json":
        write(tmp_path, {"converted.json": ended.out})
        settings, unknown = config.load(file=tmp_path / "converted.json", environment={})
    else:
        lines = (line.partition("=") for line in ended.out.splitlines())
        settings, unknown = config.load(environment={key: value.strip("'") for key, _, value in lines})
    assert unknown == ()
    assert settings.bootstrap_uri.startswith("kafka-1:9092")
    assert settings.addresses


@pytest.mark.parametrize(("name", "text", "setting", "reason"), REASONS)
def test_what_has_no_counterpart_is_named_with_the_reason(
    tmp_path: Path, name: str, text: str, setting: str, reason: str
) -> None:
    ended = convert(tmp_path, name, text)
    assert ended.code == 1
    [line] = [line for line in ended.err.splitlines() if line.startswith(f"Not converted: {setting}: ")]
    assert reason in line


@pytest.mark.parametrize(("name", "text", "message"), NO_CONFIGURATIONS)
def test_what_is_no_configuration_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    ended = convert(tmp_path, name, text)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_a_missing_file_and_a_missing_command_are_mistakes(tmp_path: Path) -> None:
    assert run("config", "convert", "nothing.json", folder=tmp_path).code == 2
    assert run("config", "convrt", folder=tmp_path).code == 2


@pytest.mark.parametrize("product", [KARAPACE, REGISTRY, REST], ids=lambda product: product.name)
def test_every_setting_of_the_tables_exists(product: Product) -> None:
    names = {setting.name for setting in dataclasses.fields(Settings)}
    assert set(product.defaults) <= names <= set(KARAPACE.rows)


@pytest.mark.parametrize("form", ["json", "env"])
def test_a_secret_is_printed_on_request_only(tmp_path: Path, form: str) -> None:
    ended = convert(tmp_path, "kafka-rest.properties", REST_LINES, "--format", form)
    assert ended.code == 1
    assert "se:1" not in ended.out + ended.err
    assert "Not converted: registry_password: it is a secret" in ended.err

"""Policies of a proxy whose schemas are in another registry: the same verdicts, and none without that registry."""

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.contracts.producing import read_all
from tests.service_process import ServiceProcess


def produce(url: str, topic: str, value: object) -> tuple[int, Any]:
    body = {"records": [{"value": value}]}
    try:
        return 200, call(url, "POST", f"/topics/{topic}", body, content_type="application/vnd.kafka.json.v2+json")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def read_as_second_version(registry: str, proxy: str, topic: str) -> list[Any]:
    """Register a version whose migration rule adds one, delete the first one, and read the topic as the new one."""
    subject = f"/subjects/{topic}-value/versions"
    rule = {"name": "up", "mode": "UPGRADE", "type": "CEL", "expr": "message + 1"}
    call(registry, "POST", subject, {"schema": '"long"', "ruleSet": {"migrationRules": [rule]}})
    call(registry, "DELETE", f"{subject}/1")
    path = f"/topics/{topic}/partitions/0/records?offset=0&reader_version=2&format=avro&timeout=20000"
    return [record["value"] for record in call(proxy, "GET", path)]


def test_schemas_of_another_registry_are_applied_and_without_it_nothing_is_written(
    kafka: Cluster, topic: Callable[[], str], tmp_path: Path
) -> None:
    encoded, observed, unused = topic(), topic(), topic()
    encode = {"plain": "encode", "schema": {"subject": f"{encoded}-value"}}
    file = tmp_path / "policies.json"
    file.write_text(
        json.dumps(
            {
                encoded: {"value": encode},
                observed: {"value": {**encode, "schema": {"subject": f"{unused}-value"}}, "mode": "observe"},
                unused: {"value": {**encode, "schema": {"subject": f"{unused}-value"}}},
            }
        )
    )
    with ServiceProcess(kafka.bootstrap_servers, karapace_rest="false") as registry:
        for subject in (encoded, unused):
            call(registry.url, "POST", f"/subjects/{subject}-value/versions", {"schema": '"int"'})
        address = urlsplit(registry.url)
        with ServiceProcess(
            kafka.bootstrap_servers,
            karapace_registry="false",
            registry_host=address.hostname,
            registry_port=address.port,
            topic_policies=file,
        ) as proxy:
            status, answer = produce(proxy.url, encoded, 1)
            assert (status, answer["value_schema_id"]) == (200, 1), answer
            status, error = produce(proxy.url, encoded, "x")
            assert (status, "at" in error["message"], "expected int" in error["message"]) == (422, True, True), error
            assert read_as_second_version(registry.url, proxy.url, encoded) == [2]
            registry.stop()
            status, error = produce(proxy.url, unused, 1)  # whose schema has not been cached
            assert (status, f"The policy {unused} cannot be applied" in error["message"]) == (503, True), error
            assert produce(proxy.url, observed, 1)[0] == 200
    assert [record.value for record in read_all(kafka, encoded)] == [b"\0\0\0\0\1\2"]
    assert [record.value for record in read_all(kafka, observed)] == [b"1"]

"""The DEK registry over a real topic: restarts, workers, several nodes, and a primary that ends."""

import base64
import json
import threading
import urllib.error
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.topic_log import read_topic
from tests.calling import call
from tests.cluster.registry_nodes import RegistryNodes
from tests.service_process import ServiceProcess
from tests.waiting import wait_until
from tests.web.keys.conftest import KEKS, kek
from tests.web.keys.test_deks import DEKS, LOCAL, dek

ENABLED: dict[str, Any] = {"dek_registry_enabled": True, "dek_registry_show_secrets": True}
AVRO = "application/vnd.kafka.avro.v2+json"
_WHO = {"name": "who", "type": "string", "confluent:tags": ["PII"]}
_RULE = {
    "name": "encrypt",
    "kind": "TRANSFORM",
    "mode": "WRITEREAD",
    "type": "ENCRYPT",
    "tags": ["PII"],
    "params": {"encrypt.kek.name": "k1"},
}
ENCRYPTED = {
    "schema": json.dumps({"type": "record", "name": "Person", "fields": [_WHO]}),
    "ruleSet": {"domainRules": [_RULE]},
}
_ATTEMPTS = 10


def _read(url: str, path: str) -> Any:
    try:
        return call(url, "GET", path)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def is_served(url: str) -> bool:
    """Whether the keys are read."""
    return isinstance(_names(url), list)


def _names(url: str) -> Any:
    return _read(url, KEKS)


def test_keys_are_there_after_a_restart_and_in_confluents_bytes(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, **ENABLED) as node:
        call(node.url, "POST", KEKS, kek(**LOCAL))
        created = call(node.url, "POST", f"{DEKS}/s1", dek(None))
        node.stop()
        node.start()
        wait_until(lambda: _names(node.url) == ["k1"])
        assert call(node.url, "GET", f"{DEKS}/s1") == created
        topic = f"{node.topic}_dek_registry_keys"
    records = read_topic(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), topic)
    by_key = {record.key: record.value for record in records}
    assert by_key == {
        b'{"tenant":"default","name":"-","type":"KEK"}': None,
        b'{"tenant":"default","name":"k1","type":"KEK"}': (
            b'{"name":"k1","kmsType":"local-kms","kmsKeyId":"mykey","kmsProps":{"secret":"s3cret"},"shared":true,'
            b'"deleted":false,"type":"KEK"}'
        ),
        b'{"tenant":"default","kekName":"k1","subject":"s1","algorithm":"AES256_GCM","version":1,"type":"DEK"}': (
            b'{"kekName":"k1","subject":"s1","algorithm":"AES256_GCM","version":1,"encryptedKeyMaterial":"%s",'
            b'"deleted":false,"type":"DEK"}' % created["encryptedKeyMaterial"].encode()
        ),
    }


@pytest.mark.long
def test_every_worker_knows_a_key_once_it_is_answered(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=2, **ENABLED) as node:
        wait_until(lambda: _names(node.url) == [])
        for at in range(_ATTEMPTS):
            call(node.url, "POST", KEKS, kek(f"k{at}"))
            assert [_read(node.url, f"{KEKS}/k{at}")["name"] for _ in range(5)] == [f"k{at}"] * 5


def test_keys_follow_the_primary(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Also those that the proxy of a follower creates, for a record whose rule encrypts."""
    name = topic()
    with RegistryNodes(kafka.bootstrap_servers, 2, **ENABLED) as nodes:
        primary = nodes.primary()
        (follower,) = nodes.others(primary)
        for node in (primary, follower):
            wait_until(lambda node=node: _names(node.url) == [])  # type: ignore[misc]
        call(follower.url, "POST", KEKS, kek(**LOCAL))
        created = call(follower.url, "POST", f"{DEKS}/s1", dek(None))
        assert call(primary.url, "GET", f"{DEKS}/s1") == created
        schema_id = call(follower.url, "POST", f"/subjects/{name}-value/versions", ENCRYPTED)["id"]
        records = {"value_schema_id": schema_id, "records": [{"value": {"who": "Ada"}}]}
        call(follower.url, "POST", f"/topics/{name}", records, content_type=AVRO)
        path = f"/topics/{name}/partitions/0/records?format=avro"
        assert call(primary.url, "GET", path, Accept=AVRO)[0]["value"] == {"who": "Ada"}
        binary = call(primary.url, "GET", f"/topics/{name}/partitions/0/records")[0]["value"]
        assert b"Ada" not in base64.b64decode(binary)
        primary.stop()
        second = call(follower.url, "POST", f"{DEKS}/s1", dek(None, version=2))
        assert call(follower.url, "GET", f"{DEKS}/s1/versions/latest") == second
        assert call(follower.url, "GET", f"{DEKS}/s1") == created


@pytest.mark.long
def test_two_nodes_that_create_one_key_have_one_key(kafka: Cluster, topic: Callable[[], str]) -> None:
    """One of the creations is answered with 409; readers of both nodes get the same key."""
    subject = topic()
    with RegistryNodes(kafka.bootstrap_servers, 2, **ENABLED) as nodes:
        for node in nodes.all:
            wait_until(lambda node=node: _names(node.url) == [])  # type: ignore[misc]
        call(nodes.all[0].url, "POST", KEKS, kek(**LOCAL))
        for version in range(1, 6):
            outcomes: list[Any] = []

            def create(url: str, version: int = version, outcomes: list[Any] = outcomes) -> None:
                try:
                    outcomes.append(call(url, "POST", f"{DEKS}/{subject}", dek(None, version=version))["keyMaterial"])
                except urllib.error.HTTPError as error:
                    with error:
                        outcomes.append(error.code)

            threads = [threading.Thread(target=partial(create, node.url)) for node in nodes.all]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            [key] = [outcome for outcome in outcomes if outcome != 409]
            assert len(outcomes) == 2
            for node in nodes.all:
                path = f"{DEKS}/{subject}/versions/{version}"
                wait_until(lambda node=node, path=path: _read(node.url, path) != 404)  # type: ignore[misc]
                assert _read(node.url, path)["keyMaterial"] == key


def test_a_service_that_turns_it_off_has_no_such_calls(kafka: Cluster) -> None:
    with (
        ServiceProcess(kafka.bootstrap_servers, dek_registry_enabled=False) as service,
        pytest.raises(urllib.error.HTTPError) as raised,
    ):
        call(service.url, "GET", KEKS)
    with raised.value as error:
        assert error.code == 404

"""confluent-kafka's field level encryption with the DEK registry of the service, and the steps of docs/encryption.md.

Tink's register of KMS clients is one for the process: all tests here use one secret.
"""

import re
import shutil
import subprocess
import sys
import textwrap
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import (
    AsyncAvroDeserializer,
    AsyncAvroSerializer,
    AvroDeserializer,
    AvroSerializer,
)
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import (
    Clock,
    EncryptionExecutor,
    FieldEncryptionExecutor,
)
from confluent_kafka.schema_registry.rules.encryption.localkms.local_driver import LocalKmsDriver
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.clients.test_node import PROGRAMS, modules, run
from tests.markdown_examples import PAGES
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

__all__ = ["modules"]
"""The fixture."""
SECRET = {"secret": "of the clients"}
KEKS = "/dek-registry/v1/keks"
PERSON = (
    '{"type":"record","name":"Person","fields":[{"name":"id","type":"int"},'
    '{"name":"name","type":"string","confluent:tags":["PII"]}]}'
)
ADA = {"id": 1, "name": "Ada Lovelace"}


@pytest.fixture(scope="module", params=[False, True], ids=["secrets hidden", "secrets shown"])
def node(kafka: Cluster, request: pytest.FixtureRequest) -> Iterator[ServiceProcess]:
    """A service with the DEK registry, that shows secrets or not."""
    settings = {"dek_registry_enabled": True, "dek_registry_show_secrets": request.param}
    with ServiceProcess(kafka.bootstrap_servers, **settings) as service:
        wait_until(lambda: _is_served(service.url))
        yield service


def _is_served(url: str) -> bool:
    try:
        return isinstance(call(url, "GET", KEKS), list)
    except urllib.error.HTTPError as error:
        with error:
            return False


class _Later(Clock):
    """Some days after now."""

    def __init__(self, days: int) -> None:
        self._offset = timedelta(days=days)

    def now(self) -> int:
        return int((datetime.now(UTC) + self._offset).timestamp() * 1000)


class _Client:
    """A program with caches of its own."""

    def __init__(self, url: str, days: int) -> None:
        self._registry = SchemaRegistryClient({"url": url})
        self._executors = [FieldEncryptionExecutor(_Later(days)), EncryptionExecutor(_Later(days))]
        rules = RuleRegistry()  # type: ignore[no-untyped-call]
        for executor in self._executors:
            rules.register_executor(executor)
        options = {"auto.register.schemas": False, "use.latest.version": True}
        self._write = AvroSerializer(self._registry, None, None, options, rule_conf=SECRET, rule_registry=rules)
        self.read = AvroDeserializer(self._registry, rule_conf=SECRET, rule_registry=rules)

    def write(self, value: dict[str, Any], context: SerializationContext) -> bytes:
        """Encrypt and encode a copy of the value: the library changes the object."""
        written: bytes = self._write({**value}, context)
        return written

    def close(self) -> None:
        for executor in self._executors:
            executor.close()  # type: ignore[no-untyped-call]
        self._registry.close()


Connect = Callable[..., _Client]


@pytest.fixture
def connect(node: ServiceProcess) -> Iterator[Connect]:
    """Start a program on the service, which believes that so many `days` have passed."""
    LocalKmsDriver.register()
    with ExitStack() as stack:

        def start(*, days: int = 0) -> _Client:
            client = _Client(node.url, days)
            stack.callback(client.close)
            return client

        yield start


def register_rule(url: str, topic: str, kek: str, *, rule_type: str = "ENCRYPT", **params: str) -> SerializationContext:
    rule = {
        "name": "encryptNames",
        "kind": "TRANSFORM",
        "mode": "WRITEREAD",
        "type": rule_type,
        **({"tags": ["PII"]} if rule_type == "ENCRYPT" else {}),
        "params": {
            "encrypt.kek.name": kek,
            "encrypt.kms.type": "local-kms",
            "encrypt.kms.key.id": "people",
            **{name.replace("_", "."): value for name, value in params.items()},
        },
        "onFailure": "ERROR,NONE",
    }
    rules = {"domainRules" if rule_type == "ENCRYPT" else "encodingRules": [rule]}
    call(url, "POST", f"/subjects/{topic}-value/versions", {"schema": PERSON, "ruleSet": rules})
    return SerializationContext(topic, MessageField.VALUE)


def _share(url: str, kek: str) -> None:
    body = {"name": kek, "kmsType": "local-kms", "kmsKeyId": "people", "kmsProps": SECRET, "shared": True}
    call(url, "POST", KEKS, body)


@pytest.mark.parametrize(
    ("params", "is_shared"),
    [
        ({"encrypt_dek_algorithm": "AES128_GCM"}, False),
        ({}, True),
        ({"encrypt_dek_algorithm": "AES256_SIV", "encrypt_dek_expiry_days": "1"}, False),
        ({"rule_type": "ENCRYPT_PAYLOAD"}, True),
    ],
    ids=["AES128_GCM", "shared", "AES256_SIV with expiry", "whole payload, shared"],
)
def test_a_second_client_reads_what_the_first_encrypts(
    node: ServiceProcess, connect: Connect, topic: Callable[[], str], params: dict[str, str], *, is_shared: bool
) -> None:
    name = topic()
    if is_shared:
        _share(node.url, name)
    context = register_rule(node.url, name, name, **params)
    written = connect().write(ADA, context)
    assert b"Ada" not in written
    assert connect().read(written, context) == ADA
    if not is_shared:
        [kek] = [call(node.url, "GET", f"{KEKS}/{name}")]
        assert (kek["kmsType"], kek["shared"], kek["kmsProps"]) == ("local-kms", False, {})
    algorithm = params.get("encrypt_dek_algorithm", "AES256_GCM")
    dek = call(node.url, "GET", f"{KEKS}/{name}/deks/{name}-value?algorithm={algorithm}")
    assert ("keyMaterial" in dek) == is_shared


async def test_the_asynchronous_client_encrypts_and_decrypts(
    node: ServiceProcess, connect: Connect, topic: Callable[[], str]
) -> None:
    name = topic()
    _share(node.url, name)
    context = register_rule(node.url, name, name)
    executor = FieldEncryptionExecutor()
    rules = RuleRegistry()  # type: ignore[no-untyped-call]
    rules.register_executor(executor)
    options = {"auto.register.schemas": False, "use.latest.version": True}
    async with AsyncSchemaRegistryClient({"url": node.url}) as client:
        serializer = await AsyncAvroSerializer(client, None, None, options, rule_conf=SECRET, rule_registry=rules)
        deserializer = await AsyncAvroDeserializer(client, rule_conf=SECRET, rule_registry=rules)
        written = await serializer({**ADA}, context)
        assert b"Ada" not in written
        assert connect().read(written, context) == ADA
        assert await deserializer(connect().write(ADA, context), context) == ADA
    executor.close()  # type: ignore[no-untyped-call]


@pytest.mark.long
@pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="Node or npm is not installed")
@pytest.mark.parametrize("algorithm", ["AES128_GCM", "AES256_GCM", "AES256_SIV"])
def test_javascript_and_python_read_each_other(
    node: ServiceProcess,
    connect: Connect,
    topic: Callable[[], str],
    modules: Path,
    tmp_path: Path,
    algorithm: str,
) -> None:
    """With the DEK that whoever writes first has created."""
    for writes_javascript in (False, True):
        name, file = topic(), tmp_path / str(writes_javascript)
        context = register_rule(node.url, name, name, encrypt_dek_algorithm=algorithm)
        program = partial(run, "node", "encrypting.js", folder=PROGRAMS, NODE_PATH=str(modules))
        if writes_javascript:
            program("write", node.url, name, SECRET["secret"], str(file))
            assert connect().read(file.read_bytes(), context) == ADA
        else:
            file.write_bytes(connect().write(ADA, context))
            program("read", node.url, name, SECRET["secret"], str(file))
        assert b"Ada" not in file.read_bytes()


def test_keys_are_rotated_and_old_records_stay_readable(
    node: ServiceProcess, connect: Connect, topic: Callable[[], str]
) -> None:
    """An expired DEK gets a successor; the KEK's key in the KMS may change in between."""
    name = topic()
    _share(node.url, name)
    context = register_rule(node.url, name, name, encrypt_dek_expiry_days="1")
    first = connect().write(ADA, context)
    before = call(node.url, "GET", f"{KEKS}/{name}/deks/{name}-value")
    rewrapped = call(node.url, "POST", f"{KEKS}/{name}/deks/{name}-value?rewrap=true", {"version": 1})
    assert rewrapped["keyMaterial"] == before["keyMaterial"]
    assert rewrapped["encryptedKeyMaterial"] != before["encryptedKeyMaterial"]
    second = connect(days=2).write(ADA, context)
    assert call(node.url, "GET", f"{KEKS}/{name}/deks/{name}-value/versions") == [1, 2]
    reader = connect(days=2)
    assert [reader.read(written, context) for written in (first, second)] == [ADA, ADA]


def test_without_the_key_the_field_stays_encrypted(
    node: ServiceProcess, connect: Connect, topic: Callable[[], str]
) -> None:
    """onFailure NONE on reading hands out the ciphertext; a deleted DEK makes writing fail."""
    name = topic()
    context = register_rule(node.url, name, name)
    written = connect().write(ADA, context)
    path = f"{KEKS}/{name}/deks/{name}-value"
    for query in ("", "?permanent=true"):
        call(node.url, "DELETE", path + query)
    assert connect().read(written, context)["name"] != ADA["name"]
    call(node.url, "DELETE", f"{KEKS}/{name}")
    body = {"name": name, "kmsType": "own-kms", "kmsKeyId": "people"}
    call(node.url, "DELETE", f"{KEKS}/{name}?permanent=true")
    call(node.url, "POST", KEKS, body)
    with pytest.raises(SerializationError):
        connect().write(ADA, context)


def test_secrets_of_a_kek_reach_clients_by_setting(node: ServiceProcess, topic: Callable[[], str]) -> None:
    name = topic()
    _share(node.url, name)
    shown: Any = call(node.url, "GET", f"{KEKS}/{name}")["kmsProps"]
    assert shown in ({}, SECRET)


def test_the_steps_of_the_page_work_as_they_are_pasted(kafka: Cluster, tmp_path: Path) -> None:
    blocks = re.findall(
        r"^ *```(bash|python)\n(.*?)^ *```$", (PAGES / "encryption.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert [language for language, _ in blocks].count("python") == 2
    with ServiceProcess(kafka.bootstrap_servers, dek_registry_enabled=True) as service:
        wait_until(lambda: _is_served(service.url))
        for language, text in blocks:
            pasted = re.sub(r"http://localhost:808[12]", service.url, textwrap.dedent(text))
            program = ["bash", "-e", "-c", pasted] if language == "bash" else [sys.executable, "-c", pasted]
            ended = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
            assert ended.returncode == 0, (pasted, ended.stdout, ended.stderr)
        assert call(service.url, "GET", f"{KEKS}?deleted=true") == ["staff"]

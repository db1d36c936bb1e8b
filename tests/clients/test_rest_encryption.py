"""What the REST proxy encrypts is read by confluent-kafka, and the reverse; and who is given the plaintext by REST.

Tink's register of KMS clients is one for the process: all tests here use the secret of `test_encryption`.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.clients.test_encryption import ADA, KEKS, SECRET, Connect, connect, register_rule
from tests.contracts.ruled_service import RuledService
from tests.contracts.ruled_service import connect as connect_rest
from tests.contracts.test_rules import stored_value
from tests.service_process import ServiceProcess

__all__ = ["connect"]
"""The fixture."""


@pytest.fixture(scope="module")
def node(kafka: Cluster) -> Iterator[ServiceProcess]:
    """A service that lets everybody decrypt."""
    with ServiceProcess(kafka.bootstrap_servers, dek_registry_show_secrets=True) as service:
        yield service


@pytest.fixture
async def rest(node: ServiceProcess) -> AsyncIterator[RuledService]:
    async with connect_rest(node) as client:
        yield client


def create_kek(url: str, name: str, *, is_shared: bool) -> None:
    body = {"name": name, "kmsType": "local-kms", "kmsKeyId": "people", "kmsProps": SECRET, "shared": is_shared}
    call(url, "POST", KEKS, body)


def send(kafka: Cluster, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("is_shared", [True, False], ids=["shared", "not shared"])
@pytest.mark.parametrize(
    "params",
    [
        {"encrypt_dek_algorithm": "AES128_GCM"},
        {"encrypt_dek_expiry_days": "1"},
        {"encrypt_dek_algorithm": "AES256_SIV", "encrypt_dek_expiry_days": "1"},
        {"rule_type": "ENCRYPT_PAYLOAD"},
    ],
    ids=["AES128_GCM", "expiry", "AES256_SIV with expiry", "whole payload"],
)
async def test_rest_clients_and_libraries_read_each_other(
    kafka: Cluster,
    node: ServiceProcess,
    rest: RuledService,
    connect: Connect,
    topic: Callable[[], str],
    params: Mapping[str, str],
    *,
    is_shared: bool,
) -> None:
    name = topic()
    create_kek(node.url, name, is_shared=is_shared)
    context = register_rule(node.url, name, name, **params)
    status, answer = await rest.produce(name, "avro", {"value": ADA})
    assert status == 200, answer
    written = stored_value(kafka, name)
    assert b"Ada" not in written
    assert connect().read(written, context) == ADA
    if is_shared:
        algorithm = params.get("encrypt_dek_algorithm", "AES256_GCM")
        path = f"{KEKS}/{name}/deks/{name}-value?rewrap=true"
        call(node.url, "POST", path, {"version": 1, "algorithm": algorithm})
    days = 2 if "encrypt_dek_expiry_days" in params else 0
    send(kafka, name, connect(days=days).write({**ADA, "id": 2}, context))
    assert await rest.read_values(name, "avro") == [ADA, {**ADA, "id": 2}]

"""A REST proxy whose schemas are in the registry of another service, with another schemas topic."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from karapace_like.access.passwords import Algorithm, new_user
from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

FLOOR = '{"type":"record","name":"Floor","fields":[{"name":"number","type":"int"}]}'
HOUSE = '{"type":"record","name":"House","fields":[{"name":"top","type":"Floor"}]}'
NAMED = '{"type":"record","name":"Floor","fields":[{"name":"name","type":"string"}]}'


def media_type(embedded: str) -> str:
    return f"application/vnd.kafka.{embedded}.v2+json"


@pytest.fixture(scope="module")
def authfile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a registry that knows one user, who may do everything."""
    user = msgspec.to_builtins(new_user("proxy", "secret", Algorithm.SHA256))
    path = tmp_path_factory.mktemp("access") / "authfile.json"
    permission = {"username": "proxy", "operation": "Write", "resource": ".*"}
    path.write_text(json.dumps({"users": [user], "permissions": [permission]}))
    return path


@pytest.fixture(scope="module")
def registry(kafka: Cluster, authfile: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(kafka.bootstrap_servers, karapace_rest="false", registry_authfile=authfile) as process:
        yield process


@pytest.fixture(scope="module")
def proxy(kafka: Cluster, registry: ServiceProcess) -> Iterator[ServiceProcess]:
    with proxy_of(kafka, registry) as process:
        yield process


def proxy_of(kafka: Cluster, registry: ServiceProcess, password: str = "secret") -> ServiceProcess:
    address = urlsplit(registry.url)
    return ServiceProcess(
        kafka.bootstrap_servers,
        karapace_registry="false",
        registry_host=address.hostname,
        registry_port=address.port,
        registry_user="proxy",
        registry_password=password,
    )


def ask(registry: ServiceProcess, method: str, path: str, body: object = None) -> Any:
    credentials = base64.b64encode(b"proxy:secret").decode()
    return call(registry.url, method, path, body, Authorization=f"Basic {credentials}")


def produce(proxy: ServiceProcess, topic: str, *values: object, **schema: object) -> Any:
    body = {"records": [{"value": each} for each in values], **schema}
    return call(proxy.url, "POST", f"/topics/{topic}", body, content_type=media_type("avro"))


def refused(proxy: ServiceProcess, topic: str, *values: object, **schema: object) -> tuple[int, Any]:
    with pytest.raises(urllib.error.HTTPError) as found:
        produce(proxy, topic, *values, **schema)
    with found.value as error:
        return error.code, json.loads(error.read())


def read(proxy: ServiceProcess, topic: str, count: int) -> list[Any]:
    path = f"/topics/{topic}/partitions/0/records?value_format=avro&timeout=1000"
    found: list[Any] = []

    def has_all() -> bool:
        found[:] = [each["value"] for each in call(proxy.url, "GET", path)]
        return len(found) >= count

    wait_until(has_all)
    return found


def test_each_topic_s_subject_gets_the_schema_and_its_check(
    registry: ServiceProcess, proxy: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Also a schema that is known from another topic: a cache that left out the subject would skip both."""
    first, second = topic(), topic()
    ids = {produce(proxy, each, {"number": 1}, value_schema=FLOOR)["value_schema_id"] for each in (first, second)}
    assert len(ids) == 1
    for each in (first, second):
        assert ask(registry, "GET", f"/subjects/{each}-value/versions") == [1]
    third = topic()
    ask(registry, "POST", f"/subjects/{third}-value/versions", {"schema": NAMED})
    status, refusal = refused(proxy, third, {"number": 1}, value_schema=FLOOR)
    assert (status, refusal["error_code"]) == (422, 42207)
    assert "error code: 40901" in refusal["message"]
    assert ask(registry, "GET", f"/subjects/{third}-value/versions") == [1]


def test_schemas_are_found_by_id_as_latest_and_with_what_they_refer_to(
    registry: ServiceProcess, proxy: ServiceProcess, topic: Callable[[], str]
) -> None:
    name = topic()
    ask(registry, "POST", f"/subjects/{name}-floor/versions", {"schema": FLOOR})
    references = [{"name": "Floor", "subject": f"{name}-floor", "version": 1}]
    house = {"top": {"number": 3}}
    made = produce(proxy, name, house, value_schema=HOUSE, value_references=references)["value_schema_id"]
    assert produce(proxy, name, house, value_schema_id=made)["value_schema_id"] == made
    assert produce(proxy, name, house)["value_schema_id"] == made
    assert read(proxy, name, 3) == [house] * 3
    status, refusal = refused(proxy, name, house, value_schema_id=made + 1_000_000)
    assert (status, refusal["error_code"]) == (422, 42207)
    status, refusal = refused(proxy, topic(), house, value_schema_id=made)
    assert (status, refusal["error_code"]) == (422, 42207), "the subject must have the schema"


def test_credentials_that_the_registry_refuses_are_said(
    kafka: Cluster, registry: ServiceProcess, topic: Callable[[], str]
) -> None:
    with proxy_of(kafka, registry, "wrong") as proxy:
        status, refusal = refused(proxy, topic(), {"number": 1}, value_schema=FLOOR)
        assert (status, refusal["error_code"]) == (503, 503)
        assert "rejects the credentials of this service" in refusal["message"]


@pytest.mark.long
def test_a_registry_that_is_away_is_said_and_what_is_known_is_read(kafka: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    with ServiceProcess(kafka.bootstrap_servers, karapace_rest="false") as registry, proxy_of(kafka, registry) as proxy:
        produce(proxy, name, {"number": 1}, value_schema=FLOOR)
        assert read(proxy, name, 1) == [{"number": 1}]
        registry.stop()
        status, refusal = refused(proxy, name, {"name": "a"}, value_schema=NAMED)
        assert (status, refusal["error_code"]) == (503, 503)
        assert refusal["message"].startswith("The schema registry cannot be reached: No registry answers at http://")
        assert read(proxy, name, 1) == [{"number": 1}]

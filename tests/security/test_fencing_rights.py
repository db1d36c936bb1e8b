"""How a primary writes that lacks rights in Kafka, by what `fencing` says."""

import json
import secrets
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec, ResourceType  # type: ignore[attr-defined]

from tests.calling import call
from tests.forms import shorten
from tests.scraping import is_busy
from tests.security.conftest import SecuredKafka
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

EPOCH, PLAIN = "Fencing by epoch", "Writing without fencing"


def service_of(secured: SecuredKafka, fencing: str, *, has_transactional_id: bool) -> ServiceProcess:
    """A service of a user with rights on topic and group alone, and on the transactional id if told so."""
    prefix = f"rights-{secrets.token_hex(4)}"
    for kind in (ResourceType.TOPIC, ResourceType.GROUP):
        secured.allow("bob", kind, prefix)
    if has_transactional_id:
        secured.allow("bob", ResourceType.TRANSACTIONAL_ID, prefix)
    return ServiceProcess(
        secured.cluster.servers("SASL"),
        topic_name=f"{prefix}-topic",
        group_id=prefix,
        fencing=fencing,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username="bob",
        sasl_plain_password=secured.passwords["bob"],
    )


@pytest.mark.parametrize(
    ("fencing", "has_transactional_id", "sentence"),
    shorten([("auto", True, EPOCH), ("auto", False, PLAIN), ("transaction", False, PLAIN), ("off", False, "")]),
)
def test_what_may_be_written_is_written(
    secured: SecuredKafka, fencing: str, sentence: str, *, has_transactional_id: bool
) -> None:
    """No right on the cluster is needed: how long producers are remembered is assumed then."""
    with service_of(secured, fencing, has_transactional_id=has_transactional_id) as service:
        assert call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})["id"] == 1
        assert any(sentence in line for line in service.lines)


@pytest.mark.parametrize("fencing", ["epoch", "on"])
def test_a_node_that_must_fence_and_may_not_does_not_lead(secured: SecuredKafka, fencing: str) -> None:
    """A write waits for a primary until the node stops, since none is elected."""
    with service_of(secured, fencing, has_transactional_id=False) as service, ThreadPoolExecutor() as threads:
        wait_until(lambda: any("ransactional" in line and "authoriz" in line for line in service.lines))
        assert call(service.url, "GET", "/master_available") == {"master_available": False}
        writing = threads.submit(call, service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})
        wait_until(lambda: is_busy(service))
        assert service.stop() == 0
        with pytest.raises(urllib.error.HTTPError) as found:
            writing.result()
        with found.value as error:
            assert error.code == 503
            assert "Leader not known" in json.loads(error.read())["message"]
        assert end_of(secured, service.topic) == 0


def end_of(secured: SecuredKafka, topic: str) -> int:
    """The offset after the last record of the topic's only partition."""
    partition = TopicPartition(topic, 0)
    offsets = secured.admin.list_offsets({partition: OffsetSpec.latest()})  # type: ignore[no-untyped-call]
    return int(offsets[partition].result().offset)

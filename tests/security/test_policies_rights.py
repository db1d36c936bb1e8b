"""A service that Kafka does not let use the policies topic serves schemas, and says what it lacks."""

import secrets
import urllib.error

import pytest
from confluent_kafka.admin import AclOperation, NewTopic, ResourceType  # type: ignore[attr-defined]

from tests.calling import call
from tests.security.conftest import SecuredKafka
from tests.service_process import ServiceProcess

COMPACTED = {"cleanup.policy": "compact"}


def serve_without_rights(secured: SecuredKafka, prefix: str, enabled: str, policies_topic: str) -> ServiceProcess:
    for kind in (ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID):
        secured.allow("bob", kind, prefix)
    return ServiceProcess(
        secured.cluster.servers("SASL"),
        topic_name=f"{prefix}-topic",
        group_id=prefix,
        topic_policies_enabled=enabled,
        topic_policies_topic=policies_topic,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username="bob",
        sasl_plain_password=secured.passwords["bob"],
    )


def produce(service: ServiceProcess, topic: str) -> object:
    body = {"records": [{"value": 1}], "value_format": "json"}
    content_type = "application/vnd.kafka.json.v2+json"
    return call(service.url, "POST", f"/topics/{topic}", body, content_type=content_type)


def test_schemas_are_served_without_rights_on_the_policies_topic(secured: SecuredKafka) -> None:
    """Records are not, where the policies topic is required: there may be policies for them."""
    prefix = f"rights-{secrets.token_hex(4)}"
    with serve_without_rights(secured, prefix, "true", f"elsewhere-{prefix}") as service:
        assert call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})["id"] == 1
        warnings = call(service.url, "GET", "/health/ready")["warnings"]
        assert any(f"The topic elsewhere-{prefix} cannot be opened" in warning for warning in warnings)
        for method, body in (("GET", None), ("PUT", {})):
            with pytest.raises(urllib.error.HTTPError) as raised:
                call(service.url, method, "/policies/lifts", body)
            with raised.value as error:
                assert (error.code, b"topic_policies_enabled=false" in error.read()) == (503, True)
        with pytest.raises(urllib.error.HTTPError) as raised:
            produce(service, f"{prefix}-records")
        with raised.value as error:
            assert (error.code, b"Nothing was written" in error.read()) == (503, True)


@pytest.mark.parametrize("rights", ["none", "describe"])
def test_records_are_written_without_rights_on_the_policies_topic_by_default(
    secured: SecuredKafka, rights: str
) -> None:
    """So an upgrade of a service with narrow ACLs goes on to produce; health says that there are no policies."""
    prefix = f"rights-{secrets.token_hex(4)}"
    policies_topic = f"elsewhere-{prefix}"
    if rights == "describe":
        secured.admin.create_topics([NewTopic(policies_topic, 1, 1, config=COMPACTED)])[policies_topic].result()
        secured.allow("bob", ResourceType.TOPIC, policies_topic, AclOperation.DESCRIBE)
    with serve_without_rights(secured, prefix, "auto", policies_topic) as service:
        assert "offsets" in str(produce(service, f"{prefix}-records"))
        (warning,) = call(service.url, "GET", "/health/ready")["warnings"]
        assert f"The topic {policies_topic} cannot be opened" in warning
        assert "Records are written without its policies" in warning

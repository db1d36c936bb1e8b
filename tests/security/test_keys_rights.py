"""A service that Kafka does not let use the keys topic serves schemas, and says what it lacks."""

import secrets
import urllib.error

import pytest
from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]

from tests.calling import call
from tests.security.conftest import SecuredKafka
from tests.service_process import ServiceProcess
from tests.web.keys.conftest import KEKS, kek


def test_schemas_are_served_without_rights_on_the_keys_topic(secured: SecuredKafka) -> None:
    prefix = f"rights-{secrets.token_hex(4)}"
    for kind in (ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID):
        secured.allow("bob", kind, prefix)
    with ServiceProcess(
        secured.cluster.servers("SASL"),
        topic_name=f"{prefix}-topic",
        group_id=prefix,
        dek_registry_enabled=True,
        dek_registry_topic=f"elsewhere-{prefix}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username="bob",
        sasl_plain_password=secured.passwords["bob"],
    ) as service:
        assert call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})["id"] == 1
        warnings = call(service.url, "GET", "/health/ready")["warnings"]
        assert any(f"The topic elsewhere-{prefix} cannot be opened" in warning for warning in warnings)
        for method, body in (("GET", None), ("POST", kek())):
            with pytest.raises(urllib.error.HTTPError) as raised:
                call(service.url, method, KEKS, body)
            with raised.value as error:
                assert (error.code, b"cannot be opened" in error.read()) == (503, True)

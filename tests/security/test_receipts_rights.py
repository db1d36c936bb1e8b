"""A service that Kafka does not let use the receipts topic refuses keys only, and says what it lacks."""

import secrets
import urllib.error
from typing import Any

import pytest
from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]

from tests.calling import call
from tests.security.conftest import SecuredKafka
from tests.service_process import ServiceProcess

_JSON = "application/vnd.kafka.json.v2+json"
_KEY: Any = {"Idempotency-Key": "a"}
_ONE = {"records": [{"value": 1}]}


def test_records_are_written_without_rights_on_the_receipts_topic(secured: SecuredKafka) -> None:
    prefix = f"rights-{secrets.token_hex(4)}"
    for kind in (ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID):
        secured.allow("bob", kind, prefix)
    with ServiceProcess(
        secured.cluster.servers("SASL"),
        topic_name=f"{prefix}-topic",
        group_id=prefix,
        idempotency_topic=f"elsewhere-{prefix}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username="bob",
        sasl_plain_password=secured.passwords["bob"],
    ) as service:
        path = f"/topics/{prefix}-records"
        assert call(service.url, "POST", path, _ONE, content_type=_JSON)["offsets"][0]["error"] is None
        warnings = call(service.url, "GET", "/health/ready")["warnings"]
        assert any(f"The topic elsewhere-{prefix} cannot be opened" in warning for warning in warnings)
        with pytest.raises(urllib.error.HTTPError) as raised:
            call(service.url, "POST", path, _ONE, content_type=_JSON, **_KEY)
        with raised.value as error:
            assert (error.code, b"cannot be opened" in error.read()) == (503, True)

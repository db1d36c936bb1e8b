"""A rule's dead-letter topic takes records of those only who may write to it."""

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.web.access.conftest import basic, written
from tests.web.access.guarded import serving

NAME = "letters-of-access"
"""A constant: every process of a test run collects the same tests."""
AUTHFILE = written(
    {"root": "root-password", "ann": "ann-password", "bob": "bob-password"},
    [
        {"principals": ["root"], "operations": ["read", "write"], "resource": "subject", "name": "*"},
        {"principals": ["ann", "bob"], "operations": ["read"], "resource": "subject", "name": "*"},
        {"principals": ["ann", "bob"], "operations": ["write"], "resource": "topic", "name": NAME},
        {"principals": ["bob"], "operations": ["write"], "resource": "topic", "name": f"{NAME}-dead"},
    ],
)


@pytest.mark.parametrize(
    ("user", "outcome"),
    [
        ("ann", f"The record could not be written to the dead-letter topic {NAME}-dead: you may not write to it."),
        ("bob", f"The record is in the dead-letter topic {NAME}-dead."),
    ],
)
async def test_a_dead_letter_needs_the_right_to_write_to_its_topic(kafka: Cluster, user: str, outcome: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    if f"{NAME}-dead" not in admin.list_topics(timeout=30).topics:
        admin.create_topics([NewTopic(f"{NAME}-dead", 1)])[f"{NAME}-dead"].result()
    rule = {"name": "r", "kind": "CONDITION", "type": "CEL", "expr": "false", "onFailure": "DLQ"}
    schema = {
        "schema": "{}",
        "schemaType": "JSON",
        "ruleSet": {"domainRules": [{**rule, "params": {"dlq.topic": f"{NAME}-dead"}}]},
    }
    async with serving(kafka, AUTHFILE) as guarded:
        path = f"/subjects/{NAME}-value/versions"
        async with guarded.client.post(path, json=schema, headers=basic("root", "root-password")) as response:
            assert response.status == 200, await response.text()
        headers = {"Content-Type": "application/vnd.kafka.jsonschema.v2+json", **basic(user, f"{user}-password")}
        body: object = {"records": [{"value": {}}]}
        async with guarded.client.post(f"/topics/{NAME}", json=body, headers=headers) as response:
            error = await response.json(content_type=None)
    assert (response.status, error["error_code"]) == (422, 42230)
    assert error["message"] == f"Rule failed: r: the condition does not hold: false. {outcome}"

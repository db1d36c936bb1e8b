"""The service's own topics and groups where callers are somebody in Kafka, and where the cluster has ACLs."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from tests import leaks
from tests.calling import call
from tests.kafka.internal_uses import BODIES, DESCRIPTIONS, V2, Caller, named_in_paths, snapshot
from tests.security.conftest import SecuredKafka
from tests.service_process import ServiceProcess
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def service(secured: SecuredKafka) -> Iterator[ServiceProcess]:
    """Callers reach Kafka as themselves; alice may do everything there."""
    for kind in (ResourceType.TOPIC, ResourceType.GROUP):
        secured.allow("alice", kind, "_")
        secured.allow("alice", kind, "ordinary")
        secured.allow("alice", kind, "registry-")
    with ServiceProcess(
        secured.cluster.bootstrap_servers,
        sasl_bootstrap_uri=secured.cluster.servers("SASL"),
        sasl_mechanism="SCRAM-SHA-256",
        rest_authorization="true",
    ) as process:
        call(process.url, "POST", "/subjects/first/versions", {"schema": '"string"'})
        yield process


@pytest.fixture(scope="module")
def own_service(secured: SecuredKafka) -> Iterator[ServiceProcess]:
    """All callers reach Kafka as the service, which may do everything."""
    with ServiceProcess(secured.cluster.bootstrap_servers) as process:
        yield process


def test_what_kafka_would_let_a_caller_do_is_refused(secured: SecuredKafka, service: ServiceProcess) -> None:
    encoded = base64.b64encode(f"alice:{secured.passwords['alice']}".encode()).decode()
    leaks.register(encoded)
    ask = Caller(service.url, f"Basic {encoded}")
    assert ask("POST", "/consumers/ordinary", {"name": "one", "format": "json"}, V2).status == 200
    before = snapshot(secured.cluster.bootstrap_servers, service.topic)
    names = {"topic": service.topic, "group": service.group}
    calls = [
        (route.method, ask.path(route.path, **{variable: names[variable]}), {"value": "1"}, "application/json")
        for route, variable in named_in_paths()
        if (route.method, route.path) not in DESCRIPTIONS
    ]
    calls += [
        (method, ask.path(path), body, sent_as)
        for (method, path), bodies in BODIES.items()
        for body, sent_as in bodies(service.topic)
    ]
    for method, path, body, sent_as in calls:
        answer = ask(method, path, body, sent_as)
        assert answer.status == 403, (method, path, answer)
        assert "rest_internal_resources=true" in answer.body["message"]
    assert snapshot(secured.cluster.bootstrap_servers, service.topic) == before
    anybody = f"/topics/{service.topic}/partitions/0/records"
    with pytest.raises(OSError, match="401"):
        call(service.url, "GET", anybody)


def test_acls_of_them_are_not_deleted_by_a_search_for_others(
    secured: SecuredKafka, own_service: ServiceProcess
) -> None:
    terms = (
        *(ResourceType.TOPIC, own_service.topic, ResourcePatternType.LITERAL),
        *("User:of-acls", "*", AclOperation.READ, AclPermissionType.ALLOW),
    )
    own, other = AclBinding(*terms), AclBinding(ResourceType.TOPIC, "of-acls", *terms[2:])
    for binding in (own, other):
        secured.admin.create_acls([binding])[binding].result()
    unset: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        unset,
        ResourcePatternType.ANY,
        "User:of-acls",
        unset,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    names = {"of-acls", own_service.topic}

    def are_known() -> bool:
        return {each.name for each in secured.admin.describe_acls(everything).result()} == names

    wait_until(are_known)
    ask = Caller(own_service.url)
    acls = ask.path("/v3/clusters/{cluster}/acls")
    wide = "principal=User:of-acls&resource_type=TOPIC&pattern_type=ANY&operation=ANY&permission=ANY"
    answer = ask("DELETE", f"{acls}?{wide}")
    assert (answer.status, answer.body["error_code"]) == (403, 403)
    assert own_service.topic in answer.body["message"]
    assert are_known()
    deleted = ask("DELETE", f"{acls}?{wide}&resource_name=of-acls")
    assert [each["resource_name"] for each in deleted.body["data"]] == ["of-acls"]
    star = {
        "resource_type": "TOPIC",
        "resource_name": "*",
        "pattern_type": "LITERAL",
        "principal": "User:of-acls",
        "host": "*",
        "operation": "READ",
        "permission": "ALLOW",
    }
    assert ask("POST", acls, star).status == 201  # about the whole cluster

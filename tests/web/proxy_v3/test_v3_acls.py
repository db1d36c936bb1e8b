"""ACLs over HTTP, on a broker with the standard authorizer."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.waiting import until
from tests.web.proxy.conftest import running
from tests.web.proxy_v3.conftest import V3Api, v3_api

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.kafka]

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded() -> AsyncIterator[V3Api]:
    """REST v3 before a cluster with an authorizer, where whatever has no ACL is everybody's."""
    with Cluster(properties=AUTHORIZER) as cluster:
        async with running(cluster, ProxySettings()) as api:
            yield await v3_api(api)


def acl(topic: str, **changes: str) -> dict[str, str]:
    return {
        "resource_type": "TOPIC",
        "resource_name": topic,
        "pattern_type": "LITERAL",
        "principal": "User:alice",
        "host": "*",
        "operation": "READ",
        "permission": "ALLOW",
    } | changes


async def found(v3: V3Api, **wanted: str) -> list[dict[str, Any]]:
    """The ACLs that match, without what tells where they are."""
    status, listed = await v3("GET", f"/acls?{urlencode(wanted)}")
    assert status == 200, listed
    assert listed["kind"] == "KafkaAclList"
    plain = []
    for each in listed["data"]:
        assert (each.pop("kind"), each.pop("cluster_id")) == ("KafkaAcl", v3.cluster)
        assert each.pop("metadata")["self"].startswith(f"{v3.url}/acls?resource_type={each['resource_type']}&")
        plain.append(each)
    return plain


@pytest.mark.long
async def test_acls_are_created_searched_and_deleted(guarded: V3Api, topic: Callable[[], str]) -> None:
    name = topic()
    reading, writing = acl(name), acl(name, operation="WRITE", principal="User:bob")
    group = acl(f"group-{name}", resource_type="GROUP", pattern_type="PREFIXED", permission="DENY")
    # For everybody, because the brokers themselves are nobody in particular here.
    cluster = acl("kafka-cluster", resource_type="CLUSTER", operation="ALL", principal="User:*")
    assert await guarded("POST", "/acls", reading) == (201, None)
    assert await guarded("POST", "/acls:batch", {"data": [writing, group, cluster]}) == (201, None)

    async def are_both_known() -> bool:
        return len(await found(guarded, resource_type="topic", resource_name=name)) == 2

    await until(are_both_known)
    assert await found(guarded, resource_type="topic", resource_name=name) == [reading, writing]
    assert await found(guarded, principal="User:bob", resource_name=name) == [writing]
    assert await found(guarded, resource_name=f"group-{name}-1", pattern_type="MATCH") == [group]
    assert await found(guarded, principal="User:*") == [cluster]
    exact = {"pattern_type": "LITERAL", "operation": "ANY", "permission": "ANY"}
    query = urlencode({"resource_type": "TOPIC", "resource_name": name, **exact})
    status, deleted = await guarded("DELETE", f"/acls?{query}")
    assert status == 200
    assert [each["operation"] for each in deleted["data"]] == ["READ", "WRITE"]

    async def are_gone() -> bool:
        return not await found(guarded, resource_name=name)

    await until(are_gone)
    for rest in (group, cluster):
        assert (await guarded("DELETE", f"/acls?{urlencode(rest)}"))[1]["data"][0]["principal"] == rest["principal"]


async def test_what_an_acl_forbids_is_403(guarded: V3Api, topic: Callable[[], str]) -> None:
    name = topic()
    await guarded.create_topic(name)
    assert await guarded("POST", "/acls", acl(name, operation="ALL")) == (201, None)

    async def is_refused() -> bool:
        (result,) = await guarded.produce(name, {"value": {"type": "JSON", "data": 1}})
        assert result["error_code"] in {200, 40301}
        return bool(result["error_code"] == 40301)

    await until(is_refused)
    for method, path, body in (
        ("GET", f"/topics/{name}", None),
        ("GET", f"/topics/{name}/partitions", None),
        ("GET", f"/topics/{name}/configs", None),
        ("PATCH", f"/topics/{name}", {"partitions_count": 3}),
    ):
        status, error = await guarded(method, path, body)
        assert (status, error["error_code"]) == (403, 40301), path
    assert name not in {each["topic_name"] for each in (await guarded("GET", "/topics"))[1]["data"]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"operation": "ANY"}, 400),
        ({"pattern_type": "MATCH"}, 400),
        ({"permission": "UNKNOWN"}, 400),
        ({"resource_name": ""}, 40002),
        ({"resource_type": "ANY"}, 400),
        ({"principal": "alice"}, 40002),
        ({"operation": "FLY"}, 400),
        ({"nonsense": "1"}, 422),
    ],
)
async def test_an_acl_that_cannot_be_is_refused(guarded: V3Api, changes: dict[str, str], code: int) -> None:
    status, error = await guarded("POST", "/acls", acl("t", **changes))
    assert (status, error["error_code"]) == (code if code < 1000 else code // 100, code)


@pytest.mark.parametrize("name", ["resource_type", "pattern_type", "operation", "permission"])
async def test_what_is_unknown_cannot_be_looked_for(guarded: V3Api, name: str) -> None:
    """Brokers break off the connection at it."""
    wanted = {"resource_type": "ANY", "pattern_type": "ANY", "operation": "ANY", "permission": "ANY", name: "UNKNOWN"}
    for method in ("GET", "DELETE"):
        status, error = await guarded(method, f"/acls?{urlencode(wanted)}")
        assert (status, error) == (400, {"error_code": 400, "message": f"{name} cannot be UNKNOWN"})


async def test_the_address_of_a_search_says_all_that_was_looked_for(guarded: V3Api) -> None:
    _, listed = await guarded("GET", "/acls?operation=read&principal=User:x")
    assert listed["metadata"]["self"] == (
        f"{guarded.url}/acls?resource_type=ANY&resource_name=&pattern_type=ANY&principal=User:x&host="
        "&operation=READ&permission=ANY"
    )


async def test_deleting_must_say_of_what_kind(guarded: V3Api) -> None:
    assert (await guarded("DELETE", "/acls?resource_type=TOPIC"))[0] == 400
    assert (await guarded("GET", "/acls?operation=FLY"))[0] == 400

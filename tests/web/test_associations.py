"""Associations: every route, what it answers, and every refusal, with the rules of both kinds of strictness."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from karapace_like.registry.registration import Rules
from karapace_like.schema.model import Strictness
from tests.web.conftest import Api, TopicRecord

Start = Callable[..., Awaitable[Api]]

INT, LONG, STRING = ({"schema": f'"{name}"'} for name in ("int", "long", "string"))
OWN = ":.lkc:orders-value"
"""The own subject of the topic."""


@pytest.fixture
async def api(start: Start) -> Api:
    """The rules of Confluent's release; `strict` has those of its newest branch."""
    api = await start(rules=Rules(strictness=Strictness.LAX))
    await api("POST", "/subjects/s/versions", INT)
    return api


@pytest.fixture
async def strict(start: Start) -> Api:
    api = await start()
    await api("POST", "/subjects/s/versions", INT)
    return api


def request(*associations: dict[str, Any], name: str = "orders", **fields: Any) -> dict[str, Any]:
    body = {
        "resourceName": name,
        "resourceNamespace": "lkc",
        "resourceId": f"{name}-id",
        "resourceType": "topic",
        "associations": list(associations) or [{"subject": "s"}],
    }
    return {field: value for field, value in {**body, **fields}.items() if value is not None}


async def listed(api: Api, path: str = "resources/-/orders") -> list[dict[str, Any]]:
    status, body = await api("GET", f"/associations/{path}")
    assert status == 200
    result: list[dict[str, Any]] = body
    return result


async def refusal(api: Api, method: str, path: str, body: object = None) -> tuple[int, int]:
    status, answer = await api(method, path, body)
    assert set(answer) == {"error_code", "message"}
    return status, answer["error_code"]


async def test_a_topic_without_an_association_has_an_empty_list(api: Api) -> None:
    """Serializers ask before their first record, and go on with the topic's name."""
    query = "?resourceType=topic&associationType=value"
    for path in ("resources/-/orders", "resources/lkc/orders", "resources/lkc/-", "resources/orders-id", "subjects/s"):
        assert await listed(api, path + query) == []


async def test_an_association_is_created_found_and_deleted(api: Api) -> None:
    created = await api("POST", "/associations", request())
    info = {"subject": "s", "associationType": "value", "lifecycle": "WEAK", "frozen": False}
    named = {"resourceName": "orders", "resourceNamespace": "lkc", "resourceId": "orders-id", "resourceType": "topic"}
    assert created == (200, {**named, "associations": [info]})
    for path in ("resources/-/orders", "resources/lkc/orders", "resources/lkc/-", "resources/orders-id", "subjects/s"):
        [association] = await listed(api, path)
        assert list(association) == [
            *("subject", "guid", "resourceName", "resourceNamespace", "resourceId", "resourceType"),
            *("associationType", "lifecycle", "frozen", "createTs", "updateTs"),
        ]
        assert association == {**association, **named, **info}
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", association["guid"])
    for path in ("resources/other/orders", "resources/-/other", "resources/nothing", "subjects/t"):
        assert await listed(api, path) == []
    assert (await api.response("DELETE", "/associations/resources/orders-id")).status == 204
    assert await listed(api) == []
    assert await refusal(api, "DELETE", "/associations/resources/orders-id") == (404, 40410)


async def test_the_topic_has_confluents_bytes(api: Api) -> None:
    await api("POST", "/associations", request())
    [association] = await listed(api)
    key = (
        b'{"keytype":"ASSOC","tenant":"default","resourceName":"orders","resourceNamespace":"lkc","resourceType":"topic",'
        b'"associationType":"value","subject":"s","magic":0}'
    )
    value = (
        '{"guid":"%s","tenant":"default","resourceName":"orders","resourceNamespace":"lkc","resourceId":"orders-id",'
        '"resourceType":"topic","associationType":"value","subject":"s","lifecycle":"WEAK","frozen":false}'
    )
    last = api.log.records[-1]
    assert (last.key, last.value) == (key, (value % association["guid"]).encode())
    await api("DELETE", "/associations/resources/orders-id")
    last = api.log.records[-1]
    assert (last.key, last.value) == (key, None)


async def test_an_association_of_another_registry_is_read_and_its_creation_is_kept(api: Api) -> None:
    """The time of creation is that of the first record, that of the update of the last."""
    key = (
        b'{"keytype":"ASSOC","tenant":"default","resourceName":"r","resourceNamespace":"n","resourceType":"topic",'
        b'"associationType":"key","subject":"s","magic":0}'
    )
    value = b'{"guid":"g","resourceId":"i","lifecycle":"%s","frozen":%s,"later":1}'
    for at, (lifecycle, frozen) in enumerate([(b"WEAK", b"false"), (b"STRONG", b"true")]):
        offset = len(api.log.records)
        record = TopicRecord(key, value % (lifecycle, frozen), 1000 + at, offset)
        api.log.records.append(record)
        api.registry.apply_batch([record], offset + 1)
    [association] = await listed(api, "resources/i")
    shown = [association[name] for name in ("guid", "lifecycle", "frozen", "createTs", "updateTs")]
    assert shown == ["g", "STRONG", True, 1000, 1001]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?associationType=value", 1),
        ("?associationType=key&associationType=value", 2),
        ("?associationType=none", 0),
        ("?resourceType=cluster", 0),
        ("?lifecycle=WEAK", 2),
        ("?lifecycle=STRONG", 0),
        ("?limit=1", 1),
        ("?offset=1&limit=5", 1),
        ("?offset=2", 0),
    ],
)
async def test_look_ups_are_filtered(api: Api, query: str, count: int) -> None:
    types = [{"subject": "s", "associationType": spelled} for spelled in ("key", "value")]
    await api("POST", "/associations", request(*types))
    assert len(await listed(api, "resources/-/orders" + query)) == count


async def test_a_lifecycle_in_lower_case_is_an_unknown_route(api: Api) -> None:
    message = {"error_code": 404, "message": "HTTP 404 Not Found"}
    assert await api("GET", "/associations/resources/-/orders?lifecycle=weak") == (404, message)


@pytest.mark.parametrize(
    "body",
    [
        request(resourceName="a.b"),
        request(resourceName=""),
        request(resourceName="a" * 257),
        request(resourceNamespace=None),
        request(resourceId=None),
        request(resourceType="cluster"),
        request(associations=None),
        request({"subject": "s", "associationType": "header"}),
        request({"subject": "s"}, {"subject": "t"}),
        request({"subject": "s", "frozen": True}),
        request({"subject": "s", "frozen": True, "schema": INT}),
        request({"subject": OWN}),
        request({}),
        request({"schema": INT, "lifecycle": "WEAK"}),
        request({"schema": INT, "frozen": False}),
    ],
    ids=str,
)
async def test_a_creation_is_refused_with_its_property(api: Api, body: dict[str, Any]) -> None:
    status, answer = await api("POST", "/associations", body)
    assert (status, answer["error_code"]) == (422, 42212)
    assert re.match(r"invalid value for property: '\w+', detail: \w", answer["message"])
    assert await listed(api) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (request({"subject": "nothing"}), (409, 40907)),
        (request({"subject": "s", "lifecycle": "MEDIUM"}), (400, 400)),
        (request({"schema": {"schema": "no schema"}}), (422, 42201)),
        (request({"subject": ":.lkc:__MAX_ID"}), (422, 42208)),
        ("text", (400, 400)),
        (None, (422, 422)),
    ],
    ids=str,
)
async def test_other_refusals_of_a_creation(api: Api, body: object, expected: tuple[int, int]) -> None:
    headers = {"Content-Type": "application/json"}
    status, answer = await api("POST", "/associations", body, **({"headers": headers} if body is None else {}))
    assert (status, answer["error_code"]) == expected


async def test_a_creation_with_a_schema_is_strong_frozen_and_in_the_resources_own_subject(api: Api) -> None:
    status, answer = await api("POST", "/associations", request({"schema": STRING}))
    assert status == 200
    [info] = answer["associations"]
    assert info == {
        "subject": OWN,
        "associationType": "value",
        "lifecycle": "STRONG",
        "frozen": True,
        "schema": {**info["schema"], "subject": OWN, "version": 1, "id": 1, "schemaType": "AVRO", **STRING},
    }
    assert (await api("GET", f"/subjects/{OWN}/versions/1"))[0] == 200


async def test_a_creation_can_be_repeated_and_a_different_one_is_refused(api: Api) -> None:
    for first, other in (
        ({"subject": "s"}, {"subject": "s", "lifecycle": "STRONG"}),
        ({"associationType": "key", "schema": INT}, {"associationType": "key", "schema": LONG}),
    ):
        assert (await api("POST", "/associations", request(first)))[1]["associations"]
        assert "associations" not in (await api("POST", "/associations", request(first)))[1]
        assert await refusal(api, "POST", "/associations", request(other)) == (409, 40903)
    assert await refusal(api, "POST", "/associations", request(resourceId="another")) == (409, 40903)
    assert await refusal(api, "POST", "/associations", request(name="else", resourceId="orders-id")) == (422, 42212)
    assert len(await listed(api)) == 2


async def test_nothing_is_written_where_one_of_several_is_refused(api: Api) -> None:
    body = request({"subject": "s"}, {"subject": "nothing", "associationType": "key"})
    assert await refusal(api, "POST", "/associations", body) == (409, 40907)
    assert await listed(api) == []


async def test_a_dry_run_checks_and_writes_nothing(api: Api) -> None:
    body = request(resourceId=None)
    assert "associations" not in (await api("POST", "/associations?dryRun=true", body))[1]
    assert await refusal(api, "POST", "/associations?dryRun=true", request({"subject": "t"})) == (409, 40907)
    assert await listed(api) == []
    await api("POST", "/associations", request())
    for path in ("resources/orders-id?dryRun=true", "resources/orders-id?dryRun=true&associationType=value"):
        assert (await api.response("DELETE", f"/associations/{path}")).status == 204
    assert len(await listed(api)) == 1


async def test_subjects_are_shared_by_weak_associations_only(api: Api) -> None:
    weak, strong = ({"subject": "s", "lifecycle": lifecycle} for lifecycle in ("WEAK", "STRONG"))
    await api("POST", "/associations", request(weak))
    assert (await api("POST", "/associations", request(weak, name="b")))[0] == 200
    assert await refusal(api, "POST", "/associations", request(strong, name="c")) == (409, 40904)
    assert await refusal(api, "PUT", "/associations/resources/b-id", request(strong, name="b")) == (409, 40904)
    await api("DELETE", "/associations/resources/b-id")
    assert (await api("PUT", "/associations/resources/orders-id", request(strong)))[0] == 200
    assert await refusal(api, "POST", "/associations", request(weak, name="b")) == (409, 40905)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (422, 42212)),
        ({"subject": "other", "lifecycle": "WEAK"}, (422, 42212)),
        ({"frozen": True, "lifecycle": "WEAK"}, (422, 42212)),
        ({"schema": STRING}, (409, 40901)),
    ],
    ids=str,
)
async def test_an_update_is_refused(api: Api, change: dict[str, Any], expected: tuple[int, int]) -> None:
    await api("POST", "/associations", request())
    assert await refusal(api, "PUT", "/associations/resources/orders-id", request(change)) == expected
    assert (await listed(api))[0]["lifecycle"] == "WEAK"


async def test_an_update_creates_or_changes(api: Api) -> None:
    path = "/associations/resources/orders-id"
    mismatch = request(resourceId="other")
    assert await refusal(api, "PUT", path, mismatch) == (422, 42212)
    assert await refusal(api, "PUT", path, request({"subject": "s", "frozen": True})) == (422, 42212)
    assert (await api("PUT", path, request(resourceId=None)))[1]["associations"]
    assert "associations" not in (await api("PUT", path, request({"lifecycle": "WEAK"})))[1]
    status, answer = await api("PUT", path, request({"schema": LONG, "lifecycle": "STRONG"}))
    assert (status, answer["associations"][0]["lifecycle"], answer["associations"][0]["schema"]["version"]) == (
        *(200, "STRONG"),
        2,
    )
    before, after = await listed(api), await api("PUT", path, request({"lifecycle": "WEAK"}))
    assert (after[0], before[0]["guid"]) == (200, (await listed(api))[0]["guid"])


async def test_an_update_with_a_schema_creates_a_strong_association_that_is_not_frozen(api: Api) -> None:
    path = "/associations/resources/orders-id"
    assert (await api("PUT", path, request({"schema": INT})))[1]["associations"][0]["frozen"] is False
    assert await refusal(api, "PUT", path, request({"lifecycle": "WEAK"})) == (422, 42212)
    assert (await api("PUT", path, request({"schema": LONG})))[1]["associations"][0]["schema"]["version"] == 2


async def test_a_frozen_association_cannot_change_and_is_deleted_with_its_subject_only(api: Api) -> None:
    await api("POST", "/associations", request({"schema": INT}))
    path = "/associations/resources/orders-id"
    for change in ({"schema": LONG}, {"lifecycle": "WEAK"}):
        assert await refusal(api, "PUT", path, request(change)) in {(409, 40908), (422, 42212)}
    assert await refusal(api, "DELETE", path) == (409, 40908)
    assert await refusal(api, "DELETE", f"/subjects/{OWN}") == (409, 40904)
    assert (await api.response("DELETE", f"{path}?cascadeLifecycle=true")).status == 204
    assert await refusal(api, "GET", f"/subjects/{OWN}/versions?deleted=true") == (404, 40401)
    assert (await api("POST", f"/subjects/{OWN}/versions", LONG))[1]["id"] == 2  # no id is given twice


async def test_a_subject_with_other_schemas_cannot_be_frozen(api: Api) -> None:
    await api("POST", f"/subjects/{OWN}/versions", INT)
    assert await refusal(api, "POST", "/associations", request({"schema": LONG})) == (422, 42212)
    assert (await api("POST", "/associations", request({"schema": INT})))[0] == 200


async def test_an_associated_subject_keeps_a_version(api: Api) -> None:
    await api("POST", "/associations", request())
    await api("POST", "/subjects/s/versions", LONG)
    assert await refusal(api, "DELETE", "/subjects/s") == (409, 40904)
    assert (await api("DELETE", "/subjects/s/versions/1"))[0] == 200
    assert (await api("DELETE", "/subjects/s/versions/1?permanent=true"))[0] == 200
    assert await refusal(api, "DELETE", "/subjects/s/versions/2") == (409, 40907)
    await api("DELETE", "/associations/resources/orders-id?associationType=value")
    assert await api("DELETE", "/subjects/s") == (200, [2])


async def test_read_only_subjects_are_not_associated(api: Api) -> None:
    await api("PUT", "/mode/s", {"mode": "READONLY"})
    assert await refusal(api, "POST", "/associations", request()) == (422, 42205)


async def test_contexts_qualify_subjects_that_name_none(api: Api) -> None:
    await api("POST", "/subjects/:.c:s/versions", INT)
    for path, name in (("/contexts/.c/associations", "a"), ("/associations?context=.c", "b")):
        assert (await api("POST", path, request(name=name)))[1]["associations"][0]["subject"] == ":.c:s"
    assert len(await listed(api, "subjects/:.c:s")) == 2
    status, answer = await api("GET", "/contexts/.c/associations/subjects/s")
    assert (status, len(answer)) == (200, 2)


async def test_schemas_are_listed_by_the_associations_of_their_subjects(api: Api) -> None:
    await api("POST", "/subjects/free/versions", LONG)
    await api("POST", "/associations", request())
    for query, subjects in (
        ("", ["free", "s"]),
        ("?lifecycle=NONE", ["free"]),
        ("?lifecycle=WEAK", ["s"]),
        ("?lifecycle=STRONG", []),
        ("?lifecycle=WEAK&lifecycle=NONE", ["free", "s"]),
        ("?resourceType=topic", ["s"]),
        ("?associationType=key", []),
    ):
        status, answer = await api("GET", f"/schemas{query}")
        assert (status, [schema["subject"] for schema in answer]) == (200, subjects), query
        assert all(("associations" in schema) == (schema["subject"] == "s") for schema in answer if query), query
    assert (await api("GET", "/schemas?lifecycle=weak"))[0] == 404


async def test_batches_answer_each_request(api: Api) -> None:
    ops = [
        request({"opType": "CREATE", "subject": "s"}),
        request({"opType": "CREATE", "subject": "nothing"}, name="b"),
        request({"opType": "UPSERT", "subject": "s", "associationType": "key"}, name="c"),
        request({"opType": "DELETE"}, name="d"),
    ]
    status, answer = await api("POST", "/associations:batchMutate", {"requests": ops})
    results = answer["results"]
    assert status == 207
    assert [result.get("error", {}).get("error_code") for result in results] == [None, 40907, None, 40410]
    assert results[0]["result"]["associations"][0]["subject"] == "s"
    wanted = [
        {"resourceId": "orders-id"},
        {"resourceName": "c", "resourceNamespace": "lkc", "associationTypes": ["key"], "lifecycle": "WEAK"},
        {"resourceId": "nothing"},
        {},
    ]
    status, answer = await api("POST", "/associations:batchGet?includeSchemas=true", {"requests": wanted})
    assert status == 207
    found = answer["results"]
    assert found[0]["result"]["associations"][0]["schema"]["schema"] == '"int"'
    assert found[1]["result"]["associations"][0]["associationType"] == "key"
    assert "associations" not in found[2]["result"]
    assert found[3]["error"]["error_code"] == 42212


async def test_the_changes_of_one_request_are_carried_out_in_order(api: Api) -> None:
    await api("POST", "/associations", request())
    await api("POST", "/subjects/t/versions", INT)
    moved = request({"opType": "DELETE", "associationType": "value"}, {"opType": "CREATE", "subject": "t"})
    dry = await api("POST", "/associations:batchMutate?dryRun=true", {"requests": [moved]})
    assert (dry[0], (await listed(api))[0]["subject"]) == (207, "s")
    _, answer = await api("POST", "/associations:batchMutate", {"requests": [moved]})
    assert [info["subject"] for info in answer["results"][0]["result"]["associations"]] == ["t"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"requests": []}, (422, 42212)),
        ({}, (422, 42212)),
        ({"requests": [request()] * 1001}, (422, 42212)),
        ({"requests": [request({"opType": "MOVE"})]}, (400, 400)),
        ({"requests": [request({})]}, (400, 400)),
        ({"requests": [1]}, (400, 400)),
    ],
    ids=["none", "absent", "too many", "unknown operation", "no operation", "no object"],
)
async def test_malformed_batches_are_refused_as_a_whole(api: Api, body: object, expected: tuple[int, int]) -> None:
    assert await refusal(api, "POST", "/associations:batchMutate", body) == expected


async def test_the_collection_itself_cannot_be_read(api: Api) -> None:
    assert (await api("GET", "/associations"))[0] == 405


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("POST", {"subject": "s", "lifecycle": "STRONG"}),
        ("PUT", {"subject": "s", "lifecycle": "STRONG"}),
        ("PUT", {"subject": "s", "schema": LONG}),
    ],
    ids=str,
)
async def test_strict_schemas_make_strong_associations_frozen(strict: Api, method: str, change: dict[str, Any]) -> None:
    path = "/associations" if method == "POST" else "/associations/resources/orders-id"
    assert await refusal(strict, method, path, request(change)) == (422, 42212)


async def test_strict_resources_have_one_lifecycle_and_strong_subjects_no_referrers(strict: Api) -> None:
    await strict("POST", "/associations", request())
    body = request({"associationType": "key", "schema": INT})
    assert await refusal(strict, "POST", "/associations", body) == (422, 42212)
    named = '{"type":"record","name":"Base","fields":[]}'
    await strict("POST", "/subjects/:.lkc:b-value/versions", {"schema": named})
    reference = {"name": "Base", "subject": ":.lkc:b-value", "version": 1}
    user = '{"type":"record","name":"User","fields":[{"name":"b","type":"Base"}]}'
    await strict("POST", "/subjects/user/versions", {"schema": user, "references": [reference]})
    body = request({"schema": {"schema": named}}, name="b")
    assert await refusal(strict, "POST", "/associations", body) == (422, 42206)


async def test_strict_schemas_do_not_refer_to_a_strong_subject(strict: Api) -> None:
    """A later version of the subject itself may; registered references stay, and weak subjects have them."""
    named = '{"type":"record","name":"Base","fields":[]}'
    status, _ = await strict("POST", "/associations", request({"schema": {"schema": named}}, name="b"))
    assert status == 200
    reference = {"name": "Base", "subject": ":.lkc:b-value", "version": 1}
    user = '{"type":"record","name":"User","fields":[{"name":"b","type":"Base"}]}'
    body = {"schema": user, "references": [reference]}
    assert await refusal(strict, "POST", "/subjects/user/versions", body) == (422, 42206)
    assert await refusal(strict, "POST", "/subjects/user/versions?force=true", body) == (422, 42206)
    await strict("POST", "/subjects/base/versions", {"schema": named})
    await strict("POST", "/associations", request({"subject": "base"}, name="c"))
    body["references"] = [{**reference, "subject": "base"}]
    assert (await strict("POST", "/subjects/user/versions", body))[0] == 200


async def test_strict_batches_name_each_type_once(strict: Api) -> None:
    twice = request({"opType": "DELETE"}, {"opType": "CREATE", "subject": "s"})
    _, answer = await strict("POST", "/associations:batchMutate", {"requests": [twice]})
    assert answer["results"][0]["error"]["error_code"] == 42212

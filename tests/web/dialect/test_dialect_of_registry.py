"""What both dialects of the registry answer to the same call, row by row."""

import json
from typing import Any

import pytest

from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.dialect.table import DIFFERENCES
from tests.web.dialect.conftest import Both, serving

INT = '"int"'
AVRO = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'
SORTED = '{"fields":[{"name":"floor","type":"int"}],"name":"Lift","type":"record"}'
STRING = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"string"}]}'
JSON_SCHEMA = '{"type":"object"}'
LEVELS = (
    "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
    "forward_transitive, and full_transitive"
)
JSON_TYPE = {"schemaType": "JSON", "schema": JSON_SCHEMA}


def schema(text: str) -> dict[str, str]:
    return {"schema": text}


def fault(kind: str, place: list[Any], sentence: str, value: Any) -> dict[str, Any]:
    return {
        "error_code": 422,
        "message": [{"type": kind, "loc": ["body", *place], "msg": sentence, "input": value}],
    }


def error(code: int, message: str) -> dict[str, Any]:
    return {"error_code": code, "message": message}


ANSWERS: list[tuple[str, str, Any, dict[str, Any], Any]] = [
    # method, path, body, what Confluent's answer has, Karapace's whole answer
    ("POST", "/subjects/lifts/versions", schema(AVRO), {"id": 1, "version": 1, "schemaType": "AVRO"}, {"id": 1}),
    (
        "POST",
        "/subjects/lifts",
        schema(AVRO),
        {"id": 1, "schemaType": "AVRO", "schema": AVRO},
        {"subject": "lifts", "version": 1, "id": 1, "schema": SORTED},
    ),
    (
        "POST",
        "/subjects/doors",
        JSON_TYPE,
        {"id": 2, "schemaType": "JSON"},
        {"subject": "doors", "version": 1, "id": 2, "schema": JSON_SCHEMA, "schemaType": "JSON"},
    ),
    (
        "GET",
        "/subjects/lifts/versions/latest",
        None,
        {"deleted": False, "schema": AVRO},
        {"subject": "lifts", "version": 1, "id": 1, "schema": SORTED},
    ),
    ("GET", "/schemas/ids/1", None, {"subject": "lifts", "deleted": False}, {"schema": SORTED}),
    (
        "GET",
        "/schemas/ids/2?includeSubjects=true&fetchMaxId=true",
        None,
        {"subjects": ["doors"], "subject": "doors"},
        {"schema": JSON_SCHEMA, "subjects": ["doors"], "schemaType": "JSON", "maxId": 3},
    ),
    (
        "POST",
        "/compatibility/subjects/lifts/versions/latest",
        schema(STRING),
        {"is_compatible": False},
        {"is_compatible": False, "messages": ["reader type: string not compatible with writer type: int"]},
    ),
    (
        "POST",
        "/compatibility/subjects/lifts/versions/1",
        schema(AVRO),
        {"is_compatible": True},
        {"is_compatible": True},
    ),
    ("GET", "/config", None, {"compatibilityLevel": "BACKWARD"}, {"compatibilityLevel": "BACKWARD"}),
    ("GET", "/config/doors", None, {"normalize": True}, {"compatibilityLevel": "FULL"}),
    ("PUT", "/config/doors", {"compatibility": "FULL"}, {"normalize": True}, {"compatibility": "FULL"}),
    ("GET", "/mode/doors?defaultToGlobal=true", None, {"mode": "READWRITE"}, {"mode": "READWRITE"}),
]
REFUSALS: list[tuple[str, str, Any, tuple[int, int], tuple[int, Any]]] = [
    # method, path, body, Confluent's status and code, Karapace's status and body
    (
        "POST",
        "/subjects/lifts/versions",
        {},
        (422, 42201),
        (422, fault("missing", ["schema"], "Field required", {})),
    ),
    (
        "POST",
        "/subjects/lifts",
        "text",
        (400, 400),
        (
            422,
            fault(
                "model_attributes_type",
                [],
                "Input should be a valid dictionary or object to extract fields from",
                "text",
            ),
        ),
    ),
    (
        "POST",
        "/subjects/lifts/versions",
        {**JSON_TYPE, "references": 1},
        (400, 400),
        (422, fault("list_type", ["references"], "Input should be a valid list", 1)),
    ),
    ("POST", "/subjects/lifts/versions", schema(""), (422, 42201), (422, error(42201, "Empty schema"))),
    (
        "POST",
        "/subjects/lifts/versions",
        schema(STRING),
        (409, 40901),
        (
            409,
            error(
                409,
                "Incompatible schema, compatibility_mode=BACKWARD. Incompatibilities: reader type: string not "
                "compatible with writer type: int",
            ),
        ),
    ),
    (
        "POST",
        "/subjects/lifts",
        schema("lift"),
        (422, 42201),
        (422, error(42201, "Error while looking up schema under subject lifts")),
    ),
    (
        "POST",
        "/subjects/lifts/versions",
        {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3"; message A { B b = 1; }'},
        (422, 42201),
        (422, error(42201, 'Invalid PROTOBUF schema. Error: type "B" is not defined')),
    ),
    (
        "POST",
        "/subjects/lifts/versions",
        {"schema": INT, "references": [{"name": "a", "subject": "nothing", "version": 1}]},
        (422, 42201),
        (
            422,
            error(
                42201,
                "Invalid AVRO schema. Error: Invalid schema \"int\" with refs [{name='a', subject='nothing', "
                "version=1}] of type SchemaType.AVRO",
            ),
        ),
    ),
    ("POST", "/subjects/nothing", schema(INT), (404, 40401), (404, error(40401, "Subject 'nothing' not found."))),
    ("POST", "/subjects/lifts", schema(INT), (404, 40403), (404, error(40403, "Schema not found"))),
    (
        "POST",
        "/contexts/c/subjects/s/versions",
        schema('"lift"'),
        (422, 42201),
        (422, error(42201, "Invalid AVRO schema. Error: Undefined schema: lift")),
    ),
    ("GET", "/schemas/ids/77", None, (404, 40403), (404, error(40403, "Schema not found"))),
    ("GET", "/schemas/ids/first", None, (404, 404), (404, error(404, "HTTP 404 Not Found"))),
    ("GET", "/subjects/lifts", None, (405, 405), (405, error(405, "HTTP 405 Method Not Allowed"))),
    ("GET", "/subjects/lifts/versions/7", None, (404, 40402), (404, error(40402, "Version 7 not found."))),
    (
        "POST",
        "/compatibility/subjects/lifts/versions/7",
        schema(AVRO),
        (404, 40402),
        (404, error(40402, "Version 7 not found.")),
    ),
    (
        "DELETE",
        "/subjects/gone/versions/1",
        None,
        (404, 40406),
        (404, error(40406, "Subject 'gone' Version 1 was soft deleted. Set permanent=true to delete permanently")),
    ),
    ("PUT", "/config", {"compatibility": "NO"}, (422, 42203), (422, error(42203, LEVELS))),
    (
        "PUT",
        "/config/lifts",
        {"compatibility": "NO"},
        (422, 42203),
        (422, error(42203, "Invalid compatibility level")),
    ),
    (
        "GET",
        "/config/nothing",
        None,
        (404, 40408),
        (404, error(40401, "Subject 'nothing' not found.")),
    ),
    ("GET", "/mode/nothing", None, (404, 40409), (404, error(40401, "Subject 'nothing' not found."))),
]
ONLY_REFUSED_BY_KARAPACE: list[tuple[str, str, Any, tuple[int, Any]]] = [
    (
        "POST",
        "/compatibility/subjects/nothing/versions/latest",
        schema(INT),
        (404, error(40402, "Version latest not found.")),
    ),
    ("PUT", "/config/lifts", {}, (422, fault("missing", ["compatibility"], "Field required", {}))),
    (
        "GET",
        "/config/nothing?defaultToGlobal=true",
        None,
        (404, error(40401, "Subject 'nothing' not found.")),
    ),
]


@pytest.fixture
async def filled(both: Both) -> Both:
    """Lifts and doors, with a config for the doors; a subject that is soft-deleted."""
    for subject, body in (("lifts", schema(AVRO)), ("doors", JSON_TYPE), ("gone", schema(INT))):
        assert (await both.confluent("POST", f"/subjects/{subject}/versions", body))[0] == 200
    assert (await both.confluent("PUT", "/config/doors", {"compatibility": "FULL", "normalize": True}))[0] == 200
    assert (await both.confluent("POST", "/subjects/gone/versions", schema('"string"')))[0] in {200, 409}
    assert await both.confluent("DELETE", "/subjects/gone/versions/1") == (200, 1)
    return both


@pytest.mark.parametrize(("method", "path", "body", "confluent", "karapace"), ANSWERS)
async def test_an_answer_is_that_of_the_listener_s_dialect(
    filled: Both, method: str, path: str, body: Any, confluent: dict[str, Any], karapace: Any
) -> None:
    for _ in range(2):  # the second time from the response cache
        status, answer = await filled.confluent(method, path, body)
        assert (status, {name: answer[name] for name in confluent}) == (200, confluent)
        assert await filled.karapace(method, path, body) == (200, karapace)


@pytest.mark.parametrize(("method", "path", "body", "confluent", "karapace"), REFUSALS)
async def test_a_refusal_is_that_of_the_listener_s_dialect(
    filled: Both, method: str, path: str, body: Any, confluent: tuple[int, int], karapace: tuple[int, Any]
) -> None:
    status, answer = await filled.confluent(method, path, body)
    assert (status, answer["error_code"]) == confluent
    assert isinstance(answer["message"], str)
    assert await filled.karapace(method, path, body) == karapace


@pytest.mark.parametrize(("method", "path", "body", "karapace"), ONLY_REFUSED_BY_KARAPACE)
async def test_what_only_karapace_refuses(
    filled: Both, method: str, path: str, body: Any, karapace: tuple[int, Any]
) -> None:
    assert (await filled.confluent(method, path, body))[0] == 200
    assert await filled.karapace(method, path, body) == karapace


async def test_a_transitive_level_compares_with_all_versions_whichever_is_named(filled: Both) -> None:
    assert (await filled.confluent("PUT", "/config/lifts", {"compatibility": "NONE"}))[0] == 200
    assert (await filled.confluent("POST", "/subjects/lifts/versions", schema(STRING)))[0] == 200
    assert (await filled.confluent("PUT", "/config/lifts", {"compatibility": "BACKWARD_TRANSITIVE"}))[0] == 200
    call = ("POST", "/compatibility/subjects/lifts/versions/2", schema(STRING))
    assert await filled.confluent(*call) == (200, {"is_compatible": True})
    assert (await filled.karapace(*call))[1]["is_compatible"] is False


async def test_lists_have_karapace_s_fields_and_order(both: Both) -> None:
    for subject in ("b", "a"):
        assert (await both.karapace("POST", f"/subjects/{subject}/versions", schema(INT)))[0] == 200
        both.registry.read().versions(subject)[0].timestamp = ord("c") - ord(subject)
    assert await both.confluent("GET", "/subjects") == (200, ["a", "b"])
    assert await both.karapace("GET", "/subjects") == (200, ["b", "a"])
    assert (await both.karapace("GET", "/schemas"))[1][0] == {
        "subject": "a", "schema": INT, "version": 1, "id": 1, "schemaType": "AVRO", "references": None,
    }  # fmt: skip
    assert await both.karapace("GET", "/schemas/types") == (200, ["JSON", "AVRO", "PROTOBUF"])
    assert await both.karapace("GET", "/schemas/ids/9/versions") == (200, [])


async def test_deleting_a_config_answers_the_global_level(both: Both) -> None:
    for _ in range(2):
        assert await both.karapace("DELETE", "/config/s") == (200, {"compatibility": "BACKWARD"})
    assert (await both.karapace("PUT", "/config", {"compatibility": "NONE"}))[0] == 200
    assert (await both.karapace("PUT", "/config/s", {"compatibility": "FULL"}))[0] == 200
    assert await both.karapace("DELETE", "/config/s") == (200, {"compatibility": "NONE"})


@pytest.mark.parametrize("accept", ["*", "*/anything", "application/*", "*/*"])
async def test_karapace_s_clients_accept_in_odd_words(both: Both, accept: str) -> None:
    assert await both.karapace("GET", "/subjects", headers={"Accept": accept}) == (200, [])


async def test_the_root_is_an_object_for_every_client_of_karapace(both: Both) -> None:
    assert await both.karapace("GET", "/", headers={"Accept": "text/html"}) == (200, {})


async def test_types_and_media_types_are_refused_in_short_sentences(both: Both) -> None:
    refused = await both.karapace("GET", "/subjects", headers={"Accept": "text/plain"})
    assert refused == (406, error(406, "HTTP 406 Not Acceptable"))
    refused = await both.karapace("PUT", "/config", data="{}", headers={"Content-Type": "text/html"})
    assert refused == (415, error(415, "HTTP 415 Unsupported Media Type"))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
async def test_what_is_no_json_is_refused_as_before(both: Both, body: bytes) -> None:
    for client in (both.confluent, both.karapace):
        status, answer = await client("POST", "/subjects/s/versions", data=body)
        assert status in {400, 415, 422}
        assert set(answer) == {"error_code", "message"}


async def test_a_request_of_another_node_is_answered_in_confluent_s_dialect(filled: Both) -> None:
    """That node words the answer for its own client."""
    status, answer = await filled.karapace("GET", "/schemas/ids/1", headers={"X-Forward": "true"})
    assert (status, answer["schemaType"]) == (200, "AVRO")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/subjects/s/versions", {}),
        ("POST", "/compatibility/subjects/nothing/versions/latest", schema(INT)),
        ("GET", "/config/nothing", None),
        ("GET", "/mode/nothing", None),
    ],
)
async def test_the_rows_stand_behind_the_check_of_permissions(method: str, path: str, body: Any) -> None:
    """A caller without credentials learns nothing of what is there."""
    async with serving(Access(Authentication())) as clients:
        for client in (clients.confluent, clients.karapace):
            status, answer = await client(method, path, body)
            assert (status, answer["error_code"]) == (401, 401)


async def test_a_large_value_is_not_sent_back(both: Both) -> None:
    status, answer = await both.karapace("POST", "/subjects/s/versions", {"schem": "x" * 20_000})
    assert (status, answer["message"][0]["input"]) == (422, None)


async def test_an_id_is_readable_after_the_permanent_deletion(both: Both) -> None:
    """For who may read the subject; to Confluent's clients it is gone."""
    assert await both.karapace("POST", "/subjects/s/versions", schema(AVRO)) == (200, {"id": 1})
    for path in ("/subjects/s", "/subjects/s?permanent=true"):
        assert (await both.karapace("DELETE", path))[0] == 200
    assert (await both.confluent("GET", "/schemas/ids/1"))[1]["error_code"] == 40403
    assert await both.karapace("GET", "/schemas/ids/1") == (200, {"schema": SORTED})
    assert await both.karapace("GET", "/schemas/ids/1?fetchMaxId=true") == (200, {"schema": SORTED, "maxId": 1})
    assert await both.karapace("GET", "/schemas/ids/1/versions") == (200, [])
    assert await both.karapace("GET", "/schemas/ids/2") == (404, error(40403, "Schema not found"))
    assert await both.karapace("POST", "/subjects/other/versions", schema(AVRO)) == (200, {"id": 1})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '{"type":"record","name":"R","namespace":"a-b","fields":[]}',
            r"a-b is not a valid Avro name because it does not match the pattern (?:^|\.)[A-Za-z_][A-Za-z0-9_]*$",
        ),
        (
            '{"type":"record","name":"1R","fields":[]}',
            r"1R is not a valid Avro name because it does not match the pattern (?:^|\.)[A-Za-z_][A-Za-z0-9_]*$",
        ),
        ('{"type":"enum","name":"E"}', "Enum symbols must be a sequence of strings, but it is <class 'NoneType'>"),
        (
            '{"type":"enum","name":"E","symbols":{}}',
            "Enum symbols must be a sequence of strings, but it is <class 'dict'>",
        ),
    ],
)
async def test_faults_of_an_avro_schema_in_karapace_s_words(both: Both, text: str, sentence: str) -> None:
    refused = await both.karapace("POST", "/subjects/s/versions", schema(text))
    assert refused == (422, error(42201, f"Invalid AVRO schema. Error: {sentence}"))


def test_every_row_says_what_it_is_about() -> None:
    assert all(row.where and row.confluent and row.karapace and row.calls for row in DIFFERENCES)
    assert len({row.where for row in DIFFERENCES}) == len(DIFFERENCES)
    assert json.dumps([row.calls for row in DIFFERENCES])

"""The registry over HTTP: one story per resource, with the answers that clients of the reference registry expect."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from karapace_like.registry.registration import Rules
from tests.web.conftest import Api

INT = {"schema": '"int"'}
LONG = {"schema": '"long"'}
STRING = {"schema": '"string"'}
V1 = "application/vnd.schemaregistry.v1+json"


def record(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"schema": json.dumps({"type": "record", "name": name, "fields": list(fields)}, separators=(",", ":"))}


async def test_registering_answers_the_whole_schema_and_is_idempotent(api: Api) -> None:
    """A second registration is the first one, and writes nothing."""
    status, first = await api("POST", "/subjects/a/versions", INT)
    assert status == 200
    assert list(first) == ["id", "version", "guid", "schemaType", "schema"]
    assert (first["id"], first["version"], first["schemaType"], first["schema"]) == (1, 1, "AVRO", '"int"')
    written = len(api.log.records)
    assert await api("POST", "/subjects/a/versions", {"schema": '{"type":"int"}'}) == (200, first)
    assert len(api.log.records) == written


async def test_one_schema_has_one_id_in_every_subject(api: Api) -> None:
    """Ids belong to contents, not to subjects."""
    await api("POST", "/subjects/a/versions", INT)
    assert (await api("POST", "/subjects/b/versions", INT))[1]["id"] == 1
    assert (await api("POST", "/subjects/b/versions", LONG))[1]["id"] == 2
    assert await api("GET", "/schemas/ids/1/subjects") == (200, ["a", "b"])
    assert await api("GET", "/schemas/ids/1/versions") == (
        200,
        [{"subject": "a", "version": 1}, {"subject": "b", "version": 1}],
    )


async def test_versions_are_listed_read_and_deleted_in_two_steps(api: Api) -> None:
    """Soft first, then for good; the numbers go on."""
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/a/versions", LONG)
    assert await api("GET", "/subjects") == (200, ["a"])
    assert await api("GET", "/subjects/a/versions") == (200, [1, 2])
    status, latest = await api("GET", "/subjects/a/versions/latest")
    assert (latest["subject"], latest["version"], latest["id"], latest["deleted"]) == ("a", 2, 2, False)
    assert await api("DELETE", "/subjects/a/versions/1?permanent=true") == (
        404,
        {
            "error_code": 40407,
            "message": "Subject 'a' Version 1 was not deleted first before being permanently deleted",
        },
    )
    assert await api("DELETE", "/subjects/a/versions/1") == (200, 1)
    status, answer = await api("DELETE", "/subjects/a/versions/1")
    assert (status, answer["error_code"]) == (404, 40406)
    assert await api("GET", "/subjects/a/versions") == (200, [2])
    assert await api("GET", "/subjects/a/versions?deleted=true") == (200, [1, 2])
    assert await api("GET", "/subjects/a/versions?deletedAsNegative=true&deleted=true") == (200, [-1, 2])
    assert (await api("GET", "/schemas/ids/1"))[1]["deleted"] is True
    assert await api("DELETE", "/subjects/a/versions/1?permanent=true") == (200, 1)
    assert api.log.records[-1].value is None
    assert (await api("GET", "/schemas/ids/1"))[0] == 404
    assert await api("DELETE", "/subjects/a") == (200, [2])
    assert await api("GET", "/subjects") == (200, [])
    assert await api("GET", "/subjects?deleted=true") == (200, ["a"])
    assert await api("DELETE", "/subjects/a?permanent=true") == (200, [2])
    assert await api("GET", "/subjects?deleted=true") == (200, [])


async def test_looking_up_finds_the_version_of_a_schema(api: Api) -> None:
    """Form does not matter, content does."""
    await api("POST", "/subjects/a/versions", INT)
    status, found = await api("POST", "/subjects/a", {"schema": ' { "type" : "int" } '})
    assert (status, found["subject"], found["version"], found["id"]) == (200, "a", 1, 1)
    assert await api("POST", "/subjects/a", LONG) == (404, {"error_code": 40403, "message": "Schema not found"})
    assert (await api("POST", "/subjects/none", INT))[1]["error_code"] == 40401


async def test_an_incompatible_schema_is_refused_with_its_reasons(api: Api) -> None:
    """The level is the subject's, or what is inherited."""
    await api("POST", "/subjects/a/versions", record("R", {"name": "x", "type": "int"}))
    wider = record("R", {"name": "x", "type": "int"}, {"name": "y", "type": "int"})
    status, answer = await api("POST", "/subjects/a/versions", wider)
    assert (status, answer["error_code"]) == (409, 40901)
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in answer["message"]
    check = "/compatibility/subjects/a/versions/latest?verbose=true"
    status, verdict = await api("POST", check, wider)
    assert verdict["is_compatible"] is False
    assert verdict["messages"][1] == "{oldSchemaVersion: 1}"
    assert await api("PUT", "/config/a", {"compatibility": "forward"}) == (200, {"compatibility": "FORWARD"})
    assert await api("POST", check, wider) == (200, {"is_compatible": True, "messages": []})
    assert (await api("POST", "/subjects/a/versions", wider))[0] == 200


INVALID: dict[str, dict[str, Any]] = {
    "AVRO": {"schema": '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "Missing"}]}'},
    "JSON": {"schema": '{"type": 7}', "schemaType": "JSON"},
    "PROTOBUF": {"schema": 'syntax = "proto3"; message A { int32 a = ; }', "schemaType": "PROTOBUF"},
    "reference": {**INT, "references": [{"name": "n", "subject": "none", "version": 1}]},
}


@pytest.mark.parametrize("name", INVALID)
async def test_a_verbose_check_of_an_invalid_schema_is_a_verdict_with_the_reason(api: Api, name: str) -> None:
    """Without `verbose` it is an error, and so is a version that does not exist."""
    await api("POST", "/subjects/a/versions", INT)
    for versions in ("versions", "versions/latest"):
        check = f"/compatibility/subjects/a/{versions}"
        status, error = await api("POST", check, INVALID[name])
        assert (status, error["error_code"]) == (422, 42201)
        expected = {"is_compatible": False, "messages": [error["message"]]}
        assert await api("POST", f"{check}?verbose=true", INVALID[name]) == (200, expected)
    status, error = await api("POST", "/compatibility/subjects/a/versions/9?verbose=true", INVALID[name])
    assert (status, error["error_code"]) == (404, 40402)


async def test_transitive_levels_ask_every_version(api: Api) -> None:
    """A field that comes back with another type is only seen by them."""
    await api("PUT", "/config/a", {"compatibility": "NONE"})
    with_x = record("R", {"name": "x", "type": "int"})
    without = record("R")
    again = record("R", {"name": "x", "type": "string", "default": ""})
    await api("POST", "/subjects/a/versions", with_x)
    await api("POST", "/subjects/a/versions", without)
    for level, expected in (("BACKWARD", True), ("BACKWARD_TRANSITIVE", False)):
        await api("PUT", "/config/a", {"compatibility": level})
        assert (await api("POST", "/compatibility/subjects/a/versions", again))[1] == {"is_compatible": expected}


@pytest.mark.parametrize("inherits", [True, False])
async def test_a_config_takes_what_it_leaves_out_by_setting(
    start: Callable[..., Awaitable[Api]], *, inherits: bool
) -> None:
    """Neither the level nor what is added to schemas."""
    api = await start(rules=Rules(inherits_config=inherits))
    outer = {"normalize": True, "compatibility": "NONE", "defaultMetadata": {"properties": {"owner": "x"}}}
    await api("PUT", "/config", outer)
    await api("PUT", "/config/a", {"compatibilityGroup": "major"})
    own = {"compatibilityGroup": "major", "compatibilityLevel": "BACKWARD"}
    assert await api("GET", "/config/a") == (200, own)
    effective = {**own, "normalize": True} if inherits else own
    assert await api("GET", "/config/a?defaultToGlobal=true") == (200, effective)
    await api("POST", "/subjects/a/versions", {"schema": '"int"'})
    assert "metadata" not in (await api("GET", "/subjects/a/versions/1"))[1]
    await api("DELETE", "/config/a")
    assert (await api("GET", "/config/a?defaultToGlobal=true"))[1]["compatibilityLevel"] == "NONE"


async def test_configs_are_set_read_inherited_and_removed(api: Api) -> None:
    """The nearest place that has one wins as a whole."""
    assert await api("GET", "/config") == (200, {"compatibilityLevel": "BACKWARD"})
    assert (await api("GET", "/config/a"))[1]["error_code"] == 40408
    assert await api("PUT", "/config", {"compatibility": "FULL"}) == (200, {"compatibility": "FULL"})
    assert await api("GET", "/config/a?defaultToGlobal=true") == (200, {"compatibilityLevel": "FULL"})
    assert await api("PUT", "/config/a", {"normalize": True}) == (200, {"normalize": True})
    assert await api("GET", "/config/a") == (200, {"normalize": True, "compatibilityLevel": "BACKWARD"})
    assert await api("DELETE", "/config/a") == (200, {"normalize": True, "compatibilityLevel": "BACKWARD"})
    assert (await api("DELETE", "/config/a"))[1]["error_code"] == 40401
    status, answer = await api("PUT", "/config/a", {"compatibility": "SIDEWAYS"})
    assert (status, answer["error_code"]) == (422, 42203)


async def test_a_referenced_version_stays(api: Api) -> None:
    """Until those that refer to it are gone."""
    await api("POST", "/subjects/base/versions", record("Base"))
    user = {
        "schema": '{"type":"record","name":"User","fields":[{"name":"b","type":"Base"}]}',
        "references": [{"name": "Base", "subject": "base", "version": 1}],
    }
    assert (await api("POST", "/subjects/user/versions", user))[0] == 200
    assert await api("GET", "/subjects/base/versions/1/referencedby") == (200, [2])
    for path in ("/subjects/base", "/subjects/base/versions/1"):
        assert (await api("DELETE", path))[1]["error_code"] == 42206
    await api("DELETE", "/subjects/user")
    assert await api("DELETE", "/subjects/base") == (200, [1])
    assert (await api("DELETE", "/subjects/base?permanent=true"))[1]["error_code"] == 42206
    unknown = {**user, "references": [{"name": "Base", "subject": "nowhere", "version": 1}]}
    assert (await api("POST", "/subjects/other/versions", unknown))[1]["error_code"] == 42201


async def test_contexts_keep_ids_apart(api: Api) -> None:
    """By a qualified subject or by the path's prefix."""
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/a/versions", LONG)
    assert (await api("POST", "/subjects/:.ctx:a/versions", STRING))[1]["id"] == 1
    assert await api("GET", "/contexts") == (200, [".", ".ctx"])
    assert await api("GET", "/contexts/.ctx/subjects") == (200, [":.ctx:a"])
    assert (await api("GET", "/contexts/.ctx/schemas/ids/1"))[1]["schema"] == '"string"'
    assert (await api("GET", "/schemas/ids/1?subject=:.ctx:"))[1]["schema"] == '"string"'
    assert (await api("GET", "/schemas/ids/1"))[1]["schema"] == '"int"'
    assert (await api("DELETE", "/contexts/.ctx"))[1]["error_code"] == 42211


async def test_import_mode_takes_ids_and_others_do_not(api: Api) -> None:
    """Given ids and versions are kept."""
    given = {**INT, "id": 40, "version": 7}
    assert (await api("POST", "/subjects/a/versions", given))[1]["error_code"] == 42205
    assert await api("PUT", "/mode/a", {"mode": "IMPORT"}) == (200, {"mode": "IMPORT"})
    assert (await api("POST", "/subjects/a/versions", INT))[1]["error_code"] == 42205
    status, answer = await api("POST", "/subjects/a/versions", given)
    assert (status, answer["id"], answer["version"]) == (200, 40, 7)
    assert (await api("POST", "/subjects/a/versions", {**LONG, "id": 40}))[1]["error_code"] == 42205
    await api("PUT", "/mode/a", {"mode": "READONLY"})
    for method, path, body in (
        ("POST", "/subjects/a/versions", LONG),
        ("DELETE", "/subjects/a", None),
        ("PUT", "/config/a", {"compatibility": "NONE"}),
    ):
        assert (await api(method, path, body))[1]["error_code"] == 42205
    assert await api("DELETE", "/mode/a") == (200, {"mode": "READONLY"})
    assert (await api("POST", "/subjects/a/versions", LONG))[1]["id"] == 41


async def test_before_the_replay_has_ended_nothing_is_answered(start: Callable[..., Awaitable[Api]]) -> None:
    """503 with the reason, never an empty list."""
    api = await start(ready=False)
    for method, path, body in (
        ("GET", "/subjects", None),
        ("GET", "/schemas/ids/1", None),
        ("GET", "/config", None),
        ("POST", "/subjects/a/versions", INT),
        ("DELETE", "/subjects/a", None),
    ):
        answer = await api.response(method, path, body)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert (await answer.json())["error_code"] == 503
    api.registry.begin_replay(5)
    assert "offset 0 of 5" in (await api("GET", "/subjects"))[1]["message"]
    api.registry.apply_batch([], 5)
    assert await api("GET", "/subjects") == (200, [])


async def test_answers_come_in_the_type_that_is_accepted(api: Api) -> None:
    """406 for a type that the API does not speak."""
    for accepted, expected in (
        (None, V1),
        ("*/*", V1),
        ("application/json", "application/json"),
        ("text/html, application/vnd.schemaregistry+json;q=0.4", "application/vnd.schemaregistry+json"),
    ):
        headers = {} if accepted is None else {"Accept": accepted}
        answer = await api.response("GET", "/subjects", headers=headers)
        assert (answer.status, answer.content_type) == (200, expected)
    message = (
        "HTTP 406 Not Acceptable: the request accepts 'text/html'; this call answers "
        "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json."
    )
    for path in ("/subjects", "/config"):
        assert await api("GET", path, headers={"Accept": "text/html"}) == (406, {"error_code": 406, "message": message})
    hostile = await api.response("GET", "/subjects", headers={"Accept": "x/\udcff" + "y" * 5000})
    assert hostile.status == 406
    assert len((await hostile.json(content_type=None))["message"]) < 500


async def test_a_body_of_another_type_is_refused_with_the_types_that_are_taken(api: Api) -> None:
    refused = await api("POST", "/subjects/s/versions", {"schema": '"int"'}, headers={"Content-Type": "Text/XML; a=b"})
    assert refused == (
        415,
        {
            "error_code": 415,
            "message": "HTTP 415 Unsupported Media Type: the body's Content-Type is 'Text/XML; a=b'; this call takes "
            "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json, "
            "application/octet-stream.",
        },
    )


async def test_a_method_or_body_that_is_refused_is_told_what_is_allowed(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start(max_body_bytes=100)
    message = "HTTP 405 Method Not Allowed: /subjects/a%20b has no PATCH; it takes DELETE, POST."
    assert await api("PATCH", "/subjects/a%20b") == (405, {"error_code": 405, "message": message})
    limit = "100 bytes, the most that http_request_max_size allows."
    message = f"HTTP 413 Request Entity Too Large: the body has more than {limit}"
    assert await api("POST", "/subjects/s", {"schema": "x" * 100}) == (413, {"error_code": 413, "message": message})


async def test_a_schema_that_fits_no_record_is_refused(start: Callable[..., Awaitable[Api]]) -> None:
    """42209, and nothing is written."""
    api = await start(rules=Rules(max_record_bytes=500))
    status, answer = await api("POST", "/subjects/a/versions", record("R" * 500))
    assert (status, answer["error_code"]) == (422, 42209)
    assert api.log.records == []


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("POST", "/subjects/a/versions", {"data": b"{"}, 400, 400),
        ("POST", "/subjects/a/versions", {"data": b"\xff\xfe"}, 400, 400),
        ("POST", "/subjects/a/versions", {"data": b"[" * 100_000}, 400, 400),
        ("POST", "/subjects/a/versions", {"data": b"[]"}, 400, 400),
        ("POST", "/subjects/a/versions", {"data": b'"x"'}, 400, 400),
        ("POST", "/subjects/a/versions", {}, 422, 422),
        ("POST", "/subjects/a/versions", {"json": {}}, 422, 42201),
        ("POST", "/subjects/a/versions", {"json": {"schema": {}}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": []}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": "x", "references": {}}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": "x", "references": ["x"]}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": "x", "id": "x"}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": "x", "version": 2**40}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": "x", "metadata": 1}}, 400, 400),
        ("POST", "/subjects/a/versions", {"json": {"schema": "x", "schemaType": "THRIFT"}}, 422, 42201),
        ("POST", "/subjects/a/versions", {"json": {"schema": "nonsense"}}, 422, 42201),
        ("POST", "/subjects/a/versions", {"json": INT, "headers": {"Content-Type": "text/plain"}}, 415, 415),
        ("POST", "/subjects/a/versions", {"data": b" " * 2000}, 413, 413),
        ("POST", "/subjects/__GLOBAL/versions", {"json": INT}, 422, 42208),
        ("POST", "/subjects/a", {"data": b"{"}, 400, 400),
        ("POST", "/compatibility/subjects/a/versions/latest", {"data": b"{"}, 400, 400),
        ("POST", "/compatibility/subjects/a/versions/x", {"json": INT}, 422, 42202),
        ("POST", "/compatibility/subjects/a/versions", {"json": {"schema": 1.5}}, 422, 42201),
        ("PUT", "/config", {"data": b"nope"}, 400, 400),
        ("PUT", "/config", {"json": {"compatibility": []}}, 400, 400),
        ("PUT", "/config/a", {"json": {"normalize": "perhaps"}}, 400, 400),
        ("PUT", "/mode", {"json": {}}, 422, 42204),
        ("PUT", "/mode/a", {"json": {"mode": "SIDEWAYS"}}, 422, 42204),
        ("GET", "/subjects/a/versions/0", {}, 422, 42202),
        ("GET", "/subjects/a/versions/x", {}, 422, 42202),
        ("GET", "/subjects/a/versions/2147483648", {}, 422, 42202),
        ("GET", "/subjects/a/versions/1", {}, 404, 40401),
        ("GET", "/subjects/a/versions", {}, 404, 40401),
        ("DELETE", "/subjects/a", {}, 404, 40401),
        ("DELETE", "/subjects/a/versions/1", {}, 404, 40401),
        ("DELETE", "/config/a", {}, 404, 40401),
        ("DELETE", "/mode/a", {}, 404, 40401),
        ("GET", "/mode/a", {}, 404, 40409),
        ("GET", "/schemas/ids/9", {}, 404, 40403),
        ("GET", "/schemas/ids/x", {}, 404, 404),
        ("GET", "/schemas/ids/2147483648", {}, 404, 404),
        ("GET", "/schemas/guids/nope", {}, 404, 40403),
        ("GET", "/subjects?limit=x", {}, 404, 404),
        ("GET", "/nowhere", {}, 404, 404),
        ("PATCH", "/config", {"json": {}}, 405, 405),
        ("GET", "/compatibility/subjects/a/versions", {}, 405, 405),
        ("GET", "/subjects/%ZZ/versions", {}, 400, 400),
        ("POST", "/subjects/a%0Ab/versions", {"json": INT}, 400, 400),
    ],
)
async def test_bad_input_is_answered_in_the_error_shape_and_writes_nothing(
    start: Callable[..., Awaitable[Api]], method: str, path: str, options: dict[str, Any], status: int, code: int
) -> None:
    """Always `error_code` and `message`, a number and a text."""
    from yarl import URL

    api = await start(max_body_bytes=1000 if status == 413 else 2**24)
    url = URL(str(api.client.make_url("/")).rstrip("/") + path, encoded=True)
    async with api.client.session.request(method, url, **options) as answer:
        body = await answer.json(content_type=None)
        assert (answer.status, body["error_code"]) == (status, code)
        assert body.keys() == {"error_code", "message"}
        assert isinstance(body["message"], str)
        assert body["message"]
    assert api.log.records == []


async def test_options_tells_the_methods_of_a_path(api: Api) -> None:
    for path, methods in {
        "/config": "DELETE,GET,HEAD,OPTIONS,PUT",
        "/subjects/a/versions/1": "DELETE,GET,HEAD,OPTIONS",
    }.items():
        async with api.client.options(path) as answer:
            assert (answer.status, answer.headers["Allow"], await answer.read()) == (200, methods, b"")
    async with api.client.options("/nowhere") as answer:
        assert answer.status == 404


async def test_a_failure_that_nobody_foresaw_still_answers_in_the_error_shape(api: Api) -> None:
    """500 with a body, and no detail of the inside."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    api.registry.read = fail  # type: ignore[method-assign, assignment]
    assert await api("GET", "/subjects") == (500, {"error_code": 500, "message": "Internal Server Error"})


async def test_clients_that_register_at_once_get_one_id_for_each_schema(api: Api) -> None:
    """However they interleave, versions and ids are dense and unique."""
    await api("PUT", "/config", {"compatibility": "NONE"})
    schemas = [record(f"R{number % 5}") for number in range(50)]
    answers = await asyncio.gather(*(api("POST", "/subjects/a/versions", each) for each in schemas))
    assert {status for status, _ in answers} == {200}
    ids = {answer["schema"]: answer["id"] for _, answer in answers}
    assert sorted(ids.values()) == [1, 2, 3, 4, 5]
    assert all(ids[answer["schema"]] == answer["id"] for _, answer in answers)
    assert await api("GET", "/subjects/a/versions") == (200, [1, 2, 3, 4, 5])

"""Ids are shared by a context: none is given out twice, and no import ends registration for everybody."""

import json
from collections.abc import Awaitable, Callable

import pytest

from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import CounterRecord, SchemaRecord, SchemaVersion
from karapace_like.registry.store import COUNTED_IDS, MAX_ID
from karapace_like.schema.model import SchemaType
from tests.web.conftest import Api

Start = Callable[..., Awaitable[Api]]
INT, LONG, FLOAT = ({"schema": f'"{each}"'} for each in ("int", "long", "float"))


async def imported(api: Api, subject: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    """The answer to a registration in import mode, which ends with it."""
    await api("PUT", f"/mode/{subject}?force=true", {"mode": "IMPORT"})
    answer = await api("POST", f"/subjects/{subject}/versions", body)
    await api("DELETE", f"/mode/{subject}")
    return answer


async def restarted(api: Api, start: Start) -> Api:
    """Another node that reads what compaction leaves of the topic."""
    last = {each.key: each.value for each in api.log.records}
    other = await start()
    await other.log.append([(key, value) for key, value in last.items() if key and value is not None])
    return other


async def gone(api: Api, path: str) -> None:
    assert (await api("DELETE", path))[0] == 200
    assert (await api("DELETE", f"{path}?permanent=true"))[0] == 200


@pytest.mark.parametrize("far", [COUNTED_IDS, 2_000_000_000, MAX_ID])
async def test_an_imported_id_beyond_the_bound_does_not_move_the_counter(start: Start, far: int) -> None:
    """Also not on a node that finds it in the topic; what has the id is found, and can be registered elsewhere."""
    api = await start()
    await api("POST", "/subjects/a/versions", INT)
    assert (await imported(api, "b", {**LONG, "id": far}))[0] == 200
    assert (await api("GET", f"/schemas/ids/{far}?fetchMaxId=true"))[1]["maxId"] == 1
    assert (await api("POST", "/subjects/c/versions", LONG))[1]["id"] == far
    other = await restarted(api, start)
    for node in (api, other):
        assert (await node("POST", "/subjects/a2/versions", FLOAT))[1]["id"] == 2
        assert (await node("POST", "/subjects/:.other:a/versions", FLOAT))[1]["id"] == 1


async def test_a_counter_at_its_bound_goes_on_past_imported_ids_to_the_last(api: Api) -> None:
    """Then new schemas are refused; those that are there already are still found."""
    await imported(api, "a", {**INT, "id": COUNTED_IDS - 1})
    await imported(api, "b", {**LONG, "id": COUNTED_IDS})
    assert (await api("POST", "/subjects/c/versions", FLOAT))[1]["id"] == COUNTED_IDS + 1
    every = [SchemaRecord("s", 1, SchemaVersion(MAX_ID, Content(SchemaType.AVRO, '"bytes"')))]
    await api.log.append([records.encode(each) for each in every])
    api.registry.store.contexts["."].max_id = MAX_ID - 1  # as after 2^30 registrations
    status, answer = await api("POST", "/subjects/d/versions", {"schema": '"double"'})
    assert (status, answer["error_code"]) == (422, 42205)
    assert str(MAX_ID) in answer["message"]
    assert (await api("POST", "/subjects/d/versions", {"schema": '"bytes"'}))[1]["id"] == MAX_ID


@pytest.mark.parametrize(
    "path", ["/subjects/b/versions/1", "/subjects/b", "/subjects/:.:b", "/contexts/.x/subjects/b", "/subjects/:.x:b"]
)
async def test_the_id_of_what_was_deleted_for_good_is_not_given_out_again(start: Start, path: str) -> None:
    """Not after compaction and a restart either, whatever the deletion was spelled like."""
    context = ":.x:" if "x" in path else ""
    api = await start()
    await api("POST", f"/subjects/{context}a/versions", INT)
    await api("POST", f"/subjects/{context}b/versions", LONG)
    await gone(api, path)
    other = await restarted(api, start)
    for node in (api, other):
        assert (await node("POST", f"/subjects/{context}c/versions", FLOAT))[1]["id"] == 3
    assert (await other("GET", f"/mode/{context}__MAX_ID"))[1]["error_code"] == 40409


async def test_import_mode_forgets_versions_but_not_that_their_ids_were_in_use(start: Start) -> None:
    api = await start()
    await api("POST", "/subjects/a/versions", INT)
    await api("DELETE", "/subjects/a")
    assert (await api("PUT", "/mode", {"mode": "IMPORT"}))[0] == 200
    await api("DELETE", "/mode")
    other = await restarted(api, start)
    assert (await other("POST", "/subjects/a/versions", LONG))[1]["id"] == 2


async def test_an_import_over_a_version_keeps_that_its_id_was_in_use(start: Start) -> None:
    api = await start()
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/b/versions", LONG)
    assert (await imported(api, "b", {**INT, "id": 1, "version": 1}))[0] == 200
    other = await restarted(api, start)
    assert (await other("POST", "/subjects/c/versions", FLOAT))[1]["id"] == 3


async def test_a_context_that_was_removed_goes_on_counting_where_it_ended(start: Start) -> None:
    api = await start()
    await api("POST", "/subjects/:.x:a/versions", INT)
    await gone(api, "/subjects/:.x:a")
    assert (await api("DELETE", "/contexts/.x"))[0] == 204
    other = await restarted(api, start)
    assert await other("GET", "/contexts") == (200, ["."])
    assert (await other("POST", "/subjects/:.x:a/versions", LONG))[1]["id"] == 2


async def test_no_subject_has_the_name_of_the_counter(api: Api) -> None:
    """Its record would be taken for the subject's mode."""
    for method, path, body in (
        ("POST", "/subjects/__MAX_ID/versions", INT),
        ("PUT", "/mode/:.x:__MAX_ID", {"mode": "READONLY"}),
        ("PUT", "/config/__MAX_ID", {"compatibility": "NONE"}),
    ):
        assert (await api(method, path, body))[1]["error_code"] == 42208


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, str(COUNTED_IDS), str(MAX_ID)])
async def test_a_counter_that_is_none_counts_nothing(api: Api, value: str) -> None:
    key, _ = records.encode(CounterRecord(".", 1))
    await api.log.append([(key, json.dumps({"subject": value, "mode": "READWRITE"}).encode())])
    assert (await api("POST", "/subjects/a/versions", INT))[1]["id"] == 1


async def test_equal_texts_of_two_types_have_two_ids(start: Start) -> None:
    """They have one guid; one id would mean the first to every reader, and the second would be lost."""
    api = await start()
    text = '{"type":"string","maxLength":5}'
    ids = {}
    for subject, form in (("a", "AVRO"), ("b", "JSON"), ("c", "AVRO"), ("d", "JSON")):
        body = {"schema": text, "schemaType": form}
        ids[subject] = (await api("POST", f"/subjects/{subject}/versions", body))[1]["id"]
    assert ids == {"a": 1, "b": 2, "c": 1, "d": 2}
    other = await restarted(api, start)
    for node in (api, other):
        assert (await node("GET", "/subjects/b/versions/1"))[1]["schemaType"] == "JSON"
    await gone(api, "/subjects/a")
    await gone(api, "/subjects/c")
    assert (await api("POST", "/subjects/e/versions", {"schema": text, "schemaType": "JSON"}))[1]["id"] == 2


async def test_references_that_run_together_alike_are_two_schemas(api: Api) -> None:
    """A guid does not tell where a name ends and a subject begins; an id does."""
    for subject in ("bc", "c"):
        await api("POST", f"/subjects/{subject}/versions", INT)
    ids = [
        (await api("POST", f"/subjects/{at}/versions", {**LONG, "references": [{**names, "version": 1}]}))[1]["id"]
        for at, names in (("u", {"name": "a", "subject": "bc"}), ("v", {"name": "ab", "subject": "c"}))
    ]
    assert ids[0] != ids[1]


async def test_an_id_whose_last_version_was_deleted_permanently_is_readable_on_request(api: Api, start: Start) -> None:
    """As long as a node remembers it: compaction leaves nothing for nodes that are started later."""
    await api("POST", "/subjects/a/versions", INT)
    await gone(api, "/subjects/a/versions/1")
    for path in (
        "/schemas/ids/1",
        "/schemas/ids/1/schema",
        "/schemas/ids/1?retired=false",
        "/schemas/ids/2?retired=true",
    ):
        assert (await api("GET", path))[1]["error_code"] == 40403
    assert (await api("GET", "/schemas/ids/1?retired=true"))[1]["schema"] == INT["schema"]
    assert (await api("GET", "/schemas/ids/1/schema?retired=true"))[0] == 200
    assert (await api("GET", "/schemas/ids/1?retired=true&subject=:.other:"))[1]["error_code"] == 40403
    other = await restarted(api, start)
    assert (await other("GET", "/schemas/ids/1?retired=true"))[1]["error_code"] == 40403


async def test_a_schema_gets_the_id_back_that_it_had(api: Api) -> None:
    """What was written with it can be read again; other content gets another id."""
    for body in (INT, LONG):
        await api("POST", f"/subjects/{body['schema'][1:-1]}/versions", body)
    await gone(api, "/subjects/int")
    await gone(api, "/subjects/long")
    assert (await api("POST", "/subjects/a/versions", FLOAT))[1]["id"] == 3
    assert (await api("POST", "/subjects/b/versions", INT))[1]["id"] == 1
    assert (await api("GET", "/schemas/ids/1"))[1]["schema"] == INT["schema"]
    assert (await api("POST", "/subjects/:.other:b/versions", LONG))[1]["id"] == 1


async def test_an_id_that_was_imported_for_other_content_meanwhile_is_not_given_back(api: Api) -> None:
    await api("POST", "/subjects/a/versions", INT)
    await gone(api, "/subjects/a")
    assert (await imported(api, "b", {**LONG, "id": 1}))[0] == 200
    assert (await api("GET", "/schemas/ids/1?retired=true"))[1]["schema"] == LONG["schema"]
    assert (await api("POST", "/subjects/c/versions", INT))[1]["id"] == 2

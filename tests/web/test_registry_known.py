"""Registering and looking up what is registered already: as it was sent, in any mode, with what is added to it."""

from collections.abc import Awaitable, Callable

from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.schema.model import SchemaType
from tests.web.conftest import Api

INT, LONG, STRING = ({"schema": f'"{name}"'} for name in ("int", "long", "string"))


def owned(schema: dict[str, str], owner: str) -> dict[str, object]:
    return {**schema, "metadata": {"properties": {"owner": owner}}}


async def test_what_is_registered_is_known_in_every_mode(api: Api) -> None:
    """Producers ask for it at each start; nothing is written."""
    await api("POST", "/subjects/a/versions", INT)
    for mode in ("READONLY", "READONLY_OVERRIDE", "IMPORT"):
        await api("PUT", "/mode?force=true", {"mode": mode})
        known = (await api("POST", "/subjects/a/versions", INT))[1]
        assert (known["id"], known["version"]) == (1, 1)
        assert (await api("POST", "/subjects/a/versions", LONG))[1]["error_code"] == 42205
        assert (await api("POST", "/subjects/b/versions", INT))[1]["error_code"] == 42205


async def test_an_import_of_what_is_there_is_answered_with_it(api: Api) -> None:
    """Under its id, whatever the version, unless another version is asked for."""
    await api("PUT", "/mode/a", {"mode": "IMPORT"})
    for body, version in (
        ({"id": 9, "version": 4}, 4),
        ({"id": 9}, 4),
        ({"id": 9, "version": 4}, 4),
        ({"id": 9, "version": 6}, 6),
        ({"id": 9, "version": 4}, 4),
    ):
        assert (await api("POST", "/subjects/a/versions", {**INT, **body}))[1]["version"] == version
    assert await api("GET", "/subjects/a/versions") == (200, [4, 6])


async def test_imports_are_normalized_where_the_config_says_so(api: Api) -> None:
    """The request need not."""
    await api("PUT", "/config/a", {"normalize": True})
    await api("PUT", "/mode/a", {"mode": "IMPORT"})
    record = '{"type":"record","name":"R","z":1,"b":2,"fields":[]}'
    answer = (await api("POST", "/subjects/a/versions", {"schema": record, "id": 3}))[1]
    assert answer["schema"] == '{"type":"record","name":"R","fields":[],"b":2,"z":1}'


async def test_a_schema_is_known_as_it_was_sent_before_metadata_is_carried_over(api: Api) -> None:
    """The version without metadata, though the latest one has some."""
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/a/versions", owned(INT, "me"))
    assert (await api("POST", "/subjects/a/versions", INT))[1]["version"] == 1
    assert (await api("POST", "/subjects/a/versions", owned(INT, "me")))[1]["version"] == 2
    assert await api("GET", "/subjects/a/versions") == (200, [1, 2])


async def test_a_stored_schema_that_would_be_refused_today_is_known(start: Callable[..., Awaitable[Api]]) -> None:
    """Those of another registry's topic are registered again by their producers."""
    api = await start()
    lax = 'syntax = "proto3";\n\nmessage M {\n  string a = 1;\n  string b = 1;\n}\n'
    written = SchemaRecord("a", 1, SchemaVersion(7, Content(SchemaType.PROTOBUF, lax)))
    await api.log.append([records.encode(written)])
    body = {"schemaType": "PROTOBUF", "schema": lax}
    assert (await api("POST", "/subjects/a/versions", body))[1]["id"] == 7
    assert (await api("POST", "/subjects/b/versions", body))[1]["error_code"] == 42201


async def test_the_very_text_of_the_only_version_is_found_without_being_parsed(
    start: Callable[..., Awaitable[Api]],
) -> None:
    """Even where no parser reads it any more; beside a second version, or in other words, it is parsed."""
    broken = Content(SchemaType.AVRO, '{"type": "record"')
    api = await start()
    await api.log.append([records.encode(SchemaRecord("a", 1, SchemaVersion(1, broken)))])
    sent = {"schema": broken.text}
    for path in ("/subjects/a", "/subjects/a/versions"):
        status, found = await api("POST", path, sent)
        assert (status, found["id"], found["version"], found["schema"]) == (200, 1, 1, broken.text)
        assert (await api("POST", path, {"schema": f"{broken.text} "}))[1]["error_code"] == 42201
        assert (await api("POST", path, {**sent, "schemaType": "JSON"}))[1]["error_code"] == 42201
        assert (await api("POST", f"{path}?normalize=true", sent))[1]["error_code"] == 42201
    assert (await api("POST", "/subjects/a", owned(sent, "me")))[1]["error_code"] == 42201


async def test_a_look_up_adds_what_a_registration_would(api: Api) -> None:
    """The latest version's metadata; what an older one had is not guessed."""
    await api("POST", "/subjects/a/versions", owned(INT, "me"))
    assert (await api("POST", "/subjects/a", INT))[1]["version"] == 1
    await api("PUT", "/config/a", {"compatibility": "NONE"})
    await api("POST", "/subjects/a/versions", owned(LONG, "you"))
    assert (await api("POST", "/subjects/a", LONG))[1]["version"] == 2
    for body in (INT, owned(LONG, "me"), {**INT, "metadata": {}}):
        assert await api("POST", "/subjects/a", body) == (404, {"error_code": 40403, "message": "Schema not found"})
    assert (await api("POST", "/subjects/a", owned(INT, "me")))[1]["version"] == 1


async def test_the_number_in_a_versions_metadata_may_be_left_out_or_added(api: Api) -> None:
    """It is the only part of metadata that need not be the same."""
    await api("POST", "/subjects/a/versions", {**INT, "version": 1})
    for body in (INT, {**INT, "metadata": {}}):
        assert (await api("POST", "/subjects/a", body))[1]["version"] == 1
        assert (await api("POST", "/subjects/a/versions", body))[1]["version"] == 1
    await api("POST", "/subjects/b/versions", INT)
    numbered = {"metadata": {"properties": {"confluent:version": "1"}}}
    assert (await api("POST", "/subjects/b", {**INT, **numbered}))[1]["version"] == 1
    other = {"metadata": {"properties": {"confluent:version": "2"}}}
    assert (await api("POST", "/subjects/b", {**INT, **other}))[1]["error_code"] == 40403


async def test_a_mode_that_overrides_all_others_is_read_everywhere(api: Api) -> None:
    """Also where another one is set."""
    await api("PUT", "/mode/a", {"mode": "IMPORT"})
    await api("PUT", "/mode", {"mode": "READONLY_OVERRIDE"})
    for path in ("/mode", "/mode/a", "/mode/b", "/mode/b?defaultToGlobal=true"):
        assert await api("GET", path) == (200, {"mode": "READONLY_OVERRIDE"})
    await api("PUT", "/mode", {"mode": "READWRITE"})
    assert await api("GET", "/mode/a") == (200, {"mode": "IMPORT"})
    assert (await api("GET", "/mode/b"))[1]["error_code"] == 40409


async def test_import_mode_forgets_what_is_soft_deleted_unless_it_is_forced(api: Api) -> None:
    """By force it can be set where there are subjects: nothing may be lost then."""
    for body in (INT, LONG):
        await api("POST", "/subjects/a/versions", {**body})
        await api("PUT", "/config/a", {"compatibility": "NONE"})
    await api("DELETE", "/subjects/a/versions/1")
    assert (await api("PUT", "/mode", {"mode": "IMPORT"}))[1]["error_code"] == 42205
    assert (await api("PUT", "/mode?force=true", {"mode": "IMPORT"}))[0] == 200
    assert await api("GET", "/subjects/a/versions?deleted=true") == (200, [1, 2])
    await api("PUT", "/mode", {"mode": "READWRITE"})
    await api("DELETE", "/subjects/a")
    assert (await api("PUT", "/mode", {"mode": "IMPORT"}))[0] == 200
    assert (await api("GET", "/subjects/a/versions?deleted=true"))[1]["error_code"] == 40401


async def test_import_mode_does_not_forget_what_others_refer_to(api: Api) -> None:
    """A soft-deleted version may be referred to by its number; who refers to it could not be read any more."""
    record = '{"type":"record","name":"%s","fields":[%s]}'
    await api("POST", "/subjects/base/versions", {"schema": record % ("Base", "")})
    await api("DELETE", "/subjects/base")
    user = {
        "schema": record % ("User", '{"name":"b","type":"Base"}'),
        "references": [{"name": "Base", "subject": "base", "version": 1}],
    }
    await api("PUT", "/mode/user", {"mode": "IMPORT"})  # only imports may refer to it
    assert (await api("POST", "/subjects/user/versions", {**user, "id": 7}))[0] == 200
    await api("DELETE", "/mode/user")
    refused = {
        "error_code": 42206,
        "message": "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=base,version=1}.",
    }
    assert await api("PUT", "/mode/base", {"mode": "IMPORT"}) == (422, refused)
    assert (await api("GET", "/subjects/user/versions/1?format=resolved"))[0] == 200
    await api("DELETE", "/subjects/user")
    assert await api("PUT", "/mode/base", {"mode": "IMPORT"}) == (422, refused)
    assert (await api("PUT", "/mode", {"mode": "IMPORT"}))[0] == 200


async def test_forward_mode_may_be_set_where_there_are_subjects(api: Api) -> None:
    """It forgets nothing; it is for everything only."""
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/a/versions", {"schema": '"float"'})
    assert await api("PUT", "/mode/:.__GLOBAL:", {"mode": "FORWARD"}) == (200, {"mode": "FORWARD"})
    assert (await api("POST", "/subjects/b/versions", {**LONG, "id": 77}))[1]["id"] == 77
    assert (await api("PUT", "/mode/a", {"mode": "FORWARD"}))[1]["error_code"] == 42204
    assert (await api("GET", "/subjects/a/versions/1"))[0] == 200

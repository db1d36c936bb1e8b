"""What a schema refers to is checked as all else, and stays readable as long as anything refers to it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.schema.model import Reference, SchemaType, Subject, Version
from tests.web.conftest import Api

Body = dict[str, Any]
INT = {"schema": '"int"'}
BASE = {"schema": '{"type":"record","name":"Base","fields":[]}'}
OTHER_BASE = {"schema": '{"type":"record","name":"Base","fields":[{"name":"x","type":"int","default":0}]}'}


def user(subject: str = "base", version: object = 1, name: str = "User") -> Body:
    text = f'{{"type":"record","name":"{name}","fields":[{{"name":"b","type":"Base"}}]}}'
    return {"schema": text, "references": [{"name": "Base", "subject": subject, "version": version}]}


def code(answer: tuple[int, Any]) -> tuple[int, int]:
    return answer[0], answer[1]["error_code"]


async def test_what_was_soft_deleted_stays_while_a_soft_deleted_version_refers_to_it(api: Api) -> None:
    """Its text is registered anew: data that was written with the schema that refers to it can still be read."""
    await api("POST", "/subjects/base/versions", BASE)
    registered = (await api("POST", "/subjects/user/versions", user()))[1]
    await api("DELETE", "/subjects/user")
    await api("DELETE", "/subjects/base")
    assert (await api("POST", "/subjects/base/versions", BASE))[1]["version"] == 2
    assert await api("GET", "/subjects/base/versions?deleted=true") == (200, [1, 2])
    status, answer = await api("GET", f"/schemas/ids/{registered['id']}?format=resolved")
    assert (status, '"name":"Base"' in answer["schema"]) == (200, True)
    await api("DELETE", "/subjects/user?permanent=true")
    await api("DELETE", "/subjects/base")
    await api("POST", "/subjects/base/versions", BASE)
    assert await api("GET", "/subjects/base/versions?deleted=true") == (200, [3])  # nothing needs the others any more


@pytest.mark.parametrize("path", ["/subjects/user/versions", "/compatibility/subjects/user/versions/latest"])
@pytest.mark.parametrize("config", [{}, {"validateNewSchemas": False}])
async def test_a_new_schema_does_not_refer_to_what_is_soft_deleted(api: Api, path: str, config: Body) -> None:
    """What is registered is known all the same, and still understood."""
    await api("PUT", "/config", config)
    await api("POST", "/subjects/base/versions", BASE)
    await api("POST", "/subjects/middle/versions", user(name="Middle"))
    for subject in ("middle", "base"):
        await api("DELETE", f"/subjects/{subject}")
    assert code(await api("POST", path, user())) == (422, 42201)
    assert code(await api("POST", path, user(version=-1))) == (422, 42201)


async def test_a_producer_whose_reference_was_soft_deleted_since_goes_on(api: Api) -> None:
    """As other registries may have it: nothing is written, so nothing is refused."""
    await api("POST", "/subjects/base/versions", BASE)
    known = (await api("POST", "/subjects/user/versions", user()))[1]
    deleted = SchemaVersion(1, Content(SchemaType.AVRO, BASE["schema"]), deleted=True)
    await api.log.append([records.encode(SchemaRecord("base", 1, deleted))])
    for path in ("/subjects/user/versions", "/subjects/user"):
        assert (await api("POST", path, user()))[1]["id"] == known["id"]
    assert code(await api("POST", "/subjects/far/versions", {**user("user"), "schema": '"int"'})) == (422, 42201)


async def test_an_import_may_refer_to_what_is_soft_deleted(api: Api) -> None:
    """A backup is restored as it was."""
    await api("POST", "/subjects/base/versions", BASE)
    await api("DELETE", "/subjects/base")
    await api("PUT", "/mode/user", {"mode": "IMPORT"})
    assert (await api("POST", "/subjects/user/versions", {**user(), "id": 9}))[0] == 200


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({}, "references[0] has no name"),
        (None, "references[0] is null"),
        ({"name": "Base"}, "has no subject"),
        ({"name": "Base", "subject": "base"}, "has no version"),
        ({"subject": "base", "version": 1}, "has no name"),
        ({"name": None, "subject": "base", "version": 1}, "has no name"),
        ({"name": 5, "subject": "base", "version": 1}, "has the name 5; expected text"),
        ({"name": "Base", "subject": ["base"], "version": 1}, 'has the subject ["base"]; expected text'),
        ({"name": "Base", "subject": "base", "version": "1"}, 'has the version "1"; expected a whole number'),
        ({"name": "Base", "subject": "base", "version": 1.0}, "has the version 1.0"),
        ({"name": "Base", "subject": "base", "version": True}, "has the version true"),
        ({"name": "Base", "subject": "base", "version": {"a": "b" * 1000}}, "..."),
        ({"name": "Base", "subject": "base", "version": 0}, "has the version 0; expected 1 to 2147483647, or -1"),
        ({"name": "Base", "subject": "base", "version": -2}, "has the version -2"),
        ({"name": "Base", "subject": "base", "version": 2**31}, "has the version 2147483648"),
        ({"name": "Base", "subject": "base", "version": 2**70}, "has the version"),
    ],
)
async def test_a_reference_is_never_completed_in_silence(api: Api, reference: object, words: str) -> None:
    """Wherever a schema is sent."""
    await api("POST", "/subjects/base/versions", BASE)
    body = {**user(), "references": [reference]}
    for path in (
        "/subjects/user/versions",
        "/subjects/user",
        "/compatibility/subjects/user/versions",
        "/contexts/.x/subjects/user/versions",
    ):
        status, answer = await api("POST", path, body)
        assert (status, answer["error_code"]) == (422, 42201)
        assert words in answer["message"]
        assert len(answer["message"]) < 400
    assert await api("GET", "/subjects") == (200, ["base"])


async def test_a_version_is_referred_to_by_its_own_subject_and_by_itself(api: Api) -> None:
    """Only the whole subject goes at once."""
    await api("POST", "/subjects/base/versions", BASE)
    await api("PUT", "/config/base", {"compatibility": "NONE"})
    assert (await api("POST", "/subjects/base/versions", user()))[1]["version"] == 2
    assert code(await api("DELETE", "/subjects/base/versions/1")) == (422, 42206)
    await api("PUT", "/mode/base?force=true", {"mode": "IMPORT"})
    content = Content(SchemaType.AVRO, '"long"', (Reference("Base", Subject("base"), Version(3)),))
    await api.log.append([records.encode(SchemaRecord("base", 3, SchemaVersion(7, content)))])
    assert code(await api("DELETE", "/subjects/base/versions/3")) == (422, 42206)
    assert code(await api("POST", "/subjects/base/versions", {**OTHER_BASE, "id": 8, "version": 3})) == (422, 42206)
    assert await api("DELETE", "/subjects/base") == (200, [1, 2, 3])
    assert code(await api("DELETE", "/subjects/base/versions/1?permanent=true")) == (422, 42206)
    assert await api("DELETE", "/subjects/base?permanent=true") == (200, [1, 2, 3])


async def test_an_import_does_not_change_what_others_refer_to(api: Api) -> None:
    """Under another id it may come again."""
    await api("POST", "/subjects/base/versions", BASE)
    await api("POST", "/subjects/user/versions", user())
    await api("DELETE", "/subjects/user")
    await api("PUT", "/mode/base?force=true", {"mode": "IMPORT"})
    assert code(await api("POST", "/subjects/base/versions", {**OTHER_BASE, "id": 7, "version": 1})) == (422, 42206)
    assert (await api("POST", "/subjects/base/versions", {**BASE, "id": 7, "version": 1}))[0] == 200


async def test_a_reference_to_latest_that_others_wrote_counts(api: Api) -> None:
    """Redpanda stores -1."""
    await api("POST", "/subjects/base/versions", BASE)
    content = Content(SchemaType.AVRO, user()["schema"], (Reference("Base", Subject("base"), Version(-1)),))
    await api.log.append([records.encode(SchemaRecord("user", 1, SchemaVersion(7, content)))])
    assert code(await api("DELETE", "/subjects/base/versions/1")) == (422, 42206)
    assert await api("GET", "/subjects/base/versions/1/referencedby") == (200, [7])


@pytest.mark.parametrize("path", ["/subjects/:.x:user/versions", "/contexts/.x/subjects/user/versions"])
async def test_a_reference_does_not_leave_its_context_by_a_second_spelling(api: Api, path: str) -> None:
    """To the reference registry `:.:base` is an unqualified name, which there is none of in another context."""
    await api("POST", "/subjects/base/versions", BASE)
    assert code(await api("POST", path, user(":.:base"))) == (422, 42201)
    assert code(await api("POST", "/compatibility" + path.removesuffix("/versions") + "/versions", user(":.:base")))[
        1
    ] in {404, 42201}
    assert (await api("POST", "/subjects/user/versions", user(":.:base")))[0] == 200


async def test_one_reference_means_two_versions_in_two_contexts(api: Api) -> None:
    """Each is looked up where the schema that has it lives."""
    await api("POST", "/subjects/base/versions", BASE)
    await api("POST", "/subjects/:.x:base/versions", {"schema": '{"type":"enum","name":"Base","symbols":["X"]}'})
    middle = user(name="Middle")
    await api("POST", "/subjects/:.x:middle/versions", middle)
    text = '{"type":"record","name":"Top","fields":[{"name":"b","type":"Base"},{"name":"m","type":["null","string"]}]}'
    for references in (
        [*middle["references"], {"name": "Middle", "subject": ":.x:middle", "version": 1}],
        [{"name": "Middle", "subject": ":.x:middle", "version": 1}, *middle["references"]],
    ):
        subject = f"top{references[0]['name']}"
        status, answer = await api("POST", f"/subjects/{subject}/versions", {"schema": text, "references": references})
        assert status == 200, answer
        assert (await api("GET", f"/subjects/{subject}/versions/1?format=resolved"))[0] == 200


@pytest.mark.parametrize("prefix", ["/subjects/:.x:", "/contexts/.x/subjects/"])
async def test_an_alias_is_relative_to_the_subject_that_has_it(api: Api, prefix: str) -> None:
    """In both spellings of the path, and in what listings say."""
    await api("POST", "/subjects/:.x:target/versions", BASE)
    await api("POST", "/subjects/target/versions", INT)
    await api("PUT", "/config/:.x:name", {"alias": "target"})
    await api("PUT", "/config/:.x:other", {"alias": ":.x:name"})
    for name in ("name", "other"):
        assert (await api("GET", f"{prefix}{name}/versions/1"))[1]["subject"] == ":.x:target"
    found = (await api("GET", "/schemas?aliases=true&subjectPrefix=:.x:"))[1]
    assert [(each["subject"], each["aliases"]) for each in found] == [(":.x:target", [":.x:name", ":.x:other"])]
    assert (await api("GET", "/schemas/ids/1?subject=:.x:name"))[1]["subject"] == ":.x:target"


async def test_aliases_that_lead_in_a_circle_lead_nowhere(api: Api) -> None:
    """The subject is itself."""
    for name, alias in (("a", "b"), ("b", "a"), ("c", "c")):
        await api("PUT", f"/config/{name}", {"alias": alias})
    for name in ("a", "b", "c"):
        assert (await api("POST", f"/subjects/{name}/versions", INT))[0] == 200
        assert (await api("GET", f"/subjects/{name}/versions/1"))[1]["subject"] == name
    await api("PUT", "/config/d", {"alias": "a"})
    assert code(await api("GET", "/subjects/d/versions")) == (404, 40401)


@pytest.mark.parametrize(
    ("path", "config"),
    [
        ("/subjects/a/versions/1", "a"),
        ("/subjects/a", "a"),
        ("/subjects/:.:a", "a"),
        ("/subjects/:.x:a/versions/1", ":.x:a"),
        ("/contexts/.x/subjects/a", ":.x:a"),
        ("/contexts/:.x:/subjects/a", ":.x:a"),
    ],
)
async def test_what_was_configured_for_a_subject_goes_with_its_last_version(api: Api, path: str, config: str) -> None:
    await api("POST", f"/subjects/{config}/versions", INT)
    await api("PUT", f"/config/{config}", {"compatibility": "NONE"})
    await api("PUT", f"/mode/{config}", {"mode": "READWRITE"})
    await api("DELETE", path)
    assert (await api("DELETE", f"{path}?permanent=true"))[0] == 200
    assert code(await api("GET", f"/config/{config}")) == (404, 40408)
    assert code(await api("GET", f"/mode/{config}")) == (404, 40409)


async def test_what_is_cleared_for_an_import_leaves_no_settings(api: Api) -> None:
    """But for those of the place that becomes one for imports."""
    await api("POST", "/subjects/:.x:a/versions", INT)
    await api("PUT", "/config/:.x:a", {"compatibility": "NONE"})
    await api("PUT", "/config/:.x:", {"compatibility": "FULL"})
    await api("DELETE", "/subjects/:.x:a")
    assert (await api("PUT", "/mode/:.x:", {"mode": "IMPORT"}))[0] == 200
    assert code(await api("GET", "/config/:.x:a")) == (404, 40408)
    assert (await api("GET", "/config/:.x:"))[1] == {"compatibilityLevel": "FULL"}


async def test_the_settings_of_a_context_stay_with_it_and_go_with_it(api: Api) -> None:
    """A subject without a name is spelled as its context is."""
    await api("POST", "/subjects/:.x:/versions", INT)
    await api("PUT", "/config/:.x:", {"compatibility": "FULL"})
    await api("PUT", "/config/:.x:next", {"compatibility": "NONE"})
    for query in ("", "?permanent=true"):
        assert (await api("DELETE", f"/subjects/:.x:{query}"))[0] == 200
    assert (await api("GET", "/config/:.x:"))[1] == {"compatibilityLevel": "FULL"}
    assert (await api("DELETE", "/contexts/.x"))[0] == 204
    for place in (":.x:", ":.x:next"):
        assert code(await api("GET", f"/config/{place}")) == (404, 40408)


async def test_a_context_that_may_not_be_changed_is_not_removed(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start()
    await api("POST", "/subjects/:.x:a/versions", INT)
    for query in ("", "?permanent=true"):
        await api("DELETE", f"/subjects/:.x:a{query}")
    await api("PUT", "/mode/:.x:", {"mode": "READONLY"})
    assert code(await api("DELETE", "/contexts/.x")) == (422, 42205)

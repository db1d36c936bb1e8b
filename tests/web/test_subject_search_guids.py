"""Subjects are found by the GUID of a schema, as it is shown and without its dashes."""

from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.schema.model import SchemaType
from tests.web.conftest import Api


async def find(api: Api, query: str) -> list[tuple[str, int]]:
    status, answer = await api("GET", f"/subjects:search?query={query}")
    assert status == 200
    assert answer["total"] == len(answer["subjects"])
    return [(hit["subject"], hit["version"]) for hit in answer["subjects"]]


async def test_every_subject_and_context_with_the_schema_is_found(api: Api) -> None:
    for subject, schema in (("a", '"int"'), ("a", '"long"'), ("b", '"int"'), (":.c:a", '"int"'), ("c", '"string"')):
        await api("POST", f"/subjects/{subject}/versions", {"schema": schema})
    guid = (await api("GET", "/subjects/a/versions/1"))[1]["guid"]
    everywhere = [(":.c:a", 1), ("a", 1), ("b", 1)]
    for query in (guid, guid.upper(), guid.replace("-", ""), f"guid:{guid}"):
        assert await find(api, query) == everywhere
    await api("DELETE", "/subjects/b")
    await api("DELETE", "/subjects/b?permanent=true")
    assert await find(api, guid) == [(":.c:a", 1), ("a", 1)]
    for query in ("guid:nope", f"guid:{guid[:-1]}", f"guid:{'0' * 32}", "0" * 32):
        assert await find(api, query) == []


async def test_another_schema_with_the_same_id_is_not_found(api: Api) -> None:
    """As other registries may have written it."""
    for subject, text in (("a", '"int"'), ("b", '"long"')):
        record = SchemaRecord(subject, 1, SchemaVersion(7, Content(SchemaType.AVRO, text)))
        await api.log.append([records.encode(record)])
    for subject in ("a", "b"):
        guid = (await api("GET", f"/subjects/{subject}/versions/1"))[1]["guid"]
        assert await find(api, guid) == [(subject, 1)]

"""What listings show: soft-deleted versions, all contexts, what shares an id, aliases; and in which order."""

from tests.web.conftest import Api

INT, LONG, STRING = ({"schema": f'"{name}"'} for name in ("int", "long", "string"))


async def test_a_subject_is_soft_deleted_when_all_its_versions_are(api: Api) -> None:
    """`deletedOnly` lists no subject that still has a live version."""
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/a/versions", LONG)
    await api("DELETE", "/subjects/a/versions/1")
    assert await api("GET", "/subjects?deletedOnly=true") == (200, [])
    assert await api("GET", "/subjects/a/versions?deletedOnly=true") == (200, [1])
    await api("DELETE", "/subjects/a/versions/2")
    assert await api("GET", "/subjects?deletedOnly=true") == (200, ["a"])
    assert await api("GET", "/subjects") == (200, [])


async def test_a_live_subject_has_an_empty_list_of_deleted_versions(api: Api) -> None:
    """Only one that is not there is 404."""
    await api("POST", "/subjects/a/versions", INT)
    assert await api("GET", "/subjects/a/versions?deletedOnly=true") == (200, [])
    assert (await api("GET", "/subjects/b/versions?deletedOnly=true"))[1]["error_code"] == 40401


async def test_the_latest_version_is_a_live_one(api: Api) -> None:
    """Also where deleted ones are asked for."""
    await api("POST", "/subjects/a/versions", INT)
    await api("POST", "/subjects/a/versions", LONG)
    await api("DELETE", "/subjects/a/versions/2")
    assert (await api("GET", "/subjects/a/versions/latest?deleted=true"))[1]["version"] == 1
    assert (await api("GET", "/subjects/a/versions/2?deleted=true"))[1]["deleted"] is True
    await api("DELETE", "/subjects/a/versions/1")
    assert await api("GET", "/subjects/a/versions/latest?deleted=true") == (
        404,
        {"error_code": 40402, "message": "Version -1 not found."},
    )


async def test_a_version_may_be_spelled_with_a_sign_spaces_or_in_capitals(api: Api) -> None:
    """As a number is read; what is no number is told as it was written."""
    await api("POST", "/subjects/a/versions", INT)
    for spelled in ("1", "01", "%2B1", "%201%20", "latest", "LATEST", "Latest%20", "-1"):
        assert (await api("GET", f"/subjects/a/versions/{spelled}"))[1]["version"] == 1
    for spelled in ("0", "-2", "1.0", "%2B", "++1", "lates", "2147483648"):
        assert (await api("GET", f"/subjects/a/versions/{spelled}"))[1]["error_code"] == 42202


async def test_contexts_are_listed_by_their_subjects_whole_names(api: Api) -> None:
    """A qualified name begins with a colon, which comes after digits and before letters."""
    for subject in ("b", "1", ":.x:a"):
        await api("POST", f"/subjects/{subject}/versions", INT)
    ordered = ["1", ":.x:a", "b"]
    assert await api("GET", "/subjects") == (200, ordered)
    assert [each["subject"] for each in (await api("GET", "/schemas?subjectPrefix=:*:"))[1]] == ordered
    assert [each["subject"] for each in (await api("GET", "/schemas"))[1]] == ["1", "b"]
    assert await api("GET", "/contexts/.x/contexts") == await api("GET", "/contexts") == (200, [".", ".x"])


async def test_whoever_shares_an_id_is_listed_whatever_subject_it_is_asked_by(api: Api) -> None:
    """The query's subject says which context is meant."""
    for subject in ("a", "b", ":.x:c"):
        await api("POST", f"/subjects/{subject}/versions", INT)
    assert await api("GET", "/schemas/ids/1/subjects?subject=a") == (200, ["a", "b"])
    assert await api("GET", "/schemas/ids/1/versions?subject=b") == (
        200,
        [{"subject": "a", "version": 1}, {"subject": "b", "version": 1}],
    )
    assert await api("GET", "/schemas/ids/1/subjects?subject=c") == (200, [":.x:c"])
    assert await api("GET", "/schemas/ids/2/subjects?subject=a") == (
        404,
        {"error_code": 40403, "message": "Schema not found"},
    )


async def test_what_an_alias_stands_for_is_listed_with_it(api: Api) -> None:
    """Where aliases are asked for, those with the prefix bring their subjects along."""
    await api("POST", "/subjects/target/versions", INT)
    await api("PUT", "/config/nick", {"alias": "target"})
    for query, expected in (
        ("subjectPrefix=nick&aliases=true", [("target", ["nick"])]),
        ("subjectPrefix=nick", []),
        ("subjectPrefix=t&aliases=true", [("target", None)]),
        ("aliases=true", [("target", ["nick"])]),
    ):
        found = (await api("GET", f"/schemas?{query}"))[1]
        assert [(each["subject"], each.get("aliases")) for each in found] == expected


async def refer(api: Api, user: str, base: str) -> None:
    """Register a schema in one subject that refers to one in the other, by its name in their context."""
    record = '{"type":"record","name":"%s","fields":[%s]}'
    await api("POST", f"/subjects/{base}/versions", {"schema": record % ("Base", "")})
    referring = {
        "schema": record % ("User", '{"name":"b","type":"Base"}'),
        "references": [{"name": "Base", "subject": "base", "version": 1}],
    }
    await api("POST", f"/subjects/{user}/versions", referring)


async def test_who_refers_to_a_version_is_found_in_whatever_context_has_it(api: Api) -> None:
    """As the version itself is."""
    await refer(api, ":.x:user", ":.x:base")
    assert await api("GET", "/subjects/base/versions/1/referencedby") == (200, [2])


async def test_a_deletion_says_first_what_is_not_there_then_who_forbids_it(api: Api) -> None:
    """Not found, read-only, referred to, not yet soft-deleted: in this order."""
    await refer(api, "user", "base")
    for path, code in (
        ("/subjects/base?permanent=true", 42206),
        ("/subjects/base/versions/1?permanent=true", 42206),
        ("/subjects/user?permanent=true", 40405),
        ("/subjects/user/versions/1?permanent=true", 40407),
    ):
        assert (await api("DELETE", path))[1]["error_code"] == code
    await api("PUT", "/mode", {"mode": "READONLY"})
    for path, code in (
        ("/subjects/none", 40401),
        ("/subjects/none/versions/1", 40401),
        ("/subjects/base/versions/2", 40402),
        ("/config/base", 40401),
        ("/subjects/base", 42205),
        ("/subjects/base/versions/1", 42205),
    ):
        assert (await api("DELETE", path))[1]["error_code"] == code

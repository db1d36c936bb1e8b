"""What other registries were seen to stumble over, and conditions that few requests meet."""

from collections.abc import Awaitable, Callable

from karapace_like import __version__
from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.registry.registration import Rules
from karapace_like.schema.model import SchemaType
from tests.web.conftest import Api

INT = {"schema": '"int"'}


def record(*fields: str) -> dict[str, object]:
    listed = ",".join(f'{{"name":"{name}","type":"int","default":0}}' for name in fields)
    return {"schema": f'{{"type":"record","name":"R","fields":[{listed}]}}'}


async def test_a_subject_cannot_look_like_all_contexts(api: Api) -> None:
    """`:*:` is how listings name every context."""
    status, answer = await api("POST", "/subjects/:*:x/versions", INT)
    assert (status, answer["error_code"]) == (422, 42208)
    assert await api("GET", "/subjects?subjectPrefix=:*:") == (200, [])


async def test_an_unknown_id_and_an_empty_mode_are_no_server_errors(api: Api) -> None:
    """404 and 422."""
    assert await api("GET", "/schemas/ids/7/schema") == (404, {"error_code": 40403, "message": "Schema 7 not found"})
    assert (await api("PUT", "/mode", {}))[1]["error_code"] == 42204


async def test_the_scope_above_all_contexts_always_has_a_mode_and_a_level(api: Api) -> None:
    """Those of the service, unless others are set."""
    assert await api("GET", "/mode/:.__GLOBAL:") == (200, {"mode": "READWRITE"})
    assert await api("GET", "/config/:.__GLOBAL:") == (200, {"compatibilityLevel": "BACKWARD"})
    await api("PUT", "/config/:.__GLOBAL:", {"compatibility": "FULL"})
    assert await api("GET", "/config/:.__GLOBAL:") == (200, {"compatibilityLevel": "FULL"})


async def test_a_rule_has_a_name_of_its_own_in_all_lists(api: Api) -> None:
    rule = {"name": "r", "type": "CEL"}
    for rules in ({"domainRules": [rule, rule]}, {"migrationRules": [rule], "domainRules": [rule]}):
        status, error = await api("POST", "/subjects/a/versions", {**INT, "ruleSet": rules})
        assert (status, error["error_code"]) == (422, 42210)
        assert "two rules have the name 'r', the second one in domainRules" in error["message"]


async def test_an_empty_name_of_a_reference_is_left_out(api: Api) -> None:
    """In answers and in the topic, as by Confluent's registry."""
    await api("POST", "/subjects/base/versions", record("a"))
    reference = {"subject": "base", "version": 1}
    status, answer = await api("POST", "/subjects/a/versions", {**INT, "references": [{"name": "", **reference}]})
    assert (status, answer["references"]) == (200, [reference])
    assert b'"references":[{"subject":"base","version":1}]' in (api.log.records[-1].value or b"")
    assert (await api("GET", "/subjects/a/versions/1"))[1]["references"] == [reference]


async def test_rule_sets_are_kept_and_searched(api: Api) -> None:
    """They are part of a schema's identity and come back as they were sent."""
    rules = {"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]}
    status, answer = await api("POST", "/subjects/a/versions", {**INT, "ruleSet": rules})
    assert (status, answer["ruleSet"]["domainRules"][0]["expr"]) == (200, "true")
    assert (await api("POST", "/subjects/b/versions", INT))[1]["id"] != answer["id"]
    for rule_type, subjects in (("CEL", ["a"]), ("ENCRYPT", [])):
        assert [each["subject"] for each in (await api("GET", f"/schemas?ruleType={rule_type}"))[1]] == subjects


async def test_a_look_up_takes_what_it_leaves_out_from_the_latest_version(api: Api) -> None:
    """As a registration does: the metadata here, beside rules that are sent."""
    rules = {"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]}
    body = {**INT, "ruleSet": rules}
    registered = await api("POST", "/subjects/a/versions", {**body, "metadata": {"properties": {"owner": "x"}}})
    status, answer = await api("POST", "/subjects/a", body)
    assert (status, answer["id"], answer["metadata"]) == (200, registered[1]["id"], {"properties": {"owner": "x"}})


async def test_rules_need_names_of_their_own(api: Api) -> None:
    """Unless the config says that rules are not looked at."""
    for rules in ([{"type": "CEL"}], [{"name": "r", "type": "CEL"}, {"name": "r", "type": "CEL"}]):
        body = {**INT, "ruleSet": {"domainRules": rules}}
        assert (await api("POST", "/subjects/a/versions", body))[1]["error_code"] == 42210
    await api("PUT", "/config/a", {"validateRules": False})
    assert (await api("POST", "/subjects/a/versions", body))[0] == 200


async def test_equal_texts_of_two_types_are_two_schemas(api: Api) -> None:
    """Each comes back as what it is."""
    text = '{"type":"string"}'
    await api("POST", "/subjects/a/versions", {"schema": text, "schemaType": "JSON"})
    await api("POST", "/subjects/b/versions", {"schema": text, "schemaType": "AVRO"})
    assert (await api("GET", "/subjects/a/versions/1"))[1]["schemaType"] == "JSON"
    assert (await api("GET", "/subjects/b/versions/1"))[1]["schemaType"] == "AVRO"
    assert (await api("GET", "/subjects/a/versions/1"))[1]["id"] != (await api("GET", "/subjects/b/versions/1"))[1][
        "id"
    ]


async def test_a_subject_with_a_config_only_is_no_deleted_subject(api: Api) -> None:
    """It is not listed, and its config can be removed."""
    await api("PUT", "/config/a", {"compatibility": "NONE"})
    assert await api("GET", "/subjects?deleted=true") == (200, [])
    assert (await api("DELETE", "/config/a"))[0] == 200


async def test_reserved_fields_stay_reserved_and_unused(api: Api) -> None:
    """Where the config asks for it, also when compatibility is not checked."""
    reserved = {"metadata": {"properties": {"confluent:reserved": "x, y"}}}
    await api("POST", "/subjects/a/versions", {**record("f"), **reserved})
    await api("PUT", "/config/a", {"validateFields": True, "compatibility": "NONE"})
    fewer = {"metadata": {"properties": {"confluent:reserved": "x"}}}
    check = "/compatibility/subjects/a/versions/latest?verbose=true"
    assert (await api("POST", check, {**record("f", "x"), **fewer}))[1] == {
        "is_compatible": False,
        "messages": [
            (
                "The new schema has reserved field y removed from its metadata which is present in the old schema's "
                "metadata."
            ),
            "The new schema has field that conflicts with the reserved field x.",
            "{validateFields: 'true', compatibility: 'NONE'}",
        ],
    }
    status, answer = await api("POST", "/subjects/a/versions", {**record("f", "x"), **reserved})
    assert (status, answer["error_code"]) == (409, 40901)
    assert (await api("POST", "/subjects/a/versions", {**record("f", "z"), **reserved}))[0] == 200
    await api("PUT", "/config/a", {"compatibility": "BACKWARD", "compatibilityGroup": "major"})
    other_group = {**record("f"), "metadata": {"properties": {"major": "2"}}}
    messages = (await api("POST", check, other_group))[1]["messages"]
    assert [each.split(" removed")[0] for each in messages] == [
        "The new schema has reserved field x",
        "The new schema has reserved field y",
        "{validateFields: 'true', compatibility: 'BACKWARD'}",
    ]
    broken = {"schema": '"string"', "metadata": {"properties": {}}}
    messages = (await api("POST", check, broken))[1]["messages"]
    assert "reserved field x removed" in messages[0]
    assert "errorType:'TYPE_MISMATCH'" in messages[2]
    assert messages[-1] == "{validateFields: 'true', compatibility: 'BACKWARD'}"


async def test_a_schema_with_its_references_written_out_is_the_one_with_references(api: Api) -> None:
    """Serializers send what the runtime knows, which is the resolved schema."""
    base = '{"type":"record","name":"Base","fields":[]}'
    await api("POST", "/subjects/base/versions", {"schema": base})
    user = '{"type":"record","name":"User","fields":[{"name":"b","type":%s}]}'
    reference = {"references": [{"name": "Base", "subject": "base", "version": 1}]}
    registered = (await api("POST", "/subjects/user/versions", {"schema": user % '"Base"', **reference}))[1]
    for path in ("/subjects/user", "/subjects/user/versions"):
        assert (await api("POST", path, {"schema": user % base}))[1]["id"] == registered["id"]
    assert await api("GET", "/subjects/user/versions") == (200, [1])


async def test_modes_can_be_fixed_by_the_operator(start: Callable[..., Awaitable[Api]]) -> None:
    """They are still read."""
    api = await start(rules=Rules(mode_mutability=False))
    refused = (422, {"error_code": 42205, "message": "Mode changes are not allowed"})
    assert await api("PUT", "/mode/a", {"mode": "READONLY"}) == refused
    assert await api("DELETE", "/mode") == refused
    assert await api("GET", "/mode") == (200, {"mode": "READWRITE"})


async def test_what_is_left_out_on_purpose_is_a_clean_404(api: Api) -> None:
    """In the error shape, on every method."""
    for method, path in (
        ("GET", "/exporters"),
        ("POST", "/exporters"),
        ("GET", "/dek-registry/v1/keks"),
    ):
        message = f"HTTP 404 Not Found: this service has no call {method} {path}; GET /openapi.json lists its calls."
        assert await api(method, path) == (404, {"error_code": 404, "message": message})


async def test_every_answer_carries_a_request_id(api: Api) -> None:
    """The client's own, or a new one; errors too."""
    for path in ("/subjects", "/nowhere"):
        answer = await api.response("GET", path, headers={"X-Request-ID": "mine"})
        assert answer.headers["X-Request-ID"] == "mine"
        made = [(await api.response("GET", path)).headers["X-Request-ID"] for _ in range(2)]
        assert made[0] != made[1]


async def test_unknown_fields_of_a_request_are_accepted(api: Api) -> None:
    """Newer clients send them, with or without saying so."""
    body = {**INT, "fromTheFuture": {"deep": [1]}}
    for headers in ({}, {"Confluent-Accept-Unknown-Properties": "true"}):
        assert (await api("POST", "/subjects/a/versions", body, headers=headers))[0] == 200


async def test_an_empty_context_is_removed_with_204(api: Api) -> None:
    """One with subjects is not."""
    await api("POST", "/subjects/:.gone:a/versions", INT)
    assert (await api("DELETE", "/contexts/.gone"))[1]["error_code"] == 42211
    await api("DELETE", "/subjects/:.gone:a")
    await api("DELETE", "/subjects/:.gone:a?permanent=true")
    answer = await api.response("DELETE", "/contexts/.gone")
    assert (answer.status, await answer.read()) == (204, b"")
    assert await api("GET", "/contexts") == (200, ["."])


async def test_aliases_are_followed_and_listed(api: Api) -> None:
    """A subject with an alias is the other subject, for reading and for writing."""
    await api("POST", "/subjects/target/versions", INT)
    await api("PUT", "/config/nick", {"alias": "target"})
    assert (await api("GET", "/subjects/nick/versions/latest"))[1]["subject"] == "target"
    listed = (await api("GET", "/schemas?aliases=true"))[1]
    assert [(each["subject"], each.get("aliases")) for each in listed] == [("target", ["nick"])]
    assert "aliases" not in (await api("GET", "/schemas"))[1][0]


async def test_a_listing_of_schemas_is_bounded(start: Callable[..., Awaitable[Api]]) -> None:
    """A thousand in one answer, whatever is asked for; the next page follows."""
    api = await start()
    content = [Content(SchemaType.JSON, f'{{"title":"{number}"}}') for number in range(1005)]
    written = [SchemaRecord("a", number, SchemaVersion(number, each)) for number, each in enumerate(content, 1)]
    await api.log.append([records.encode(each) for each in written])
    for query, expected in (("", 1000), ("limit=-1", 1000), ("limit=5000", 1000), ("limit=2", 2), ("offset=1000", 5)):
        assert len((await api("GET", f"/schemas?{query}"))[1]) == expected
    assert len((await api("GET", "/subjects/a/versions"))[1]) == 1005


async def test_an_unqualified_subject_is_found_in_whatever_context_has_it(api: Api) -> None:
    """The default context comes first; writing does not look elsewhere."""
    await api("POST", "/subjects/:.eu:a/versions", INT)
    for path in ("/subjects/a/versions/1", "/subjects/a/versions/latest", "/schemas/ids/1?subject=a"):
        assert (await api("GET", path))[1]["subject"] == ":.eu:a"
    assert (await api("POST", "/subjects/a", INT))[1]["subject"] == ":.eu:a"
    assert (await api("POST", "/subjects/a", {"schema": '"long"'}))[1]["error_code"] == 40401
    assert (await api("DELETE", "/subjects/a/versions/1"))[1]["error_code"] == 40401
    assert (await api("GET", "/contexts/.us/subjects/a/versions/1"))[1]["error_code"] == 40401
    await api("POST", "/subjects/a/versions", INT)
    assert (await api("GET", "/subjects/a/versions/1"))[1]["subject"] == "a"


async def test_what_is_no_schema_is_told_before_what_is_no_subject(api: Api) -> None:
    """42201 even where the subject is unknown."""
    assert (await api("POST", "/subjects/none", {"schema": "{"}))[1]["error_code"] == 42201


async def test_new_schemas_are_validated_unless_the_config_says_not_to(api: Api) -> None:
    """What can be understood at all is then taken."""
    bad_default = {"schema": '{"type":"record","name":"R","fields":[{"name":"x","type":"int","default":"no"}]}'}
    assert (await api("POST", "/subjects/a/versions", bad_default))[1]["error_code"] == 42201
    await api("PUT", "/config/a", {"validateNewSchemas": False})
    assert (await api("POST", "/subjects/a/versions", bad_default))[0] == 200


async def test_the_service_says_what_it_is(api: Api) -> None:
    """Version, kind and clusters, as administration tools ask for them."""
    assert await api("GET", "/v1/metadata/version") == (200, {"version": __version__, "commitId": ""})
    assert await api("GET", "/v1/metadata/deployment") == (200, {"attributes": ["opensource"]})
    assert (await api("GET", "/v1/metadata/id"))[1]["scope"] == {"path": [], "clusters": {}}


async def test_a_topic_that_has_lost_records_is_written_to_no_more(api: Api) -> None:
    """What was just written may have taken the place of what is in memory."""
    for number in range(3):
        await api("POST", f"/subjects/s{number}/versions", {"schema": '"int"'})
    del api.log.records[1:]
    status, body = await api("POST", "/subjects/a/versions", {"schema": '"long"'})
    assert (status, body["error_code"]) == (500, 50001)
    status, body = await api("GET", "/subjects")
    assert (status, body["error_code"]) == (503, 50001)
    assert "records were lost" in body["message"]


async def test_a_second_soft_deletion_does_not_undo_the_first(start: Callable[..., Awaitable[Api]]) -> None:
    """Its mark has the key of the first one's, which compaction removes."""
    api = await start()
    for text in ('"int"', '"long"'):
        await api("PUT", "/config/a", {"compatibility": "NONE"})
        await api("POST", "/subjects/a/versions", {"schema": text})
    assert await api("DELETE", "/subjects/a") == (200, [1, 2])
    await api("PUT", "/mode/a?force=true", {"mode": "IMPORT"})
    assert (await api("POST", "/subjects/a/versions", {**INT, "id": 7, "version": 1}))[0] == 200
    assert await api("DELETE", "/subjects/a") == (200, [1])
    other = await start()
    last = {each.key: at for at, each in enumerate(api.log.records)}
    await other.log.append(
        [(each.key or b"", each.value) for at, each in enumerate(api.log.records) if last[each.key] == at]
    )
    assert await other("GET", "/subjects") == (200, [])

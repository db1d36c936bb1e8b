"""What a principal may do with subjects, contexts and ids: what is granted, and nothing is told of the rest."""

import json
import logging
from typing import Any

import pytest
from aiohttp import web

from karapace_like.registry import records
from karapace_like.registry.records import ConfigRecord
from karapace_like.registry.registration import Rules
from karapace_like.registry.settings import Config
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.registry import requests
from tests.web.access.conftest import StartGuarded, basic, written
from tests.web.conftest import Api
from tests.web.dialects import KARAPACE
from tests.web.wire import Wire, statuses

ROOT, CALLER = basic("root", "root-password"), basic("caller", "caller-password")
_EVERYTHING = [
    {"principals": ["root"], "operations": ["read", "write", "delete", "config"], "resource": kind}
    for kind in ("subject", "context", "config", "topic", "group")
]


def grant(*operations: str, resource: str = "subject", name: str = "*", match: str = "literal") -> dict[str, Any]:
    return {"principals": ["caller"], "operations": operations, "resource": resource, "name": name, "match": match}


def text(name: str, **fields: str) -> str:
    listed = [{"name": field, "type": kind} for field, kind in fields.items()]
    return json.dumps({"type": "record", "name": name, "fields": listed})


async def started(start: StartGuarded, *grants: dict[str, Any], **others: Any) -> Api:
    """A registry with `orders-a`, which refers to `hidden-b`, and `hidden-c`, and the same in the context `.x`."""
    users = {"root": "root-password", "caller": "caller-password"}
    options = {"rules": others.pop("rules")} if "rules" in others else {}
    api = await start(written(users, [*_EVERYTHING, *grants], **others), **options)
    for subject, body in (
        ("hidden-b", {"schema": text("B", x="int")}),
        (
            "orders-a",
            {"schema": text("A", b="B"), "references": [{"name": "B", "subject": "hidden-b", "version": 1}]},
        ),
        ("hidden-c", {"schema": text("C", x="int")}),
        (":.x:orders-x", {"schema": text("X", x="int")}),
        (":.x:hidden-x", {"schema": text("Y", x="int")}),
    ):
        answer = await api("POST", f"/subjects/{subject}/versions?explicit=true", body, headers=ROOT)
        assert answer[0] == 200, answer
    return api


async def test_an_explanation_names_only_affected_subjects_that_may_be_seen(start_guarded: StartGuarded) -> None:
    api = await started(start_guarded, grant("read", name="hidden-b"))
    path, body = "/compatibility/subjects/hidden-b/explanation", {"schema": text("B", x="string")}
    everything = (await api("POST", path, body, headers=ROOT))[1]
    assert [affected["subject"] for affected in everything["affected"]] == ["orders-a"]
    status, answer = await api("POST", path, body, headers=CALLER)
    assert (status, answer["affected"], answer["isComplete"]) == (200, [], True)
    assert answer["versions"] == everything["versions"]
    assert (await api("POST", path.replace("hidden-b", "hidden-c"), body, headers=CALLER))[0] == 403


async def test_what_is_listed_is_what_may_be_seen(start_guarded: StartGuarded) -> None:
    """By prefix, in every context that the grant names."""
    api = await started(
        start_guarded, grant("read", name="orders-", match="prefix"), grant("describe", name=":.x:hidden-x")
    )
    listed = await api("GET", "/subjects", headers=CALLER)
    assert listed == (200, [":.x:hidden-x", "orders-a"])
    assert [each["subject"] for each in (await api("GET", "/schemas", headers=CALLER))[1]] == ["orders-a"]
    assert (await api("GET", "/contexts", headers=CALLER))[1] == [".", ".x"]
    assert (await api("GET", "/schemas/ids/1/subjects", headers=CALLER))[0] in {200, 404}


async def test_an_id_is_found_only_through_what_may_be_read(start_guarded: StartGuarded) -> None:
    """A subject that holds it, or one whose schema refers to it; everything else is as if it were not there."""
    api = await started(start_guarded, grant("read", name="orders-a"))
    ids = {each["subject"]: each["id"] for each in (await api("GET", "/schemas", headers=ROOT))[1]}
    assert (await api("GET", f"/schemas/ids/{ids['orders-a']}", headers=CALLER))[0] == 200
    assert (await api("GET", f"/schemas/ids/{ids['hidden-b']}", headers=CALLER))[0] == 200
    hidden = await api("GET", f"/schemas/ids/{ids['hidden-c']}", headers=CALLER)
    absent = await api("GET", "/schemas/ids/99", headers=CALLER)
    assert (hidden[0], hidden[1]["error_code"]) == (absent[0], absent[1]["error_code"]) == (404, 40403)
    guid = (await api("GET", "/subjects/hidden-c/versions/1", headers=ROOT))[1]["guid"]
    assert (await api("GET", f"/schemas/guids/{guid}", headers=ROOT))[0] == 200
    assert (await api("GET", f"/schemas/guids/{guid}", headers=CALLER))[0] == 404
    # Others have been told the same bytes before: they are not told to whom may not see them.
    for _ in range(3):
        assert (await api("GET", f"/schemas/ids/{ids['hidden-c']}", headers=ROOT))[0] == 200
        assert (await api("GET", f"/schemas/ids/{ids['hidden-c']}", headers=CALLER))[0] == 404


@pytest.mark.parametrize("subject", ["hidden-c", "not-there", ":.x:hidden-x"])
async def test_a_name_is_refused_alike_whether_or_not_it_is_there(start_guarded: StartGuarded, subject: str) -> None:
    api = await started(start_guarded, grant("read", name="orders-a"))
    for method, path, body in (
        ("GET", f"/subjects/{subject}/versions", None),
        ("GET", f"/subjects/{subject}/versions/1", None),
        ("POST", f"/subjects/{subject}", {"schema": '"int"'}),
        ("POST", f"/subjects/{subject}/versions", {"schema": '"int"'}),
        ("DELETE", f"/subjects/{subject}", None),
        ("PUT", f"/config/{subject}", {"compatibility": "NONE"}),
        ("GET", f"/mode/{subject}", None),
        ("POST", f"/compatibility/subjects/{subject}/versions", {"schema": '"int"'}),
    ):
        status, answer = await api(method, path, body, headers=CALLER)
        assert (status, answer["error_code"]) == (403, 403), (method, path)
        assert answer["message"].endswith(f"Subject:{subject}")


async def test_a_hidden_subject_is_not_read_in_another_way(start_guarded: StartGuarded) -> None:
    """Not by an alias, nor by a reference, nor by its bare name from the default context."""
    api = await started(start_guarded, grant("read", "write", "config", name="orders-", match="prefix"))
    assert (await api("PUT", "/config/orders-alias", {"alias": "hidden-c"}, headers=CALLER))[0] == 200
    assert (await api("GET", "/subjects/orders-alias/versions/1", headers=CALLER))[0] == 403
    borrowed = {"schema": text("D", c="C"), "references": [{"name": "C", "subject": "hidden-c", "version": 1}]}
    for path in ("/subjects/orders-d/versions", "/subjects/orders-d", "/compatibility/subjects/orders-a/versions"):
        status, answer = await api("POST", path, borrowed, headers=CALLER)
        assert (status, answer["error_code"]) == (422, 42201), path
        assert "No schema reference found" in answer["message"]
    api = await started(start_guarded, grant("read", name="orders-x"))
    assert (await api("GET", "/subjects/orders-x/versions/1", headers=CALLER))[0] == 404
    assert (await api("GET", "/subjects/orders-x/versions/1", headers=ROOT))[0] == 200


async def test_a_context_is_granted_with_all_that_is_in_it(start_guarded: StartGuarded) -> None:
    api = await started(start_guarded, grant("read", "write", "config", resource="context", name=".x"))
    assert (await api("GET", "/subjects", headers=CALLER))[1] == [":.x:hidden-x", ":.x:orders-x"]
    assert (await api("POST", "/contexts/.x/subjects/new/versions", {"schema": '"int"'}, headers=CALLER))[0] == 200
    assert (await api("PUT", "/contexts/.x/config", {"compatibility": "NONE"}, headers=CALLER))[0] == 200
    assert (await api("PUT", "/config/:.x:", {"compatibility": "FULL"}, headers=CALLER))[0] == 200
    assert (await api("PUT", "/config", {"compatibility": "NONE"}, headers=CALLER))[0] == 403
    assert (await api("PUT", "/config/:.__GLOBAL:", {"compatibility": "NONE"}, headers=CALLER))[0] == 403
    assert (await api("DELETE", "/contexts/.x", headers=CALLER))[0] == 403
    # Without its dot it is the same context.
    api = await started(start_guarded, grant("delete", resource="context", name="x"))
    assert (await api("DELETE", "/contexts/x", headers=CALLER))[0] == 403
    api = await started(start_guarded, grant("delete", resource="context", name=".x"))
    assert (await api("DELETE", "/contexts/x", headers=CALLER))[1]["error_code"] == 42211


async def test_a_producer_may_be_held_to_what_is_registered(start_guarded: StartGuarded) -> None:
    """It goes on with the schemas that are there, and adds none."""
    api = await started(start_guarded, grant("register_existing", name="hidden-c"))
    known, new = {"schema": text("C", x="int")}, {"schema": text("C", x="long")}
    assert (await api("POST", "/subjects/hidden-c/versions", known, headers=CALLER))[0] == 200
    assert (await api("POST", "/subjects/hidden-c", known, headers=CALLER))[0] == 200
    before = len(api.log.records)
    status, answer = await api("POST", "/subjects/hidden-c/versions", new, headers=CALLER)
    assert (status, answer["error_code"], len(api.log.records)) == (403, 403, before)
    incompatible = {"schema": text("C", added="int")}
    status, answer = await api("POST", "/subjects/hidden-c/versions", incompatible, headers=CALLER)
    assert (status, answer["error_code"], len(api.log.records)) == (403, 403, before)
    assert (await api("GET", "/subjects/hidden-c/versions/1", headers=CALLER))[0] == 403
    assert (await api("DELETE", "/subjects/hidden-c", headers=CALLER))[0] == 403


async def test_whoever_may_only_write_is_not_shown_what_others_have_written(start_guarded: StartGuarded) -> None:
    """Neither in the error of an incompatible schema nor in a response that repeats the text."""
    api = await started(start_guarded, grant("write", name="hidden-c"), grant("write", "read", name="orders-a"))
    versions = "/subjects/hidden-c/versions"
    properties = {"metadata": {"properties": {"owner": "caller"}}}
    entity = {"entityPath": "C.x", "entityType": "sr_field"}
    calls = (
        (versions, {"schema": text("C", added="int")}, 409),
        (versions, properties, 422),
        (f"{versions}/1/tags", {"tagsToAdd": [{"schemaEntity": entity, "tags": ["PII"]}]}, 403),
    )
    for path, body, expected in calls:
        status, answer = await api("POST", path, body, headers=CALLER)
        assert status == expected, answer
        assert '"x"' not in json.dumps(answer).replace("\\", ""), answer
    assert (await api("GET", versions, headers=ROOT))[1] == [1]
    status, answer = await api("POST", versions, {"schema": text("C", added="int")}, headers=CALLER)
    assert answer["message"].endswith("details: [{validateFields: 'false', compatibility: 'BACKWARD'}]")
    for subject, headers in (("orders-a", CALLER), ("hidden-c", ROOT)):
        status, answer = await api(
            "POST", f"/subjects/{subject}/versions", {"schema": text("C", added="int")}, headers=headers
        )
        assert (status, "oldSchema:" in answer["message"]) == (409, True)


async def test_whoever_may_import_into_a_subject_may_not_take_ids_from_its_context(start_guarded: StartGuarded) -> None:
    """They are shared by all of its subjects; what is there already is answered, as to every producer."""
    mine = grant("read", "write", "config", name="mine-", match="prefix")
    others = grant("read", "write", "config", name=":.x:mine-", match="prefix")
    api = await started(start_guarded, mine, others, grant("write", "config", resource="context", name=".x"))
    for subject, status in (("mine-a", 403), (":.:mine-b", 403), (":.x:mine-a", 200)):
        assert (await api("PUT", f"/mode/{subject}", {"mode": "IMPORT"}, headers=CALLER))[0] == 200
        body = {"schema": text("M", x="int"), "id": 2**31 - 1}
        answer = await api("POST", f"/subjects/{subject}/versions", body, headers=CALLER)
        assert answer[0] == status, answer
        assert status == 200 or "import ids into Context:." in answer[1]["message"]
    assert (await api("POST", "/subjects/mine-a/versions", {**body, "id": 7}, headers=ROOT))[0] == 200
    assert (await api("POST", "/subjects/mine-a/versions", {**body, "id": 7}, headers=CALLER))[0] == 200
    assert (await api("GET", "/subjects/mine-a/versions", headers=CALLER)) == (200, [1])


@pytest.mark.parametrize(
    "granted", [grant("write", resource="context", name="."), grant("config", resource="context", name=".")]
)
async def test_who_may_write_or_set_up_a_context_imports_into_it(
    start_guarded: StartGuarded, granted: dict[str, Any]
) -> None:
    api = await started(start_guarded, grant("read", "write", name="mine-a"), granted)
    await api("PUT", "/mode/mine-a", {"mode": "IMPORT"}, headers=ROOT)
    body = {"schema": text("M", x="int"), "id": 70}
    assert (await api("POST", "/subjects/mine-a/versions", body, headers=CALLER))[0] == 200


async def test_schemas_of_other_registries_are_shown_of_readable_subjects(start_guarded: StartGuarded) -> None:
    """In another spelling too; a version whose id means a hidden schema is shown of its subject, not of the id."""
    api = await started(start_guarded, grant("read", name="mine"))
    sent, hidden = {"schema": text("M", x="int")}, {"schema": text("H", x="int")}
    await api.log.append(
        [
            *KARAPACE.store("mine", 1, 70, "AVRO", sent["schema"]),
            *KARAPACE.store("hidden-d", 1, 71, "AVRO", hidden["schema"]),
            *KARAPACE.store("mine", 2, 71, "AVRO", text("N", x="int")),
        ]
    )
    assert (await api("POST", "/subjects/mine", sent, headers=CALLER))[1]["id"] == 70
    assert (await api("POST", "/subjects/mine", {"schema": text("N", x="int")}, headers=CALLER))[0] == 404
    assert (await api("GET", "/schemas/ids/70", headers=CALLER))[0] == 200
    for query in ("", "?subject=:.:", "?retired=true"):
        assert (await api("GET", f"/schemas/ids/71{query}", headers=CALLER))[1]["error_code"] == 40403
    status, shown = await api("GET", "/schemas/ids/71?subject=mine", headers=CALLER)
    assert (status, json.loads(shown["schema"])["name"]) == (200, "N")
    assert (await api("GET", "/schemas/ids/71/subjects", headers=CALLER))[1] == ["mine"]
    assert (await api("POST", "/subjects/hidden-d", hidden, headers=CALLER))[0] == 403
    guid = (await api("GET", "/schemas/ids/71", headers=ROOT))[1]["guid"]
    assert (await api("GET", f"/schemas/guids/{guid}", headers=CALLER))[0] == 404
    await api.registry.conflict_watch.look()
    assert len(api.registry.conflict_watch.conflicts) == 1
    assert "hidden-d" not in (api.registry.conflict_watch.warning or "")


async def test_an_alias_that_changes_under_a_request_leads_nowhere_else(
    start_guarded: StartGuarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subject that was permitted is the one that is used, however long the body takes."""
    api = await started(start_guarded, grant("read", "write", "config", name="mine-", match="prefix"))
    await api("PUT", "/config/mine-name", {"alias": "mine-a"}, headers=CALLER)
    read_body = requests.body

    async def slow(request: web.Request, name: str) -> JsonObject:
        await api.log.append([records.encode(ConfigRecord("mine-name", Config(alias="hidden-c")))])
        return await read_body(request, name)

    monkeypatch.setattr(requests, "body", slow)
    body = {"schema": text("M", x="int")}
    assert (await api("POST", "/subjects/mine-name/versions", body, headers=CALLER))[0] == 200
    assert (await api("GET", "/subjects/mine-a/versions", headers=ROOT)) == (200, [1])
    assert (await api("GET", "/subjects/hidden-c/versions", headers=ROOT)) == (200, [1])
    assert (await api("POST", "/subjects/mine-name/versions", body, headers=CALLER))[0] == 403


@pytest.mark.parametrize("prefix", ["/subjects/:.x:", "/contexts/.x/subjects/"])
async def test_an_alias_needs_what_its_subject_needs(start_guarded: StartGuarded, prefix: str) -> None:
    """In the context that it has, in both spellings of the path."""
    everywhere = [grant("read", name=each, match="prefix") for each in (":.x:mine-", "hidden-")]
    api = await started(start_guarded, *everywhere)
    await api("PUT", "/config/:.x:mine-name", {"alias": "hidden-x"}, headers=ROOT)
    assert (await api("GET", f"{prefix}mine-name/versions", headers=ROOT)) == (200, [1])
    assert (await api("GET", f"{prefix}mine-name/versions", headers=CALLER))[0] == 403


async def test_a_reference_is_permitted_in_the_context_where_it_is_resolved(start_guarded: StartGuarded) -> None:
    """A look-up goes through all contexts: in another one, the same reference means a subject that is hidden."""
    grants = [grant("read", name="orders", match="prefix"), grant("write", name=":.x:orders", match="prefix")]
    api = await started(start_guarded, *grants)
    referred = {"schema": text("R", secret="int")}
    for subject in ("orders-r", ":.x:orders-r"):
        assert (await api("POST", f"/subjects/{subject}/versions", referred, headers=ROOT))[0] == 200
    body = {
        "schema": json.dumps({"type": "record", "name": "Q", "fields": [{"name": "r", "type": "R"}]}),
        "references": [{"name": "R", "subject": "orders-r", "version": 1}],
    }
    assert (await api("POST", "/subjects/:.x:orders-q/versions", body, headers=ROOT))[0] == 200
    status, told = await api("POST", "/subjects/orders-q", body, headers=CALLER)
    assert (status, told["error_code"]) == (404, 40401)
    status, told = await api("POST", "/compatibility/subjects/orders-q/versions", body, headers=CALLER)
    assert status == 200
    status, told = await api("POST", "/subjects/:.x:orders-new/versions", body, headers=CALLER)
    assert (status, told["error_code"]) == (422, 42201)


@pytest.mark.parametrize("field", ["alias", "aliasForDeks"])
@pytest.mark.parametrize("name", ["a\x00b", ":*:x", "__GLOBAL", "a\nb"])
async def test_an_alias_is_a_name_that_a_subject_may_have(start_guarded: StartGuarded, field: str, name: str) -> None:
    api = await started(start_guarded)
    status, told = await api("PUT", "/config/nick", {field: name}, headers=ROOT)
    assert (status, told["error_code"]) == (422, 42208)


@pytest.mark.parametrize("header", [basic("root", "root-password\0"), basic("root\0", "root-password")])
async def test_a_null_character_ends_no_password(start_guarded: StartGuarded, header: dict[str, str]) -> None:
    """HMAC pads with them: without a check, a password with nulls at its end would be the password."""
    api = await started(start_guarded)
    assert (await api("GET", "/subjects", headers=header))[0] == 401


async def test_new_schemas_may_be_refused_to_everybody_who_does_not_mean_it(start_guarded: StartGuarded) -> None:
    api = await started(start_guarded, rules=Rules(explicit_only="orders-.*"))
    path, new = "/subjects/orders-new/versions", {"schema": '"int"'}
    status, answer = await api("POST", path, new, headers=ROOT)
    assert (status, answer["error_code"]) == (403, 403)
    assert "explicit=true" in answer["message"]
    assert (await api("POST", f"{path}?explicit=true", new, headers=ROOT))[0] == 200
    assert (await api("POST", path, new, headers=ROOT))[0] == 200
    assert (await api("POST", "/subjects/others/versions", new, headers=ROOT))[0] == 200


async def test_karapaces_permissions_mean_what_they_mean_there(start_guarded: StartGuarded) -> None:
    """A pattern for the beginning of the resource; `Write` is everything, `Read` is reading."""
    permissions = [
        {"username": "caller", "operation": "Read", "resource": "Subject:hidden.*"},
        {"username": "caller", "operation": "Write", "resource": "Subject:orders-[a-m]"},
        {"username": "caller", "operation": "Read", "resource": "Config:"},
    ]
    api = await started(start_guarded, permissions=permissions)
    for method, path, body, expected in (
        ("GET", "/subjects", None, 200),
        ("GET", "/subjects/hidden-c/versions/1", None, 200),
        ("POST", "/subjects/hidden-c/versions", {"schema": '"int"'}, 403),
        ("POST", "/subjects/orders-back/versions", {"schema": '"int"'}, 200),
        ("POST", "/subjects/orders-z/versions", {"schema": '"int"'}, 403),
        ("GET", "/config", None, 200),
        ("PUT", "/config", {"compatibility": "NONE"}, 403),
        ("DELETE", "/subjects/orders-back", None, 200),
    ):
        assert (await api(method, path, body, headers=CALLER))[0] == expected, (method, path)
    assert (await api("GET", "/subjects", headers=CALLER))[1] == ["hidden-b", "hidden-c", "orders-a"]


async def test_bytes_that_are_no_text_do_not_keep_a_write_from_the_audit_log(
    start_guarded: StartGuarded, caplog: pytest.LogCaptureFixture
) -> None:
    api = await started(start_guarded, grant("write", "delete", name="mine"))
    caplog.set_level(logging.INFO)
    await api("POST", "/subjects/mine/versions", {"schema": '"int"'}, headers=CALLER)
    wire = await Wire.to(api.client)
    answered = await wire.ask(
        b"DELETE /subjects/mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: \xff\r\n"
        b"X-Request-ID: \xff\r\nAuthorization: %b\r\n\r\n" % CALLER["Authorization"].encode()
    )
    assert statuses(answered) == [200]
    told = [json.loads(each.getMessage()) for each in caplog.records if each.name == "karapace_like.audit"]
    assert [each["result"] for each in told if each["method"] == "DELETE"] == ["done"]


async def test_writes_and_refusals_are_audited_and_nothing_secret_is_told(
    start_guarded: StartGuarded, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each: who, from where, what, and what became of it."""
    api = await started(start_guarded, grant("write", name="mine"))
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        await api("POST", "/subjects/mine/versions", {"schema": text("Unspeakable", x="int")}, headers=CALLER)
        await api("POST", "/subjects/mine/versions", {"schema": "{"}, headers=CALLER)
        await api("DELETE", "/subjects/hidden-c?permanent=true&access_token=of-nobodys-business", headers=CALLER)
        await api("GET", "/subjects/mine", headers=basic("caller", "guessed-password"))
        await api("GET", "/subjects", headers=CALLER)
    told = [json.loads(each.getMessage()) for each in caplog.records if each.name == "karapace_like.audit"]
    assert [(each["principal"], each["method"], each["path"], each["result"], each["status"]) for each in told] == [
        ("caller", "POST", "/subjects/mine/versions", "done", 200),
        ("caller", "POST", "/subjects/mine/versions", "failed", 422),
        ("caller", "DELETE", "/subjects/hidden-c?permanent=true&***", "refused", 403),
    ]
    assert {each["remote"] for each in told} == {"127.0.0.1"}
    assert "nobodys" not in json.dumps(told)
    for secret in ("caller-password", "guessed-password", CALLER["Authorization"][6:], "Unspeakable"):
        assert secret not in caplog.text

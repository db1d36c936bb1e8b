"""KEKs: every route and refusal, the bytes of the topic, and what is never shown."""

from typing import Any

import pytest

from karapace_like.keys.rules import KeyRules
from tests.web.conftest import keys_in_memory
from tests.web.keys.conftest import KEKS, KeysApi, Start, kek


async def test_a_kek_is_created_read_updated_and_listed(keys: KeysApi) -> None:
    created = await keys("POST", KEKS, kek(doc="d", kmsProps={"b": "2", "a": "1"}))
    assert created[0] == 200
    fields = ["name", "kmsType", "kmsKeyId", "kmsProps", "doc", "shared", "ts"]
    assert (list(created[1]), list(created[1]["kmsProps"])) == (fields, ["a", "b"])
    assert await keys("GET", f"{KEKS}/k1") == created
    assert await keys("GET", f"{KEKS}/k1/") == created
    status, updated = await keys("PUT", f"{KEKS}/k1", {"doc": None, "kmsProps": None, "kmsKeyId": "ignored"})
    assert status == 200
    assert (updated["kmsProps"], "doc" in updated, updated["kmsKeyId"]) == ({}, False, "mykey")
    written = len(keys.topic.records)
    assert await keys("PUT", f"{KEKS}/k1", {"shared": False}) == (200, updated)
    assert len(keys.topic.records) == written
    await keys("POST", KEKS, kek("a", deleted=True))
    assert await keys("GET", KEKS) == (200, ["k1"])
    assert await keys("GET", f"{KEKS}?deleted=true") == (200, ["a", "k1"])
    assert await keys("GET", f"{KEKS}?deleted=true&offset=1&limit=5") == (200, ["k1"])
    assert await keys("GET", f"{KEKS}?deleted=true&offset=-1&limit=0") == (200, ["a", "k1"])
    assert await keys("GET", f"/contexts/.c{KEKS}?context=.d") == (200, ["k1"])
    assert (await keys("GET", f"{KEKS}?limit=x"))[1] == {"error_code": 404, "message": "HTTP 404 Not Found"}


async def test_the_topic_has_confluents_bytes(keys: KeysApi) -> None:
    await keys("POST", KEKS, kek(doc="d"))
    key = b'{"tenant":"default","name":"k1","type":"KEK"}'
    value = (
        b'{"name":"k1","kmsType":"local-kms","kmsKeyId":"mykey","kmsProps":{},"doc":"d","shared":false,'
        b'"deleted":false,"type":"KEK"}'
    )
    assert keys.last() == (key, value)
    await keys("PUT", f"{KEKS}/k1", {"doc": None})
    value = value.replace(b'"doc":"d",', b"")
    assert keys.last() == (key, value)
    await keys("DELETE", f"{KEKS}/k1")
    assert keys.last() == (key, value.replace(b'"deleted":false', b'"deleted":true'))
    await keys("POST", f"{KEKS}/k1/undelete")
    assert keys.last() == (key, value)
    await keys("DELETE", f"{KEKS}/k1")
    await keys("DELETE", f"{KEKS}/k1?permanent=true")
    assert keys.last() == (key, None)


async def test_records_of_another_registry_are_read(keys: KeysApi) -> None:
    """With fields of a later release; one that cannot be read changes nothing, and is reported."""
    keys.add(
        b'{"tenant":"default","name":"other","type":"KEK"}',
        b'{"name":"other","kmsType":"aws-kms","kmsKeyId":"arn:aws:kms:x","kmsProps":{"a":null},"later":1,"type":"KEK"}',
        1234,
    )
    keys.add(b'{"tenant":"default","name":"-","type":"KEK"}', None)
    assert (await keys("GET", f"{KEKS}/other"))[1] == {
        "name": "other",
        "kmsType": "aws-kms",
        "kmsKeyId": "arn:aws:kms:x",
        "kmsProps": {},
        "shared": False,
        "ts": 1234,
    }
    assert keys.registry_of_keys.warnings == []
    for key, value in ((b"no json", b"{}"), (b'{"type":"OTHER"}', b"{}"), (b'{"type":"KEK","name":"x"}', b"{")):
        keys.add(key, value)
    assert keys.registry_of_keys.warnings == ["3 records of the keys topic cannot be read, and have no effect."]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "1a"}, "name"),
        ({"name": "-"}, "name"),
        ({"name": "a.b"}, "name"),
        ({"name": "a" * 257}, "name"),
        ({"kmsKeyId": ""}, "kmsKeyId"),
        ({"kmsKeyId": None}, "kmsKeyId"),
        ({"kmsType": None}, "kmsType"),
        ({"kmsType": "aws-kms"}, "kmsKeyId"),
        ({"kmsType": "azure-kms"}, "kmsKeyId"),
        ({"kmsType": "gcp-kms"}, "kmsKeyId"),
        ({"kmsType": "hcvault"}, "kmsKeyId"),
        ({"kmsProps": {"a": "x" * 10_001}}, "kmsProps"),
        ({"kmsProps": {str(number): "" for number in range(101)}}, "kmsProps"),
        ({"doc": "x" * 10_001}, "doc"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_invalid_field_is_named(keys: KeysApi, body: dict[str, Any], field: str) -> None:
    status, answer = await keys("POST", KEKS, kek(**body))
    assert (status, answer["error_code"]) == (422, 42271)
    assert answer["message"].startswith(f"Invalid or missing value for field '{field}' of key: ")
    assert await keys("GET", f"{KEKS}?deleted=true") == (200, [])


@pytest.mark.parametrize("name", ["_", "éé", "a-_1", "a" * 256])
async def test_names_may_have_letters_of_every_script(keys: KeysApi, name: str) -> None:
    assert (await keys("POST", KEKS, kek(name)))[0] == 200
    assert (await keys("GET", f"{KEKS}/{name}"))[1]["name"] == name


@pytest.mark.parametrize(
    ("spelled", "stored"),
    [("AZURE", "azure-kms"), ("aws", "aws-kms"), ("GcpKms", "gcp-kms"), ("own", "own"), ("Local-KMS", "Local-KMS")],
)
async def test_types_of_clouds_are_normalised(keys: KeysApi, spelled: str, stored: str) -> None:
    assert (await keys("POST", KEKS, kek(kmsType=spelled)))[1]["kmsType"] == stored


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[", (400, 400)),
        ("[]", (400, 400)),
        ('{"shared": "perhaps"}', (400, 400)),
        ('{"kmsProps": {"secret": ["hidden"]}}', (400, 400)),
        ('{"kmsProps": "hidden"}', (400, 400)),
        ("", (422, 422)),
    ],
)
async def test_malformed_bodies_are_refused_without_their_secrets(
    keys: KeysApi, body: str, expected: tuple[int, int]
) -> None:
    status, answer = await keys("POST", KEKS, data=body, headers={"Content-Type": "application/json"})
    assert (status, answer["error_code"]) == expected
    assert "hidden" not in answer["message"]


async def test_a_null_for_sharing_is_refused(keys: KeysApi) -> None:
    await keys("POST", KEKS, kek())
    assert await keys.refusal("PUT", f"{KEKS}/k1", {"shared": None}) == (422, 42271)


async def test_what_is_not_there_is_404(keys: KeysApi) -> None:
    for method, path in (
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("DELETE", "?permanent=true"),
        ("POST", "/undelete"),
        ("POST", "/test"),
        ("GET", "/deks"),
        ("GET", "/deks/s"),
        ("GET", "/deks/s/versions"),
        ("GET", "/deks/s/versions/latest"),
        ("POST", "/deks/s"),
        ("POST", "/deks"),
        ("DELETE", "/deks/s"),
        ("DELETE", "/deks/s/versions/1"),
        ("POST", "/deks/s/undelete"),
        ("POST", "/deks/s/versions/1/undelete"),
    ):
        body = {"subject": "s"} if method in {"PUT", "POST"} else None
        status, answer = await keys(method, f"{KEKS}/nothing{path}", body)
        assert (status, answer) == (404, {"error_code": 40470, "message": "Key 'nothing' not found"}), (method, path)
    assert (await keys("GET", "/dek-registry"))[0] == 404
    assert (await keys("PATCH", KEKS))[0] == 405
    assert (await keys("DELETE", f"{KEKS}/k1/deks"))[0] == 405


async def test_an_existing_kek_is_not_created_again(keys: KeysApi) -> None:
    await keys("POST", KEKS, kek())
    for body in (kek(), kek(doc="other"), kek(deleted=True, doc="other")):
        assert await keys.refusal("POST", KEKS, body) == (409, 40971)
    assert (await keys("POST", KEKS, kek(deleted=True)))[1]["deleted"] is True
    for body in (kek(deleted=True), kek(doc="other")):
        assert await keys.refusal("POST", KEKS, body) == (409, 40971)
    status, revived = await keys("POST", KEKS, kek())
    assert (status, "deleted" in revived) == (200, False)


async def test_a_kek_is_deleted_softly_and_then_permanently(keys: KeysApi) -> None:
    await keys("POST", KEKS, kek())
    assert await keys.refusal("DELETE", f"{KEKS}/k1?permanent=true") == (404, 40471)
    for _ in range(2):
        assert await keys("DELETE", f"{KEKS}/k1") == (204, None)
    assert await keys.refusal("GET", f"{KEKS}/k1") == (404, 40470)
    assert await keys.refusal("PUT", f"{KEKS}/k1", {}) == (404, 40470)
    assert (await keys("GET", f"{KEKS}/k1?deleted=true"))[1]["deleted"] is True
    for _ in range(2):
        assert await keys("POST", f"{KEKS}/k1/undelete") == (204, None)
    assert "deleted" not in (await keys("GET", f"{KEKS}/k1"))[1]
    await keys("DELETE", f"{KEKS}/k1")
    assert await keys("DELETE", f"{KEKS}/k1?permanent=true") == (204, None)
    assert await keys.refusal("GET", f"{KEKS}/k1?deleted=true") == (404, 40470)


async def test_keys_are_limited(start: Start) -> None:
    """Soft-deleted ones count."""
    handling, log = keys_in_memory(KeyRules(max_keys=1))
    keys = KeysApi(await start(keys=handling), log)
    for name in ("a", "b"):
        assert (await keys("POST", KEKS, kek(name, deleted=True)))[0] == 200
    assert await keys.refusal("POST", KEKS, kek("c")) == (409, 40972)


async def test_keys_are_not_served_unless_they_are_enabled(start: Start) -> None:
    api = await start()
    assert (await api("GET", KEKS))[1]["error_code"] == 404


async def test_a_topic_that_cannot_be_used_is_503_with_the_reason(keys: KeysApi) -> None:
    keys.registry_of_keys.report_problem("The topic k cannot be opened: not authorized.")
    for method, path in (("GET", KEKS), ("POST", KEKS), ("POST", f"{KEKS}/k1/deks/s"), ("DELETE", f"{KEKS}/k1")):
        status, answer = await keys(method, path, kek() if method == "POST" else None)
        assert (status, "not authorized" in answer["message"]) == (503, True), (method, path)
    keys.registry_of_keys.report_problem(None)
    assert (await keys("GET", KEKS))[0] == 200


async def test_no_cache_keeps_keys(keys: KeysApi) -> None:
    assert (await keys.api.response("GET", KEKS)).headers["Cache-Control"] == "no-store"


async def test_secrets_are_shown_only_by_setting(start: Start) -> None:
    properties = {
        "secret": "S1",
        "secret.access.key": "S2",
        "client.secret": "S3",
        "token.id": "S4",
        "private.key": "S5",
        "approle.secret.id": "S6",
        "ssl.keystore.password": "S7",
        "access.key.id": "P1",
        "namespace": "P2",
    }
    for shows_secrets in (False, True):
        handling, log = keys_in_memory(shows_secrets=shows_secrets)
        keys = KeysApi(await start(keys=handling), log)
        created = await keys("POST", KEKS, kek(kmsProps=properties, shared=True))
        expected = properties if shows_secrets else {"access.key.id": "P1", "namespace": "P2"}
        assert created[1]["kmsProps"] == dict(sorted(expected.items()))
        for method, path in (("GET", ""), ("PUT", ""), ("POST", "/test")):
            answer = await keys(method, f"{KEKS}/k1{path}", {} if method == "PUT" else None)
            assert answer[1]["kmsProps"] == created[1]["kmsProps"], path
        assert b'"secret":"S1"' in (keys.last()[1] or b"")
        stored = handling.registry.read().kek("k1")
        assert "S1" not in repr(stored)

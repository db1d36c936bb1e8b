"""DEKs: every route and refusal, of KEKs whose keys clients wrap and of shared ones."""

import base64
from typing import Any

import pytest

from karapace_like.keys import envelope
from karapace_like.keys.keys import DekAlgorithm
from karapace_like.keys.kms.local import LocalKms
from karapace_like.keys.rules import KeyRules
from tests.web.conftest import keys_in_memory
from tests.web.keys.conftest import INT, KEKS, KeysApi, Start, kek

DEKS = f"{KEKS}/k1/deks"
LOCAL: dict[str, Any] = {"kmsProps": {"secret": "s3cret"}, "shared": True}
SIZES = {"AES128_GCM": 18, "AES256_GCM": 34, "AES256_SIV": 66}


def dek(material: str | None = "bWF0ZXJpYWw=", **fields: Any) -> dict[str, Any]:
    return {**({} if material is None else {"encryptedKeyMaterial": material}), **fields}


@pytest.fixture
async def own(keys: KeysApi) -> KeysApi:
    """With a KEK whose keys clients wrap."""
    await keys("POST", KEKS, kek())
    return keys


@pytest.fixture
async def shared(keys: KeysApi) -> KeysApi:
    """With a shared KEK of the local KMS."""
    await keys("POST", KEKS, kek(**LOCAL))
    return keys


async def test_a_dek_is_created_and_read(own: KeysApi) -> None:
    status, created = await own("POST", f"{DEKS}/s1", dek(subject="ignored"))
    assert status == 200
    fields = {"kekName": "k1", "subject": "s1", "version": 1, "algorithm": "AES256_GCM"}
    assert created == {**fields, "encryptedKeyMaterial": "bWF0ZXJpYWw=", "ts": created["ts"]}
    assert list(created) == [*fields, "encryptedKeyMaterial", "ts"]
    assert created["ts"] > 1_700_000_000_000
    for path in ("", "/versions/1", "/versions/latest", "/versions/-1", "/versions/1?algorithm="):
        assert await own("GET", f"{DEKS}/s1{path}") == (200, created), path
    assert own.last() == (
        b'{"tenant":"default","kekName":"k1","subject":"s1","algorithm":"AES256_GCM","version":1,"type":"DEK"}',
        (
            b'{"kekName":"k1","subject":"s1","algorithm":"AES256_GCM","version":1,"encryptedKeyMaterial":"bWF0ZXJpYWw=",'
            b'"deleted":false,"type":"DEK"}'
        ),
    )


async def test_without_a_version_the_first_one_is_read(own: KeysApi) -> None:
    for version in (3, 1):
        await own("POST", f"{DEKS}/s1", dek(version=version))
    await own("POST", DEKS, dek(subject="s2", algorithm="AES256_SIV", version=7))
    assert (await own("GET", f"{DEKS}/s1"))[1]["version"] == 1
    assert (await own("GET", f"{DEKS}/s1/versions/latest"))[1]["version"] == 3
    assert await own("GET", f"{DEKS}/s1/versions") == (200, [1, 3])
    assert await own("GET", f"{DEKS}/s1/versions?offset=1&limit=9") == (200, [3])
    assert await own("GET", f"{DEKS}/s2/versions") == (200, [])
    assert await own("GET", f"{DEKS}/s2/versions?algorithm=AES256_SIV") == (200, [7])
    assert await own("GET", f"{DEKS}/none/versions") == (200, [])
    assert await own("GET", DEKS) == (200, ["s1", "s2"])
    assert await own("GET", f"{DEKS}?limit=1") == (200, ["s1"])
    await own("POST", KEKS, kek("k2"))
    assert await own("GET", f"{KEKS}?subjectPrefix=x&subjectPrefix=s2") == (200, ["k1"])
    assert await own("GET", f"{KEKS}?subjectPrefix=x") == (200, [])


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/s1", dek(None), (422, 42271)),
        ("/s1", dek(""), (422, 42271)),
        ("/s1", dek("x" * 20_001), (422, 42271)),
        ("/s1", dek(version=0), (422, 42202)),
        ("/s1", dek(version=-5), (422, 42202)),
        ("/s1", dek(version=2**31), (400, 400)),
        ("/s1", dek(algorithm="aes256_gcm"), (400, 400)),
        ("/%E2%80%8Bs%C2%85", dek(), (422, 42271)),
        ("", dek(), (422, 42271)),
        ("", dek(subject=""), (422, 42271)),
        ("", dek(subject="a\tb"), (422, 42271)),
    ],
)
async def test_invalid_fields_are_refused(
    own: KeysApi, path: str, body: dict[str, Any], expected: tuple[int, int]
) -> None:
    assert await own.refusal("POST", f"{DEKS}{path}", body) == expected
    assert await own("GET", f"{DEKS}?deleted=true") == (200, [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/s1/versions/0", (422, 42202)),
        ("/s1/versions/x", (422, 42202)),
        ("/s1/versions/99999999999", (422, 42202)),
        ("/s1/versions/2", (404, 40470)),
        ("/none", (404, 40470)),
        ("/s1?algorithm=AES256_SIV", (404, 40470)),
        ("/s1?algorithm=aes256_gcm", (404, 404)),
    ],
)
async def test_look_ups_that_fail(own: KeysApi, path: str, expected: tuple[int, int]) -> None:
    await own("POST", f"{DEKS}/s1", dek())
    status, answer = await own("GET", f"{DEKS}{path}")
    assert (status, answer["error_code"]) == expected
    if expected[1] == 40470:
        assert answer["message"] == f"Key '{'none' if 'none' in path else 's1'}' not found"


async def test_creation_is_repeated_by_409_and_restores_what_was_deleted(own: KeysApi) -> None:
    await own("POST", f"{DEKS}/s1", dek())
    for body in (dek(), dek("b3RoZXI="), dek("b3RoZXI=", deleted=True)):
        assert await own.refusal("POST", f"{DEKS}/s1", body) == (409, 40971)
    assert (await own("POST", f"{DEKS}/s1", dek(deleted=True)))[1]["deleted"] is True
    assert await own.refusal("GET", f"{DEKS}/s1") == (404, 40470)
    for body in (dek("b3RoZXI="), dek(deleted=True)):
        assert await own.refusal("POST", f"{DEKS}/s1", body) == (409, 40971)
    assert "deleted" not in (await own("POST", f"{DEKS}/s1", dek()))[1]


async def test_deletions_are_of_one_algorithm(own: KeysApi) -> None:
    for algorithm in ("AES256_GCM", "AES256_SIV"):
        for version in (1, 2):
            await own("POST", f"{DEKS}/s1", dek(algorithm=algorithm, version=version))
    assert await own.refusal("DELETE", f"{DEKS}/s1?permanent=true") == (404, 40471)
    assert await own.refusal("DELETE", f"{DEKS}/none") == (404, 40470)
    assert await own.refusal("POST", f"{DEKS}/none/undelete") == (404, 40470)
    assert await own("DELETE", f"{DEKS}/s1/versions/1") == (204, None)
    assert await own("DELETE", f"{DEKS}/s1") == (204, None)
    assert await own("GET", f"{DEKS}/s1/versions") == (200, [])
    assert await own("GET", f"{DEKS}/s1/versions?deleted=true") == (200, [1, 2])
    assert (await own("GET", f"{DEKS}/s1/versions/latest?deleted=true"))[1]["deleted"] is True
    assert await own("GET", f"{DEKS}/s1/versions?algorithm=AES256_SIV") == (200, [1, 2])
    assert await own("POST", f"{DEKS}/s1/versions/2/undelete") == (204, None)
    assert await own("GET", f"{DEKS}/s1/versions") == (200, [2])
    assert await own.refusal("DELETE", f"{DEKS}/s1/versions/2?permanent=true") == (404, 40471)
    assert await own("DELETE", f"{DEKS}/s1/versions/1?permanent=true") == (204, None)
    assert await own("POST", f"{DEKS}/s1/undelete") == (204, None)
    assert await own("GET", f"{DEKS}/s1/versions?deleted=true") == (200, [2])
    await own("DELETE", f"{DEKS}/s1")
    assert await own("DELETE", f"{DEKS}/s1?permanent=true") == (204, None)
    assert own.last()[1] is None


async def test_a_kek_with_deks_is_kept(own: KeysApi) -> None:
    await own("POST", f"{DEKS}/s1", dek(algorithm="AES128_GCM"))
    assert await own.refusal("DELETE", f"{KEKS}/k1") == (422, 42272)
    assert await own.refusal("POST", KEKS, kek(deleted=True)) == (422, 42272)
    await own("DELETE", f"{DEKS}/s1?algorithm=AES128_GCM")
    assert await own("DELETE", f"{KEKS}/k1") == (204, None)
    assert await own.refusal("DELETE", f"{KEKS}/k1?permanent=true") == (422, 42272)
    for path in ("", "/s1/versions?algorithm=AES128_GCM", "/s1?algorithm=AES128_GCM"):
        assert await own.refusal("GET", f"{DEKS}{path}") == (404, 40470)
    assert await own("GET", f"{DEKS}?deleted=true") == (200, ["s1"])
    assert await own.refusal("POST", f"{DEKS}/s2", dek()) == (404, 40470)
    for path in ("undelete", "versions/1/undelete"):
        assert await own.refusal("POST", f"{DEKS}/s1/{path}?algorithm=AES128_GCM") == (404, 40472)
    await own("DELETE", f"{DEKS}/s1?algorithm=AES128_GCM&permanent=true")
    assert await own("DELETE", f"{KEKS}/k1?permanent=true") == (204, None)


async def test_a_client_wraps_again(own: KeysApi) -> None:
    await own("POST", f"{DEKS}/s1?rewrap=true", dek())
    assert await own.refusal("POST", f"{DEKS}/s1?rewrap=true", dek(None)) == (422, 42271)
    assert (await own("POST", f"{DEKS}/s1?rewrap=true", dek("b3RoZXI=")))[1]["encryptedKeyMaterial"] == "b3RoZXI="
    assert await own("GET", f"{DEKS}/s1/versions") == (200, [1])


async def test_subjects_are_qualified_and_aliases_resolved(own: KeysApi) -> None:
    assert (await own("POST", f"/contexts/.c{DEKS}/s1", dek()))[1]["subject"] == ":.c:s1"
    assert (await own("POST", f"{DEKS}/s2?context=.c", dek()))[1]["subject"] == ":.c:s2"
    assert (await own("GET", f"{DEKS}/:.c:s1"))[0] == 200
    assert await own("GET", f"/contexts/.c{DEKS}") == (200, [":.c:s1", ":.c:s2"])
    for config, expected in (({"alias": "a"}, "a"), ({"alias": "a", "aliasForDeks": "b"}, "b")):
        await own.api("PUT", "/config/named", config)
        assert (await own("POST", f"{DEKS}/named", dek()))[1]["subject"] == expected


async def test_deks_are_limited(start: Start) -> None:
    handling, log = keys_in_memory(KeyRules(max_keys=1))
    keys = KeysApi(await start(keys=handling), log)
    await keys("POST", KEKS, kek())
    for version in (1, 2):
        assert (await keys("POST", f"{DEKS}/s1", dek(version=version, deleted=True)))[0] == 200
    assert await keys.refusal("POST", f"{DEKS}/s1", dek(version=3)) == (409, 40972)


@pytest.mark.parametrize("algorithm", SIZES)
async def test_the_service_generates_keys_for_a_shared_kek(shared: KeysApi, algorithm: str) -> None:
    status, created = await shared("POST", f"{DEKS}/s1", dek(None, algorithm=algorithm))
    assert status == 200
    key = base64.b64decode(created["keyMaterial"])
    assert len(key) == SIZES[algorithm]
    assert len(envelope.parse_key(DekAlgorithm(algorithm), key)) == {18: 16, 34: 32, 66: 64}[len(key)]
    wrapped = base64.b64decode(created["encryptedKeyMaterial"])
    assert LocalKms().unwrap("", LOCAL["kmsProps"], wrapped) == key
    assert await shared("GET", f"{DEKS}/s1/versions/1?algorithm={algorithm}") == (200, created)
    assert created["keyMaterial"].encode() not in b"".join(record.value or b"" for record in shared.topic.records)
    assert await shared.refusal("POST", f"{DEKS}/s1", dek(None, algorithm=algorithm)) == (409, 40971)


async def test_a_shared_kek_wraps_the_same_key_again(shared: KeysApi) -> None:
    first = (await shared("POST", f"{DEKS}/s1?rewrap=true", dek(None)))[1]
    second = (await shared("POST", f"{DEKS}/s1?rewrap=true", dek(None)))[1]
    assert second["keyMaterial"] == first["keyMaterial"]
    assert second["encryptedKeyMaterial"] != first["encryptedKeyMaterial"]
    body = dek(first["encryptedKeyMaterial"])
    assert await shared.refusal("POST", f"{DEKS}/s1?rewrap=true", body) == (409, 40971)
    assert (await shared("POST", f"{DEKS}/s2", body))[1]["keyMaterial"] == first["keyMaterial"]


@pytest.mark.parametrize(
    "material", ["no base64", "bWF0ZXJpYWw=", base64.b64encode(b"no key of this KMS" * 4).decode()]
)
async def test_material_of_another_key_is_the_clients_fault(shared: KeysApi, material: str) -> None:
    assert await shared.refusal("POST", f"{DEKS}/s1", dek(material)) == (422, 42271)
    await shared.api("PUT", "/mode/s1", {"mode": "IMPORT"})
    assert (await shared("POST", f"{DEKS}/s1", dek(material)))[0] == 200
    assert await shared.refusal("GET", f"{DEKS}/s1") == (500, 50070)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kmsType": "own"}, "kmsType"),
        ({"kmsType": "local-kms"}, "kmsProps"),
        ({"kmsType": "hcvault", "kmsKeyId": "http://127.0.0.1:1/transit/keys/k"}, "kmsKeyId"),
        ({"kmsType": "aws", "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/k"}, "kmsKeyId"),
    ],
    ids=str,
)
async def test_a_kms_that_cannot_be_used_is_refused(keys: KeysApi, fields: dict[str, str], field: str) -> None:
    """Whatever a KEK says, the service connects to what the operator permits only."""
    body = kek(shared=True, **fields)
    for path in (f"{KEKS}?testSharing=true",):
        status, answer = await keys("POST", path, body)
        assert (status, answer["error_code"], f"'{field}'" in answer["message"]) == (422, 42271, True)
    assert (await keys("POST", KEKS, {**body, "shared": False}))[0] == 200
    assert await keys.refusal("POST", f"{KEKS}/k1/test") == (422, 42271)
    assert await keys.refusal("PUT", f"{KEKS}/k1?testSharing=true", {"shared": True}) == (422, 42271)
    assert (await keys("PUT", f"{KEKS}/k1", {"shared": True}))[0] == 200
    assert await keys.refusal("POST", f"{KEKS}/k1/test") == (422, 42271)
    assert await keys.refusal("POST", f"{DEKS}/s1", dek(None)) == (422, 42271)


async def test_a_shared_kek_is_tested(shared: KeysApi) -> None:
    status, tested = await shared("POST", f"{KEKS}/k1/test")
    stored = {"name": "k1", "kmsType": "local-kms", "kmsKeyId": "mykey", **LOCAL, "deleted": False, "type": "KEK"}
    assert (status, tested) == (200, {**stored, "offset": 0, "ts": tested["ts"]})
    assert list(tested) == [*stored, "offset", "ts"]
    assert (await shared("POST", f"{KEKS}?testSharing=true", kek("k2", **LOCAL)))[0] == 200


async def test_a_secret_of_the_environment_is_used(keys: KeysApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_SECRET", "of the environment")
    await keys("POST", KEKS, kek(shared=True))
    assert (await keys("POST", f"{DEKS}/s1", dek(None)))[0] == 200


async def test_the_registry_has_schemas_beside_keys(own: KeysApi) -> None:
    assert (await own.api("POST", "/subjects/s1/versions", INT))[0] == 200

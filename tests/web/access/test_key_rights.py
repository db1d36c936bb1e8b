"""Who may do what with KEKs and DEKs, and who sees secrets."""

from typing import Any

import pytest

from tests.web.access.conftest import StartGuarded, basic, written
from tests.web.conftest import keys_in_memory
from tests.web.keys.conftest import KEKS, KeysApi, kek
from tests.web.keys.test_deks import DEKS, dek

OPERATIONS = ("describe", "read", "write", "register_existing", "delete", "config", "read_secrets")
USERS = {name: f"{name}-password" for name in ("root", "nobody", *OPERATIONS)}
SECRET: dict[str, Any] = {"kmsProps": {"secret": "S1", "namespace": "n"}}
GRANTS: list[dict[str, Any]] = [
    *(
        {"principals": ["root"], "operations": list(OPERATIONS), "resource": kind, "name": "*"}
        for kind in ("kek", "subject")
    ),
    *(
        {"principals": [operation], "operations": [operation], "resource": kind, "name": name}
        for operation in OPERATIONS
        for kind, name in (("kek", "k1"), ("subject", "s1"))
    ),
]


@pytest.fixture
async def keys(start_guarded: StartGuarded) -> KeysApi:
    handling, log = keys_in_memory(shows_secrets=True)
    keys = KeysApi(await start_guarded(written(USERS, GRANTS), keys=handling), log)
    await keys("POST", KEKS, kek(**SECRET), headers=header("root"))
    await keys("POST", f"{DEKS}/s1", dek(), headers=header("root"))
    return keys


def header(user: str) -> dict[str, str]:
    return basic(user, f"{user}-password")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", f"{KEKS}/k1", {"read", "read_secrets"}),
        ("GET", f"{DEKS}", set(OPERATIONS)),
        ("GET", f"{DEKS}/s1", {"read", "read_secrets"}),
        ("GET", f"{DEKS}/s1/versions/latest", {"read", "read_secrets"}),
        ("GET", f"{DEKS}/s1/versions", set(OPERATIONS)),
        ("POST", f"{DEKS}/s1", {"write", "register_existing"}),
        ("POST", DEKS, {"write", "register_existing"}),
        ("POST", KEKS, {"write"}),
        ("PUT", f"{KEKS}/k1", {"config"}),
        ("POST", f"{KEKS}/k1/test", {"config"}),
        ("POST", f"{KEKS}/k1/undelete", {"config"}),
        ("POST", f"{DEKS}/s1/undelete", {"delete"}),
        ("POST", f"{DEKS}/s1/versions/1/undelete", {"delete"}),
        ("DELETE", f"{DEKS}/s1/versions/1", {"delete"}),
        ("DELETE", f"{DEKS}/s1", {"delete"}),
        ("DELETE", f"{KEKS}/k1", {"delete"}),
    ],
)
async def test_every_call_needs_its_operation(keys: KeysApi, method: str, path: str, allowed: set[str]) -> None:
    """On the KEK, and for a DEK on its subject too; everything else is 403."""
    body = {"subject": "s1", **kek()} if method in {"POST", "PUT"} else None
    for user in ("nobody", *OPERATIONS):
        status, answer = await keys(method, path, body, headers=header(user))
        assert (status != 403) == (user in allowed), (user, answer)
    for other in (path.replace("k1", "k2"), path.replace("s1", "s2")):
        if other != path:
            assert (await keys(method, other, body, headers=header(next(iter(allowed)))))[0] == 403
    assert (await keys(method, path, body))[0] == 401


async def test_lists_show_what_the_caller_may_describe(keys: KeysApi) -> None:
    await keys("POST", KEKS, kek("k2"), headers=header("root"))
    await keys("POST", f"{DEKS}/s2", dek(), headers=header("root"))
    for user, keks, subjects in (("root", ["k1", "k2"], ["s1", "s2"]), ("describe", ["k1"], ["s1"])):
        assert await keys("GET", KEKS, headers=header(user)) == (200, keks)
        assert await keys("GET", DEKS, headers=header(user)) == (200, subjects)
    assert await keys("GET", KEKS, headers=header("nobody")) == (200, [])


async def test_secrets_need_their_operation(keys: KeysApi) -> None:
    """Whatever the setting says that is for services without access control."""
    for user, shown in (("read", {"namespace": "n"}), ("read_secrets", {"namespace": "n", "secret": "S1"})):
        assert (await keys("GET", f"{KEKS}/k1", headers=header(user)))[1]["kmsProps"] == shown
    status, updated = await keys("PUT", f"{KEKS}/k1", {"doc": "d"}, headers=header("config"))
    assert (status, updated["kmsProps"]) == (200, {"namespace": "n"})
    assert b'"secret":"S1"' in (keys.last()[1] or b"")


async def test_changes_are_written_to_the_audit_log_without_secrets(
    keys: KeysApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await keys("POST", KEKS, kek("k3", **SECRET), headers=header("root"))
    await keys("POST", f"{KEKS}/k1/deks/s3", dek(), headers=header("root"))
    lines = [record.getMessage() for record in caplog.records if record.name == "karapace_like.audit"]
    for path, line in zip((KEKS, f"{DEKS}/s3"), lines, strict=True):
        assert f'"{path}"' in line
        assert '"done"' in line
    assert "S1" not in caplog.text
    assert dek()["encryptedKeyMaterial"] not in caplog.text

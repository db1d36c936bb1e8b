"""Quotas of requests and bytes, which each principal has for himself."""

from typing import Any

import pytest

from karapace_like.access.quotas import Quotas
from karapace_like.background import BackgroundTasks
from karapace_like.config import ConfigError, load
from karapace_like.serve.security import Security
from tests.web.access.conftest import StartGuarded, basic, written
from tests.web.conftest import Api

ALICE, BOB = basic("alice", "a"), basic("bob", "b")
GRANTS = [{"principals": ["alice"], "operations": ["read", "write"], "resource": "subject"}]
AUTHFILE = written({"alice": "a", "bob": "b"}, GRANTS)
SCHEMA = {"schema": '"int"'}
A_LITTLE = 0.001
"""A second. It does not come back within a test."""


async def statuses(api: Api, method: str, path: str, headers: dict[str, str], body: object = None) -> list[int]:
    """Until one is refused for the quota; that one says when to come again."""
    found: list[int] = []
    while 429 not in found and len(found) < 10_000:
        answer = await api.response(method, path, body, headers=headers)
        found.append(answer.status)
    assert (await answer.json(content_type=None))["error_code"] == 42901
    assert int(answer.headers["Retry-After"]) > 0
    return found


async def test_requests_are_counted_for_each_principal(start_guarded: StartGuarded) -> None:
    """Also those that are refused for want of rights."""
    api = await start_guarded(AUTHFILE, quotas=Quotas(requests=A_LITTLE))
    assert await statuses(api, "GET", "/subjects", ALICE) == [200, 429]
    assert await statuses(api, "DELETE", "/subjects/a", BOB) == [403, 429]


async def test_requests_that_would_be_answered_from_memory_are_counted(start_guarded: StartGuarded) -> None:
    api = await start_guarded(AUTHFILE, quotas=Quotas(requests=1))
    assert (await api("POST", "/subjects/a/versions", SCHEMA, headers=ALICE))[0] == 200
    found = await statuses(api, "GET", "/schemas/ids/1", ALICE)
    assert set(found) == {200, 429}


async def test_wrong_credentials_are_at_nobodys_expense(start_guarded: StartGuarded) -> None:
    api = await start_guarded(AUTHFILE, quotas=Quotas(requests=A_LITTLE))
    for _ in range(5):
        assert (await api("GET", "/subjects", headers=basic("alice", "wrong")))[0] == 401
    assert (await api("GET", "/subjects", headers=ALICE))[0] == 200


async def test_bytes_of_requests_and_answers_are_counted(start_guarded: StartGuarded) -> None:
    api = await start_guarded(AUTHFILE, quotas=Quotas(bytes_=A_LITTLE))
    big = {"schema": '{"type":"record","name":"R","doc":"' + "x" * 1000 + '","fields":[]}'}
    assert await statuses(api, "POST", "/subjects/a/versions", ALICE, big) == [200, 429]
    assert await statuses(api, "GET", "/subjects", BOB) == [200, 429], "the two bytes of an empty list"
    assert len(api.log.records) == 1


async def test_what_is_refused_for_the_quota_does_nothing(start_guarded: StartGuarded) -> None:
    api = await start_guarded(AUTHFILE, quotas=Quotas(requests=A_LITTLE))
    await statuses(api, "GET", "/subjects", ALICE)
    assert (await api("POST", "/subjects/a/versions", SCHEMA, headers=ALICE))[0] == 429
    assert api.log.records == []


def settings(tmp_path: Any, **flags: Any) -> Any:
    (tmp_path / "auth.json").write_bytes(AUTHFILE)
    return load(environment={}, flags={"registry_authfile": str(tmp_path / "auth.json"), **flags})[0]


def test_the_settings_say_it(tmp_path: Any) -> None:
    assert Security.build(settings(tmp_path), BackgroundTasks()).quotas is None
    for name in ("requests", "bytes"):
        limited = settings(tmp_path, **{f"http_principal_{name}_per_second": 5})
        assert Security.build(limited, BackgroundTasks()).quotas is not None


def test_there_must_be_principals() -> None:
    with pytest.raises(ConfigError, match="http_principal_requests_per_second"):
        load(environment={}, flags={"http_principal_requests_per_second": 5})

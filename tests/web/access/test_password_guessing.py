"""Whoever guesses passwords waits, nobody else does, and the time of a response tells nothing about users."""

import asyncio

import msgspec
import pytest

from karapace_like.access import passwords
from karapace_like.access.passwords import Algorithm, new_user
from tests import leaks
from tests.web.access.conftest import StartGuarded, basic

GRANTS = [{"principals": ["*"], "operations": ["read"], "resource": "subject"}]
USERS = {"quick": Algorithm.SHA256, "slow": Algorithm.SCRYPT, "bob": Algorithm.SHA512}


def authfile() -> bytes:
    leaks.register(*(f"of-{name}" for name in USERS))
    users = [msgspec.to_builtins(new_user(name, f"of-{name}", algorithm)) for name, algorithm in USERS.items()]
    return msgspec.json.encode({"users": users, "grants": GRANTS})


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Algorithm]:
    """The algorithm of every hash that is computed."""
    computed: list[Algorithm] = []
    hash_password = passwords.hash_password

    def count(algorithm: Algorithm, salt: str, password: str) -> str:
        computed.append(algorithm)
        return hash_password(algorithm, salt, password)

    monkeypatch.setattr(passwords, "hash_password", count)
    return computed


@pytest.mark.parametrize("user", [*USERS, "unknown"])
async def test_every_check_computes_the_same_hashes(
    start_guarded: StartGuarded, hashed: list[Algorithm], user: str
) -> None:
    """Of users with quick hashes, with slow ones, and of users that do not exist; right and wrong."""
    api = await start_guarded(authfile())
    for password in ("wrong", f"of-{user}"):
        hashed.clear()
        expected = 200 if password != "wrong" and user in USERS else 401
        assert (await api("GET", "/subjects", headers=basic(user, password)))[0] == expected
        assert sorted(hashed) == sorted(USERS.values())


@pytest.mark.slow
@pytest.mark.parametrize("attackers", [["quick"], [f"made-up-{n}" for n in range(400)]])
async def test_another_user_s_first_login_overtakes_a_flood_of_wrong_passwords(
    start_guarded: StartGuarded, hashed: list[Algorithm], attackers: list[str]
) -> None:
    """Of the attempts that are beyond the queue, none is checked."""
    api = await start_guarded(authfile())

    async def attempt(n: int) -> int:
        headers = basic(attackers[n % len(attackers)], f"wrong-{n}")
        async with api.client.get("/subjects", headers=headers) as answer:
            if answer.status == 429:
                assert int(answer.headers["Retry-After"]) > 0
                assert (await answer.json(content_type=None))["error_code"] == 42901
            return answer.status

    flood = [asyncio.create_task(attempt(n)) for n in range(400)]
    await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
    while True:
        before = len(hashed)
        status, _ = await api("GET", "/subjects", headers=basic("bob", "of-bob"))
        if status != 429:
            break
    assert status == 200
    assert (len(hashed) - before) / len(USERS) <= 20
    statuses = await asyncio.gather(*flood)
    assert {401, 429} == set(statuses)
    assert len(hashed) / len(USERS) < 100


@pytest.mark.slow
async def test_failures_delay_the_next_attempt_and_only_that_user_s(
    start_guarded: StartGuarded, hashed: list[Algorithm]
) -> None:
    """Also the right password waits; whoever has logged in before does not, nor another user."""
    api = await start_guarded(authfile())
    assert (await api("GET", "/subjects", headers=basic("slow", "of-slow")))[0] == 200
    for user in ("slow", "quick"):
        statuses = [(await api("GET", "/subjects", headers=basic(user, f"wrong-{n}")))[0] for n in range(8)]
        assert statuses == [401] * 5 + [429] * 3
    hashed.clear()
    assert (await api("GET", "/subjects", headers=basic("slow", "of-slow")))[0] == 200
    assert (await api("GET", "/subjects", headers=basic("quick", "of-quick")))[0] == 429
    assert hashed == []
    assert (await api("GET", "/subjects", headers=basic("bob", "of-bob")))[0] == 200


async def test_a_repeated_wrong_password_is_answered_without_a_check(
    start_guarded: StartGuarded, hashed: list[Algorithm]
) -> None:
    """A program with an old password does not lock out those that have the new one."""
    api = await start_guarded(authfile())
    hashed.clear()
    for _ in range(20):
        assert (await api("GET", "/subjects", headers=basic("bob", "old")))[0] == 401
    assert len(hashed) == len(USERS)
    assert (await api("GET", "/subjects", headers=basic("bob", "of-bob")))[0] == 200


async def test_requests_with_the_same_credentials_share_one_check(
    start_guarded: StartGuarded, hashed: list[Algorithm]
) -> None:
    api = await start_guarded(authfile())
    hashed.clear()
    answers = await asyncio.gather(*(api("GET", "/subjects", headers=basic("bob", "of-bob")) for _ in range(60)))
    assert {status for status, _ in answers} == {200}
    assert len(hashed) == len(USERS)

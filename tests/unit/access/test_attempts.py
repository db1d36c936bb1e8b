"""The turns of those whose credentials are checked, and the delay after failures."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from karapace_like.access.attempts import FailedAttempts
from karapace_like.errors import ApiError
from karapace_like.web.callers.credential_checks import Claimant, CredentialChecks


def test_each_failure_doubles_the_delay_up_to_a_minute() -> None:
    failed, delays = FailedAttempts(), []
    for _ in range(14):
        failed.add("bob", 0)
        delays.append(failed.wait("bob", 0))
    assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert failed.wait("ann", 0) == 0


def test_time_and_a_right_password_forgive() -> None:
    failed = FailedAttempts()
    for _ in range(9):
        failed.add("bob", 0)
    assert failed.wait("bob", 10) == 6
    failed.add("bob", 600)
    assert failed.wait("bob", 600) == 0
    for _ in range(9):
        failed.add("bob", 600)
    failed.clear("bob")
    assert failed.wait("bob", 600) == 0


class Answered:
    """Checks that end when they are let go, and the order in which they began."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.go = asyncio.Event()

    def of(self, name: str) -> Callable[[], Awaitable[str]]:
        async def check() -> str:
            self.began.append(name)
            await self.go.wait()
            return name

        return check


async def queue(checks: CredentialChecks, answered: Answered, names: Iterable[str]) -> list[asyncio.Task[str | None]]:
    """Claim to be these, one after the other, each `address/user`."""
    tasks = []
    for name in names:
        address, user = name.split("/")
        tasks.append(asyncio.create_task(checks.run(Claimant(address, user), answered.of(name))))
        await asyncio.sleep(0)
    return tasks


async def test_addresses_take_turns_and_so_do_their_users() -> None:
    answered = Answered()
    claims = ["a/1", "a/1", "a/1", "a/2", "a/3", "b/1", "c/1"]
    tasks = await queue(CredentialChecks(1), answered, claims)
    answered.go.set()
    await asyncio.gather(*tasks)
    assert answered.began == ["a/1", "a/1", "b/1", "c/1", "a/2", "a/3", "a/1"]


async def test_a_user_is_checked_once_at_a_time_and_another_one_at_once() -> None:
    """No check of the others has ended when bob's begins, whether he is at their address or at his own."""
    answered = Answered()
    claims = [*["a/eve"] * 9, "a/bob", "b/bob"]
    tasks = await queue(CredentialChecks(2), answered, claims)
    assert answered.began == ["a/eve", "a/bob"]
    answered.go.set()
    await asyncio.gather(*tasks)
    assert answered.began[2:4] == ["a/eve", "b/bob"]
    assert answered.began.count("a/eve") == 9


async def test_a_claim_that_is_given_up_leaves_its_turn_to_others() -> None:
    answered = Answered()
    tasks = await queue(CredentialChecks(1), answered, ["a/1", "a/2", "a/3"])
    for task in tasks[:2]:
        task.cancel()
    answered.go.set()
    assert await tasks[2] == "a/3"
    assert answered.began == ["a/1", "a/3"]


@pytest.mark.parametrize(
    ("claimants", "admitted"),
    [
        ([Claimant("a", "bob")] * 50, 9),
        ([Claimant("a", str(n)) for n in range(50)], 17),
        ([Claimant(str(n), "bob") for n in range(500)], 257),
    ],
)
async def test_the_queue_is_bounded_for_a_user_an_address_and_in_total(
    claimants: list[Claimant], admitted: int
) -> None:
    checks = CredentialChecks(1)
    answered = Answered()
    tasks = [asyncio.create_task(checks.run(claimant, answered.of(""))) for claimant in claimants]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    answered.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(result == "" for result in results) == admitted
    assert {error.code for error in results if isinstance(error, ApiError)} == {42901}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8:1:2:3::4", 1, 0, 0), "2001:db8:1:2::/64"),
        (("::ffff:10.0.0.1", 1, 0, 0), "10.0.0.1"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_an_ipv6_network_counts_as_one_address(peer: object, address: str) -> None:
    class Transport(asyncio.BaseTransport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return peer if name == "peername" else default

    assert Claimant.at(Transport(), "bob").address == address

"""Writes that reach a follower, beside a primary that is imitated: what it is sent, and what comes of its answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import ClientResponse, ClientSession, web

from karapace_like.registry.registry import Registry
from karapace_like.replication.write_availability import WriteAvailability, WriteAvailabilityBoard
from karapace_like.web.app import make_app
from tests.web.conftest import MemoryLog, TopicRecord, in_memory, leading

SCHEMA = {"schema": '"int"'}
CONFLUENT_HAS_NO_PRIMARY = {"error_code": 50004, "message": "Leader not known."}
CONFLUENT_HAS_FAILED = {
    "error_code": 50003,
    "message": "Error while forwarding register schema request to the leader",
}
KARAPACE_HAS_NO_PRIMARY = {"error_code": 50003, "message": "Error while forwarding the request to the master."}
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Primary:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, *answers: Answering) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.was_asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        self.was_asked.set()
        answering = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await answering(request)


class Board(WriteAvailabilityBoard):
    """Tells when somebody waits for an election."""

    def __init__(self) -> None:
        super().__init__()
        self.is_watched = asyncio.Event()

    async def wait_for_change_from(self, seen: WriteAvailability) -> WriteAvailability:
        self.is_watched.set()
        return await super().wait_for_change_from(seen)


class Follower:
    """One node that takes whatever is at `primary` for the primary, or knows none."""

    def __init__(self, client: ClientSession, log: MemoryLog, registry: Registry, primary: str | None) -> None:
        self.client, self.log, self.registry, self.primary = client, log, registry, primary
        self.board = registry.board = Board()

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> ClientResponse:
        return await self.client.request(method, path, json=body, headers=headers)

    def take(self, *records: tuple[bytes, bytes]) -> None:
        """What the primary wrote arrives."""
        self.log.records += [TopicRecord(key, value, 0) for key, value in records]
        self.registry.apply_batch(self.log.records[-len(records) :], len(self.log.records))


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """As `serve/` does it: aiohttp's test server would cancel what a client does not wait for. The URL."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def follower(primary: Primary | None, *, write_timeout: float = 60.0) -> AsyncIterator[Follower]:
    async with AsyncExitStack() as stack:
        url = None
        if primary is not None:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", primary.answer)
            url = await stack.enter_async_context(serving(app))
        registry, log = in_memory(write_timeout=write_timeout)
        own = await stack.enter_async_context(serving(make_app(registry)))
        client = await stack.enter_async_context(ClientSession(own))
        node = Follower(client, log, registry, url)
        registry.follow(url)
        yield node


def says(status: int, body: object, **headers: str) -> Answering:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(
            body, status=status, headers={key.replace("_", "-"): each for key, each in headers.items()}
        )

    return answer


async def breaks_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise ConnectionResetError


async def is_silent(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError(request)


async def refusal(answer: ClientResponse) -> tuple[int, int, str | None, str]:
    body = await answer.json(content_type=None)
    return answer.status, body["error_code"], answer.headers.get("Retry-After"), body["message"]


async def test_the_primary_is_asked_with_the_callers_own_words() -> None:
    """Headers, credentials, query and body; with a mark that it was sent on, and by whom. The answer comes back."""
    primary = Primary(says(200, {"id": 1}, X_Extra="kept"))
    async with follower(primary) as node:
        answer = await node.ask(
            "POST", "/subjects/a%2Fb/versions?normalize=true", SCHEMA, Authorization="Basic YTpi", Accept="text/x"
        )
        assert (answer.status, await answer.json(), answer.headers["X-Extra"]) == (200, {"id": 1}, "kept")
    [(method, path, headers, body)] = primary.asked
    assert (method, path, body) == ("POST", "/subjects/a%2Fb/versions?normalize=true", b'{"schema": "\\"int\\""}')
    assert (headers["Authorization"], headers["Accept"], headers["X-Forward"]) == ("Basic YTpi", "text/x", "true")
    assert headers["X-Request-ID"]
    assert headers["X-Forwarded-For"] == "127.0.0.1"


@pytest.mark.parametrize("mark", [{"X-Forward": "true"}, {"User-Agent": "Karapace/5.0.3"}])
async def test_a_request_that_was_sent_on_already_is_not_sent_on_again(mark: dict[str, str]) -> None:
    primary = Primary(says(200, {"id": 1}))
    async with follower(primary) as node:
        status, code, retry_after, message = await refusal(await node.ask("PUT", "/config", {}, **mark))
        assert (status, code, retry_after) == (503, 50004, "1")
        assert str(node.primary) in message
    assert primary.asked == []


async def test_what_the_primary_wrote_is_read_through_the_node_that_was_asked() -> None:
    """The answer waits until this node has it."""
    primary = Primary(says(200, {"id": 1}, X_Registry_Offset="1"))
    async with follower(primary) as node:
        asked = asyncio.create_task(node.ask("POST", "/subjects/a/versions", SCHEMA))
        await primary.was_asked.wait()
        assert (await node.ask("GET", "/schemas/ids/1")).status == 404
        assert not asked.done()
        node.take(
            (
                b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
                b'{"subject":"a","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
            )
        )
        assert (await asked).status == 200
        assert (await (await node.ask("GET", "/schemas/ids/1")).json())["schema"] == '"int"'


async def test_what_this_node_can_tell_by_itself_is_not_sent_on() -> None:
    primary = Primary(says(500, {}))
    async with follower(primary) as node:
        answer = await node.ask("POST", "/subjects/a/versions", {"schema": "no schema"})
        assert (await refusal(answer))[:2] == (422, 42201)
    assert primary.asked == []


@pytest.mark.parametrize(
    "first",
    [
        breaks_off,
        says(503, {"error_code": 50004, "message": "Leader not known."}),
        says(500, {"error_code": 50002, "message": "The outcome is not known."}, Retry_After="1"),
        says(500, CONFLUENT_HAS_NO_PRIMARY),
        says(500, CONFLUENT_HAS_FAILED),
        says(500, KARAPACE_HAS_NO_PRIMARY),
    ],
)
async def test_a_registration_is_asked_again_until_a_primary_answers(first: Answering) -> None:
    """The client sees a slow success."""
    primary = Primary(first, says(200, {"id": 7}))
    async with follower(primary) as node:
        answer = await node.ask("POST", "/subjects/a/versions", SCHEMA)
        assert (answer.status, await answer.json()) == (200, {"id": 7})
    assert len(primary.asked) == 2


async def test_a_refusal_of_the_primary_is_the_answer() -> None:
    body = {"error_code": 409, "message": "Schema being registered is incompatible"}
    async with follower(Primary(says(409, body))) as node:
        answer = await node.ask("POST", "/subjects/a/versions", SCHEMA)
        assert (answer.status, await answer.json()) == (409, body)


async def test_a_deletion_that_breaks_off_is_not_repeated() -> None:
    """The second one would find nothing to delete. The client is told that nobody knows, and may repeat it."""
    primary = Primary(breaks_off)
    async with follower(primary) as node:
        node.take(
            (
                b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
                b'{"subject":"a","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
            )
        )
        status, code, retry_after, message = await refusal(await node.ask("DELETE", "/subjects/a"))
        assert (status, code, retry_after) == (503, 50003, "1")
        assert "safe to retry" in message
    assert len(primary.asked) == 1


@pytest.mark.parametrize("body", [CONFLUENT_HAS_NO_PRIMARY, KARAPACE_HAS_NO_PRIMARY], ids=["Confluent", "Karapace"])
async def test_a_deletion_waits_until_another_product_has_elected_its_primary(body: dict[str, object]) -> None:
    """Nothing was written: it is asked again, as it is where one of our own nodes is not the primary."""
    primary = Primary(says(500, body), says(200, [1]))
    async with follower(primary) as node:
        node.take(
            (
                b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
                b'{"subject":"a","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
            )
        )
        answer = await node.ask("DELETE", "/subjects/a")
        assert (answer.status, await answer.json()) == (200, [1])
    assert len(primary.asked) == 2


async def test_a_deletion_whose_outcome_another_product_does_not_know_is_not_repeated() -> None:
    primary = Primary(says(500, CONFLUENT_HAS_FAILED))
    async with follower(primary) as node:
        node.take(
            (
                b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
                b'{"subject":"a","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
            )
        )
        answer = await node.ask("DELETE", "/subjects/a")
        assert (answer.status, (await answer.json())["error_code"]) == (500, 50003)
    assert len(primary.asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((), (503, 50004, "1", "Leader not known. No primary is elected at the moment.")),
        ((says(503, {}),), (503, 50004, "1", "does not answer as the primary.")),
        ((breaks_off,), (500, 50002, "1", "It is safe to retry.")),
        ((is_silent,), (500, 50002, "1", "It is safe to retry.")),
        ((breaks_off, says(503, {})), (500, 50002, "1", "It is safe to retry.")),
        ((says(500, KARAPACE_HAS_NO_PRIMARY),), (503, 50004, "1", "does not answer as the primary.")),
        ((says(500, CONFLUENT_HAS_FAILED),), (500, 50002, "1", "It is safe to retry.")),
    ],
    ids=[
        "nobody",
        "not the primary",
        "broken off",
        "silent",
        "broken off, then not the primary",
        "Karapace",
        "Confluent",
    ],
)
async def test_without_a_primary_in_time_the_reason_is_told(
    answers: Sequence[Answering], expected: tuple[int, int, str, str]
) -> None:
    """And that the outcome is not known, where the request may have been carried out."""
    async with follower(Primary(*answers) if answers else None, write_timeout=1.0) as node:
        *told, message = await refusal(await node.ask("POST", "/subjects/a/versions", SCHEMA))
        assert tuple(told) == expected[:3]
        assert message.endswith(expected[3])


async def test_a_write_waits_for_the_election_of_this_node() -> None:
    async with follower(None) as node:
        asked = asyncio.create_task(node.ask("POST", "/subjects/a/versions", SCHEMA))
        await node.board.is_watched.wait()
        async with leading(node.registry):
            answer = await asked
        assert (answer.status, (await answer.json())["id"]) == (200, 1)


async def test_a_write_does_not_wait_for_an_election_that_a_stopping_node_will_not_hear_of() -> None:
    async with follower(None) as node:
        asked = asyncio.create_task(node.ask("POST", "/subjects/a/versions", SCHEMA))
        await node.board.is_watched.wait()
        node.registry.leave()
        expected = (503, 50004, "1", "Leader not known. This node is stopping.")
        assert await refusal(await asked) == expected
        assert await refusal(await node.ask("POST", "/subjects/a/versions", SCHEMA)) == expected


async def test_a_write_waits_for_no_election_where_the_other_workers_stop() -> None:
    """But it is written where this process is the primary, and fails once that is not so."""
    async with follower(None) as node:
        asked = asyncio.create_task(node.ask("POST", "/subjects/a/versions", SCHEMA))
        await node.board.is_watched.wait()
        node.registry.stop_waiting_for_primary()
        expected = (503, 50004, "1", "Leader not known. This node is stopping.")
        assert await refusal(await asked) == expected
        async with leading(node.registry):
            assert (await node.ask("POST", "/subjects/b/versions", SCHEMA)).status == 200
        assert await refusal(await node.ask("POST", "/subjects/c/versions", SCHEMA)) == expected


async def test_a_write_that_the_primary_has_is_answered_by_a_node_that_stops() -> None:
    answering = asyncio.Event()

    async def answer_late(_: web.Request) -> web.StreamResponse:
        await answering.wait()
        return web.json_response({"id": 7})

    primary = Primary(answer_late)
    async with follower(primary) as node:
        asked = asyncio.create_task(node.ask("POST", "/subjects/a/versions", SCHEMA))
        await primary.was_asked.wait()
        node.registry.leave()
        expected = (503, 50004, "1", "Leader not known. This node is stopping.")
        assert await refusal(await node.ask("POST", "/subjects/b/versions", SCHEMA)) == expected
        answering.set()
        answer = await asked
        assert (answer.status, await answer.json()) == (200, {"id": 7})


async def test_a_write_that_nobody_waits_for_any_more_is_not_carried_out_later() -> None:
    """Whoever asked may have asked another node since, and deleted the schema again."""
    async with follower(None) as node:
        asked = asyncio.create_task(node.ask("POST", "/subjects/a/versions", SCHEMA))
        await node.board.is_watched.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert (await node.ask("GET", "/subjects")).status == 200  # by now the server has seen the connection close
        async with leading(node.registry):
            assert (await node.ask("POST", "/subjects/b/versions", SCHEMA)).status == 200
            assert await (await node.ask("GET", "/subjects")).json() == ["b"]

"""Nodes that share a secret: what only seems to come from one of them is refused, and what does is believed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from karapace_like.access import authfile
from karapace_like.kafka import identity
from karapace_like.secret import Secret
from karapace_like.web.app import make_app
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.cluster.peers import Peers
from tests.web.access.conftest import basic, written
from tests.web.conftest import in_memory, leading
from tests.web.test_forwarding import serving

SECRET = "of-all-nodes"
SCHEMA = {"schema": '"int"'}
AUTHFILE = written(
    {"alice": "her-password"}, [{"principals": ["alice"], "operations": ["write", "read"], "resource": "subject"}]
)


class Node:
    """A node with access control; what it was asked is kept."""

    def __init__(self, secret: str | None) -> None:
        self.registry, self.log = in_memory(write_timeout=1)
        access = Access(Authentication())
        access.use(authfile.parse(AUTHFILE))
        peers = Peers(None if secret is None else Secret(secret))
        self.app = make_app(self.registry, peers=peers, access=access)
        self.asked: list[dict[str, str]] = []
        self.app.middlewares.insert(0, self._keeps)

    @web.middleware
    async def _keeps(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.asked.append(dict(request.headers))
        return await handler(request)  # type: ignore[operator,no-any-return]


class Pair:
    """A primary, and a follower that knows it by its URL."""

    def __init__(self, primary: Node, follower: Node, urls: tuple[str, str], client: ClientSession) -> None:
        self.primary, self.follower = primary, follower
        self.primary_url, self.follower_url = urls
        self._client = client
        follower.registry.follow(self.primary_url)

    async def register(self, url: str, **headers: str) -> tuple[int, str]:
        path = f"{url}/subjects/a/versions"
        told = {**basic("alice", "her-password"), **{name.replace("_", "-"): each for name, each in headers.items()}}
        async with self._client.post(path, json=SCHEMA, headers=told) as answer:
            return answer.status, await answer.text()


async def pair(stack: AsyncExitStack, secrets: tuple[str | None, str | None]) -> Pair:
    primary, follower = (Node(each) for each in secrets)
    urls = [await stack.enter_async_context(serving(each.app)) for each in (primary, follower)]
    await stack.enter_async_context(leading(primary.registry))
    client = await stack.enter_async_context(ClientSession())
    return Pair(primary, follower, (urls[0], urls[1]), client)


@pytest.fixture
async def nodes() -> AsyncIterator[Pair]:
    """Both know the secret."""
    async with AsyncExitStack() as stack:
        yield await pair(stack, (SECRET, SECRET))


async def test_a_write_is_sent_on_with_the_secret_and_the_callers_credentials(nodes: Pair) -> None:
    await nodes.register(nodes.follower_url, X_Forward_Secret="a-client-s")
    asked = nodes.primary.asked[-1]
    assert (asked["X-Forward"], asked["X-Forward-Secret"]) == ("true", SECRET)
    assert asked["Authorization"] == basic("alice", "her-password")["Authorization"]
    # The follower's log is not the primary's, so it waits in vain for what was written.
    assert len(nodes.primary.log.records) > 0


@pytest.mark.parametrize("proof", [{}, {"X_Forward_Secret": "wrong"}, {"X_Forward_Secret": ""}])
@pytest.mark.parametrize("mark", [{"X_Forward": "true"}, {"User_Agent": "Karapace/5"}])
async def test_a_mark_without_the_secret_is_refused(nodes: Pair, mark: dict[str, str], proof: dict[str, str]) -> None:
    for url in (nodes.primary_url, nodes.follower_url):
        status, told = await nodes.register(url, **mark, **proof)
        assert (status, '"error_code":403' in told) == (403, True)
        assert SECRET not in told
    assert nodes.primary.log.records == nodes.follower.log.records == []


async def test_a_right_mark_is_not_sent_on_again(nodes: Pair) -> None:
    """So two nodes that take each other for the primary do not send a request round and round."""
    status, told = await nodes.register(nodes.follower_url, X_Forward="true", X_Forward_Secret=SECRET)
    assert status == 503, told
    assert nodes.primary.asked == []


async def test_nobody_vouches_for_himself(nodes: Pair) -> None:
    """A client cannot say whom his certificate names, whether or not he gives a password as well."""
    async with ClientSession() as client:
        for url in (nodes.primary_url, nodes.follower_url):
            async with client.get(f"{url}/subjects", headers={"X-Worker-Certified": "alice"}) as answer:
                assert answer.status == 401


async def test_nodes_with_different_secrets_do_not_believe_each_other() -> None:
    async with AsyncExitStack() as stack:
        nodes = await pair(stack, (SECRET, "another"))
        status, told = await nodes.register(nodes.follower_url)
        assert (status, "forwarding_secret" in told) == (403, True)
        assert nodes.primary.log.records == []


@pytest.mark.parametrize(
    "member",
    [
        b'{"host":"x/?a=","port":80,"master_eligibility":true}',
        b'{"host":"user@x","port":80,"master_eligibility":true}',
        b'{"host":"","port":80,"master_eligibility":true}',
        b'{"host":"..","port":80,"master_eligibility":true}',
        b'{"host":"a:b","port":80,"master_eligibility":true}',
        b'{"host":"[::1","port":80,"master_eligibility":true}',
        b'{"host":"%b","port":80,"master_eligibility":true}' % (b"x" * 70_000),
        b'{"host":"x","port":18446744073709551697,"master_eligibility":true}',
        b'{"host":"x","port":%b,"master_eligibility":true}' % (b"9" * 5_000),
        b'{"host":"x","port":80,"later":%b}' % (b"[" * 100_000),
        b"",
        b"\xff",
        b'{"host":"x","port":0,"master_eligibility":true}',
        b'{"host":"x","port":70000,"master_eligibility":true}',
        b'{"host":"x","port":80,"scheme":"file","master_eligibility":true}',
    ],
)
def test_an_address_that_is_none_is_not_asked(member: bytes) -> None:
    assert identity.decode_identity(member) is None


@pytest.mark.parametrize("host", ["a.example", "10.0.0.1", "::1", "[::1]", "a_b"])
def test_an_address_is_a_members(host: str) -> None:
    found = identity.decode_identity(b'{"host":"%b","port":80,"scheme":"https"}' % host.encode())
    assert found is not None
    assert URL(found.url).port == 80

"""HTTPS with certificates made here: who may connect, who a certificate stands for, and files that are replaced."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from karapace_like.background import BackgroundTasks
from karapace_like.config import ConfigError, load
from karapace_like.serve.election_member import cancel
from karapace_like.serve.security import Security
from karapace_like.web.app import make_app
from karapace_like.web.callers.access import Access
from tests.waiting import until
from tests.web.access.certificates import Authority
from tests.web.access.conftest import basic, written
from tests.web.conftest import Server, in_memory, leading

RULES = r"RULE:^CN=([^,]+),OU=services(,.*)?$/$1/L,RULE:^CN=([^,]+),OU=people.*$/$1@people/"
GRANTS = [{"principals": ["alice"], "operations": ["read"], "resource": "subject"}]


class Files:
    """The service's files, and the clients'."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority("first")
        self.clients = Authority("clients")
        self.trusted = self.authority.write(folder / "ca.pem")
        self.clients_trusted = self.clients.write(folder / "clients-ca.pem")
        self.server = self.authority.issue(folder / "server.pem", "CN=server")
        self.authfile = folder / "auth.json"
        self.authfile.write_bytes(written({"alice": "a"}, GRANTS))

    def certified(self, client_auth: str) -> dict[str, str]:
        """The settings of a service that knows users, and clients by their certificates."""
        return {
            "server_tls_client_auth": client_auth,
            "server_tls_cafile": str(self.clients_trusted),
            "server_tls_principal_mapping_rules": RULES,
            "registry_authfile": str(self.authfile),
        }

    def client(self, subject: str | None, authority: Authority | None = None) -> ssl.SSLContext:
        """What a client connects with: it trusts the first authority, and may have a certificate."""
        context = ssl.create_default_context(cafile=self.trusted)
        if subject is not None:
            context.load_cert_chain((authority or self.clients).issue(self.folder / "client.pem", subject))
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


Serve = Callable[..., Any]


@pytest.fixture
async def serve(files: Files) -> AsyncIterator[Serve]:
    """Serve a registry with these settings; its URL."""
    async with AsyncExitStack() as stack:

        async def started(**settings: Any) -> str:
            return await stack.enter_async_context(_served(files, settings))

        yield started


@asynccontextmanager
async def _served(files: Files, settings: dict[str, Any]) -> AsyncIterator[str]:
    flags = {"listeners": "https://127.0.0.1:0", "server_tls_certfile": str(files.server), **settings}
    background = BackgroundTasks()
    security = Security.build(load(environment={}, flags=flags)[0], background)
    registry, _ = in_memory()
    server = Server(make_app(registry, access=security.access), scheme="https")
    server.admit = security.access.recognise if isinstance(security.access, Access) else None
    assert security.tls is not None
    async with leading(registry):
        await server.start_server(ssl=security.tls.context)
        watching = [background.start(each.name, each.run) for each in security.watchers()]
        yield str(server.make_url("")).rstrip("/")
        await cancel(*watching)
        await server.close()


async def status(url: str, context: ssl.SSLContext, headers: dict[str, str] | None = None) -> int:
    """The status of a request on a connection of its own."""
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"{url}/subjects/s/versions", headers=headers) as answer,
    ):
        return answer.status


async def test_without_a_certificate_nobody_connects_where_it_is_required(files: Files, serve: Serve) -> None:
    url = await serve(server_tls_client_auth="required", server_tls_cafile=str(files.clients_trusted))
    assert await status(url, files.client("CN=anybody")) == 404
    for context in (files.client(None), files.client("CN=anybody", Authority("clients"))):
        with pytest.raises((aiohttp.ClientError, OSError)):
            await status(url, context)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("O=firm,OU=services,CN=Alice", 404),
        ("OU=services,CN=bob", 403),
        ("OU=people,CN=alice", 403),
        ("OU=elsewhere,CN=alice", 401),
    ],
)
async def test_a_certificates_subject_is_mapped_to_a_principal(
    files: Files, serve: Serve, subject: str, expected: int
) -> None:
    """By the first rule for the whole subject; one without a rule is nobody."""
    url = await serve(**files.certified("optional"))
    context = files.client(subject)
    for _ in range(3):
        assert await status(url, context) == expected


async def test_who_has_no_certificate_may_have_a_password(files: Files, serve: Serve) -> None:
    """Where certificates are optional; and a wrong password is not made good by a certificate."""
    url = await serve(**files.certified("optional"))
    assert await status(url, files.client(None)) == 401
    assert await status(url, files.client(None), basic("alice", "a")) == 404
    assert await status(url, files.client("OU=services,CN=alice"), basic("alice", "wrong")) == 401


async def test_each_connection_is_told_what_its_own_certificate_may_see(files: Files, serve: Serve) -> None:
    """Requests that are alike byte for byte, on connections of different callers."""
    url = await serve(**files.certified("required"))
    alice, bob = files.client("OU=services,CN=alice"), files.client("OU=services,CN=bob")
    for _ in range(4):
        assert (await status(url, alice), await status(url, bob)) == (404, 403)


@pytest.mark.slow
async def test_files_are_replaced_under_load_and_no_request_fails(files: Files, serve: Serve) -> None:
    """The certificate, the clients' authority and the users; afterwards only what is in the files counts."""
    url = await serve(**files.certified("optional"))
    certified, anonymous = files.client("OU=services,CN=alice"), files.client(None)
    answered: list[int] = []
    stopping = asyncio.Event()

    async def load_on() -> None:
        while not stopping.is_set():
            answered.append(await status(url, anonymous, basic("alice", "a")))

    loading = [asyncio.create_task(load_on()) for _ in range(3)]
    before = await _serial(url, anonymous)
    files.authority.issue(files.server, "CN=server")
    await until(lambda: _differs(url, anonymous, before))
    # A file that cannot be used changes nothing.
    files.authfile.write_text('{"users": [')
    both = Authority("clients-2")
    files.clients_trusted.write_bytes(both.write(files.folder / "new.pem").read_bytes())
    await until(lambda: _is_refused(url, certified))
    assert await status(url, files.client("OU=services,CN=alice", both)) == 404
    assert await status(url, anonymous, basic("alice", "a")) == 404
    files.authfile.write_bytes(written({"alice": "a", "carol": "c"}, [{**GRANTS[0], "principals": ["*"]}]))
    await until(lambda: _is(404, url, anonymous, basic("carol", "c")))
    stopping.set()
    await asyncio.gather(*loading)
    assert set(answered) == {404}
    files.authfile.write_bytes(written({"alice": "b"}, GRANTS))
    await until(lambda: _is(401, url, anonymous, basic("alice", "a")))
    assert await status(url, anonymous, basic("alice", "b")) == 404
    assert await status(url, anonymous, basic("carol", "c")) == 401


async def test_tls_before_1_2_is_refused(files: Files, serve: Serve) -> None:
    """By the service, whatever the client would take."""
    host, port = (await serve()).removeprefix("https://").split(":")
    context = files.client(None)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError) as refused:  # noqa: PT011 - an alert, or only the end of the connection
        await asyncio.open_connection(host, int(port), ssl=context)
    assert getattr(refused.value, "reason", "") != "NO_PROTOCOLS_AVAILABLE"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()


async def test_a_key_may_be_encrypted(files: Files, serve: Serve) -> None:
    """With its password it is used; with another one the service does not start, and does not tell the password."""
    files.authority.issue(files.server, "CN=server", password=b"key-password")
    url = await serve(server_tls_password="key-password")
    assert await status(url, files.client(None)) == 404
    for wrong in ("wrong-password", None):
        with pytest.raises(ConfigError, match="server_tls_keyfile") as refused:
            await serve(server_tls_password=wrong)
        assert "wrong-password" not in str(refused.value)


async def _serial(url: str, context: ssl.SSLContext) -> str:
    host, port = url.removeprefix("https://").split(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    found: str = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return found


async def _differs(url: str, context: ssl.SSLContext, before: str) -> bool:
    return await _serial(url, context) != before


async def _is_refused(url: str, context: ssl.SSLContext) -> bool:
    try:
        await status(url, context)
    except (aiohttp.ClientError, OSError):
        return True
    return False


async def _is(expected: int, url: str, context: ssl.SSLContext, headers: dict[str, str]) -> bool:
    return await status(url, context, headers) == expected

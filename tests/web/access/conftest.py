"""Applications with access control: an authfile, an issuer of tokens, and both halves over a real broker."""

import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jws
from joserfc.jwk import RSAKey

from karapace_like.access import authfile
from karapace_like.access.passwords import Algorithm, new_user
from karapace_like.access.quotas import Quotas
from karapace_like.access.tokens import TokenRules
from karapace_like.registry.registration import Rules
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.callers.tokens import TokenVerifier
from karapace_like.web.callers.usage import UsageTable
from karapace_like.web.keys.services import KeyHandling
from tests import leaks
from tests.web.conftest import Api

ISSUER = "https://issuer.example"
AUDIENCE = "registry"


def basic(username: str, password: str) -> dict[str, str]:
    """The headers that say who it is."""
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    leaks.register(password, encoded)
    return {"Authorization": f"Basic {encoded}"}


def bearer(token: str) -> dict[str, str]:
    leaks.register(token)
    return {"Authorization": f"Bearer {token}"}


def written(users: dict[str, str], grants: list[dict[str, Any]] | None = None, **others: Any) -> bytes:
    """An authfile; `users` are names and passwords. Its hashes are quick ones."""
    leaks.register(*users.values())
    entries = [msgspec.to_builtins(new_user(name, password, Algorithm.SHA256)) for name, password in users.items()]
    return msgspec.json.encode({"users": entries, "grants": grants or [], **others})


class Issuer:
    """An OpenID Connect issuer: it shows its keys, and changes them."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048)
        self.shown: list[RSAKey] = [self.key]
        self.fetched = 0
        self.url = ""

    def rotate(self) -> None:
        """Sign with a new key, and show only that."""
        self.key = RSAKey.generate_key(2048)
        self.shown = [self.key]

    def token(self, name: str, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": name, "iat": now, "exp": now + 3600, **claims}
        said = {claim: value for claim, value in said.items() if value is not None}
        signing = key or self.key
        signing.ensure_kid()
        # Not by `jwt.encode`, which cannot write what a hostile issuer's client could: half of a surrogate pair.
        return jws.serialize_compact({"alg": "RS256", "kid": signing.kid, **(header or {})}, json.dumps(said), signing)

    async def _keys(self, _: web.Request) -> web.Response:
        self.fetched += 1
        for each in self.shown:
            each.ensure_kid()
        return web.json_response({"keys": [each.as_dict(private=False) for each in self.shown]})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Issuer"]:
        app = web.Application()
        app.router.add_get("/keys", self._keys)
        async with TestServer(app) as server:
            self.url = str(server.make_url("/keys"))
            yield self


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer of this test's own."""
    async with Issuer().serving() as serving:
        yield serving


StartGuarded = Callable[..., Awaitable[Api]]


@pytest.fixture
async def start_guarded(start: Callable[..., Awaitable[Api]]) -> AsyncIterator[StartGuarded]:
    """Start a registry with access control: (authfile's text, token rules and issuer)."""
    async with AsyncExitStack():
        yield partial(_started, start)


async def _started(
    start: Callable[..., Awaitable[Api]],
    text: bytes | None = None,
    *,
    issuer: Issuer | None = None,
    token_rules: TokenRules | None = None,
    rules: Rules | None = None,
    quotas: Quotas | None = None,
    usage: UsageTable | None = None,
    keys: KeyHandling | None = None,
    **options: Any,
) -> Api:
    tokens = None if issuer is None else TokenVerifier(issuer.url, token_rules or TokenRules(issuer=ISSUER))
    access = Access(Authentication(tokens=tokens), **options)
    if text is not None:
        access.use(authfile.parse(text))
    return await start(access=access, rules=rules, quotas=quotas, usage=usage, keys=keys)

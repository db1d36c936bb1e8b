"""Bearer tokens of an OIDC issuer that runs beside: what is taken, what is not, and keys that change."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc.jwk import ECKey, RSAKey

from karapace_like.access.tokens import TokenRules
from tests.web.access.conftest import AUDIENCE, ISSUER, Issuer, StartGuarded, basic, bearer, written

RULES = TokenRules(
    issuer=ISSUER,
    audiences=frozenset({AUDIENCE, "other"}),
    authorized_party="client",
    is_typed=True,
    leeway=30,
    roles_path=("realm", "roles"),
)
AUTHFILE = written({}, [{"roles": ["reader"], "operations": ["describe"], "resource": "subject"}])
RIGHT: dict[str, Any] = {"azp": "client", "header": {"typ": "at+jwt"}}


def _part(said: dict[str, Any] | bytes) -> str:
    return base64.urlsafe_b64encode(said if isinstance(said, bytes) else json.dumps(said).encode()).decode().rstrip("=")


def _by_public_key(issuer: Issuer) -> str:
    """Signed with the public key as if it were a shared secret."""
    _, claims, _ = issuer.token("a", **RIGHT).split(".")
    signed = _part({"alg": "HS256", "typ": "at+jwt", "kid": issuer.key.kid}) + "." + claims
    signature = hmac.digest(issuer.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{_part(signature)}"


def _namesake(issuer: Issuer) -> RSAKey:
    issuer.key.ensure_kid()
    return RSAKey.generate_key(2048, {"kid": issuer.key.kid or ""})


def _unsigned(issuer: Issuer) -> str:
    _, claims, _ = issuer.token("a", **RIGHT).split(".")
    return f"{_part({'alg': 'none', 'typ': 'at+jwt'})}.{claims}."


def _changed(issuer: Issuer) -> str:
    header, _, signature = issuer.token("a", **RIGHT).split(".")
    _, claims, _ = issuer.token("somebody-else", **RIGHT).split(".")
    return f"{header}.{claims}.{signature}"


NO_TIMES: list[object] = [float("nan"), float("inf"), float("-inf"), 10**400, True, [], "1"]


def _with_claim(claim: str, value: object, issuer: Issuer) -> str:
    return issuer.token("a", **{**RIGHT, claim: value})


WRONG: dict[str, Callable[[Issuer], str]] = {
    "another issuer": lambda issuer: issuer.token("a", **RIGHT, iss="https://elsewhere.example"),
    "no issuer": lambda issuer: issuer.token("a", **RIGHT, iss=None),
    "another audience": lambda issuer: issuer.token("a", **RIGHT, aud=["elsewhere"]),
    "no audience": lambda issuer: issuer.token("a", **RIGHT, aud=None),
    "another client": lambda issuer: issuer.token("a", azp="elsewhere", header=RIGHT["header"]),
    "no access token": lambda issuer: issuer.token("a", azp="client", header={"typ": "JWT"}),
    "expired": lambda issuer: issuer.token("a", **RIGHT, exp=int(time.time()) - 60),
    "without an end": lambda issuer: issuer.token("a", **RIGHT, exp=None),
    **{f"{claim} {value}": partial(_with_claim, claim, value) for claim in ("exp", "nbf", "iat") for value in NO_TIMES},
    "half of a surrogate pair in the subject": lambda issuer: issuer.token("a\ud800", **RIGHT),
    "half of a surrogate pair in a role": lambda issuer: issuer.token("a", **RIGHT, realm={"roles": ["\udc00"]}),
    "an end that is no number": lambda issuer: issuer.token("a", **RIGHT, exp="tomorrow"),
    "not yet valid": lambda issuer: issuer.token("a", **RIGHT, nbf=int(time.time()) + 3600),
    "without a subject": lambda issuer: issuer.token("", **RIGHT),
    "another key of that name": lambda issuer: issuer.token("a", key=_namesake(issuer), **RIGHT),
    "a key that nobody knows": lambda issuer: issuer.token("a", key=RSAKey.generate_key(2048), **RIGHT),
    "the public key as a secret": _by_public_key,
    "no signature": _unsigned,
    "changed claims": _changed,
    "no token": lambda _: "a.b.c",
    "huge": lambda issuer: issuer.token("a", **RIGHT, padding="x" * 20_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", WRONG)
async def test_a_token_that_is_not_right_lets_nobody_in(
    start_guarded: StartGuarded, issuer: Issuer, fault: str
) -> None:
    api = await start_guarded(AUTHFILE, issuer=issuer, token_rules=RULES)
    answer = await api.response("GET", "/subjects", headers=bearer(WRONG[fault](issuer)))
    assert answer.status in {401, 400, 431}  # 431: a token that is too long for a header
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="karapace-like"'


async def test_a_right_token_is_a_principal_with_roles(start_guarded: StartGuarded, issuer: Issuer) -> None:
    """An end within the leeway counts; roles come from the claim, and grants are for roles and names."""
    api = await start_guarded(AUTHFILE, issuer=issuer, token_rules=RULES)
    reader = bearer(issuer.token("a", **RIGHT, realm={"roles": ["reader"]}, exp=int(time.time()) - 5))
    assert (await api("GET", "/subjects/s/versions", headers=reader))[0] == 404
    for claims in ({}, {"realm": {"roles": ["other"]}}, {"realm": "reader"}, {"roles": ["reader"]}):
        assert (await api("GET", "/subjects/s/versions", headers=bearer(issuer.token("a", **RIGHT, **claims))))[
            0
        ] == 403


async def test_an_elliptic_curve_is_as_good(start_guarded: StartGuarded, issuer: Issuer) -> None:
    key = ECKey.generate_key("P-256")
    issuer.shown.append(key)  # type: ignore[arg-type]
    api = await start_guarded(None, issuer=issuer)
    token = issuer.token("a", key=key, header={"alg": "ES256"})
    assert (await api("GET", "/subjects", headers=bearer(token)))[0] == 200


async def test_keys_change_without_a_restart(start_guarded: StartGuarded, issuer: Issuer) -> None:
    """A new key is fetched when a token names it, and the tokens of a key that is gone are not taken any more."""
    api = await start_guarded(None, issuer=issuer)
    old = bearer(issuer.token("a"))
    assert (await api("GET", "/subjects", headers=old))[0] == 200
    issuer.rotate()
    assert (await api("GET", "/subjects", headers=bearer(issuer.token("a"))))[0] == 200
    assert (await api("GET", "/subjects", headers=old))[0] == 401


async def test_keys_change_under_load_and_no_request_fails(start_guarded: StartGuarded, issuer: Issuer) -> None:
    """As issuers do it: the new key is shown beside the old one, and then tokens are signed with it."""
    api = await start_guarded(None, issuer=issuer)
    keys = [RSAKey.generate_key(2048) for _ in range(3)]
    tokens, answered, stopping = [bearer(issuer.token("a"))], list[int](), asyncio.Event()

    async def load_on() -> None:
        while not stopping.is_set():
            answered.append((await api("GET", "/subjects", headers=tokens[-1]))[0])

    loading = [asyncio.create_task(load_on()) for _ in range(4)]
    async with asyncio.timeout(120):
        for key in keys:
            before, fetched = len(answered), issuer.fetched
            issuer.shown, issuer.key = [issuer.key, key], key
            tokens.append(bearer(issuer.token("a")))
            while issuer.fetched == fetched or len(answered) < before + 20:
                await asyncio.sleep(0)
    stopping.set()
    await asyncio.gather(*loading)
    assert set(answered) == {200}
    assert (await api("GET", "/subjects", headers=tokens[0]))[0] == 401


@pytest.mark.slow
async def test_unknown_keys_do_not_make_the_service_ask_without_end(
    start_guarded: StartGuarded, issuer: Issuer
) -> None:
    api = await start_guarded(None, issuer=issuer)
    for _ in range(20):
        issuer.key = RSAKey.generate_key(2048)
        issuer.key.ensure_kid()
        assert (await api("GET", "/subjects", headers=bearer(issuer.token("a"))))[0] == 401
        if issuer.fetched > 6:
            break
    assert issuer.fetched <= 7


async def test_while_the_issuer_is_away_its_last_keys_count(start_guarded: StartGuarded, issuer: Issuer) -> None:
    """Before any are known, the answer is 503: nobody's token was wrong."""
    api = await start_guarded(None, issuer=issuer)
    assert (await api("GET", "/subjects", headers=bearer(issuer.token("a"))))[0] == 200
    issuer.shown = []
    assert (await api("GET", "/subjects", headers=bearer(issuer.token("b"))))[0] == 200
    issuer.url = "http://127.0.0.1:1/keys"
    api = await start_guarded(None, issuer=issuer)
    answer = await api.response("GET", "/subjects", headers=bearer(issuer.token("a")))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_roles_may_decide_by_http_method(start_guarded: StartGuarded, issuer: Issuer) -> None:
    """As Karapace has it: the role for the method may do everything with it; others need a grant."""
    rules = TokenRules(issuer=ISSUER, roles_path=("roles",))
    roles = {"GET": ["reader", "admin"], "POST": ["admin"]}
    api = await start_guarded(None, issuer=issuer, token_rules=rules, method_roles=roles)
    admin, reader = (bearer(issuer.token("a", roles=[role])) for role in ("admin", "reader"))
    for method, path, headers, expected in (
        ("POST", "/subjects/s/versions", admin, 200),
        ("POST", "/subjects/s/versions", reader, 403),
        ("GET", "/subjects/s/versions", reader, 200),
        ("GET", "/subjects/s/versions", bearer(issuer.token("a")), 403),
        ("DELETE", "/subjects/s", admin, 403),
    ):
        body = {"schema": '"int"'} if method == "POST" else None
        assert (await api(method, path, body, headers=headers))[0] == expected, (method, path)


async def test_passwords_and_tokens_side_by_side(start_guarded: StartGuarded, issuer: Issuer) -> None:
    text = written({"alice": "a"}, [{"principals": ["*"], "operations": ["read"], "resource": "subject"}])
    api = await start_guarded(text, issuer=issuer)
    for headers in (basic("alice", "a"), bearer(issuer.token("bob"))):
        assert (await api("GET", "/subjects", headers=headers))[0] == 200
    both = await api.response("GET", "/subjects")
    assert [each.split(" ")[0] for each in both.headers.getall("WWW-Authenticate")] == ["Basic", "Bearer"]


async def test_a_token_with_a_user_s_name_has_none_of_their_grants(start_guarded: StartGuarded, issuer: Issuer) -> None:
    """Unless the file says so; a name that is no user's is granted however it is proved."""
    grants = [
        {"principals": ["alice", "bob"], "operations": ["config"], "resource": "config"},
        {"principals": ["token:alice"], "operations": ["describe"], "resource": "subject"},
    ]
    permissions = [{"username": "alice", "operation": "Write", "resource": "Subject:.*"}]
    api = await start_guarded(written({"alice": "a"}, grants, permissions=permissions), issuer=issuer)
    user, token, bob = basic("alice", "a"), bearer(issuer.token("alice")), bearer(issuer.token("bob"))
    spelled = bearer(issuer.token("password:alice"))
    for method, path, body, expected in (
        ("PUT", "/config", {"compatibility": "NONE"}, (200, 403, 200, 403)),
        ("POST", "/subjects/a/versions", {"schema": '"int"'}, (200, 403, 403, 403)),
        ("GET", "/subjects/a/versions", None, (200, 200, 403, 403)),
        ("GET", "/subjects/a/versions/1", None, (200, 403, 403, 403)),
    ):
        statuses = [(await api(method, path, body, headers=headers))[0] for headers in (user, token, bob, spelled)]
        assert tuple(statuses) == expected, path


async def test_keys_are_not_fetched_from_where_the_issuer_redirects_to(
    issuer: Issuer, start_guarded: StartGuarded
) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound(issuer.url)

    app = web.Application()
    app.router.add_get("/keys", elsewhere)
    async with TestServer(app) as server:
        redirecting = Issuer()
        redirecting.url = str(server.make_url("/keys"))
        api = await start_guarded(issuer=redirecting, method_roles={})
        status, _ = await api("GET", "/subjects", headers=bearer(issuer.token("alice")))
    assert status == 503
    assert issuer.fetched == 0

"""Who may see and do what in the console: with access control, without, and read-only."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from karapace_like.access import authfile
from karapace_like.access.tokens import TokenRules
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.callers.tokens import TokenVerifier
from karapace_like.web.console.settings import ConsoleSettings
from tests import leaks
from tests.web.access.conftest import AUDIENCE, ISSUER, Issuer, basic, written
from tests.web.conftest import Api
from tests.web.console.conftest import console_over_memory, reading

pytestmark = pytest.mark.asyncio(loop_scope="module")
GRANTS = [
    {"principals": ["root"], "operations": ["read", "write", "config", "delete"], "resource": "subject", "name": "*"},
    {"principals": ["lift-team"], "operations": ["read"], "resource": "subject", "name": "lifts-value"},
]
ROOT = basic("root", "root-password")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded() -> AsyncIterator[Api]:
    access = Access(Authentication())
    access.use(authfile.parse(written({"root": "root-password", "lift-team": "lift-password"}, GRANTS)))
    async with console_over_memory(access=access) as api:
        for subject in ("lifts-value", "secrets-value"):
            path = f"/subjects/{subject}/versions"
            assert (await api("POST", path, {"schema": '"int"'}, headers=ROOT))[0] == 200
        await api("POST", "/subjects/lifts-value/versions", {"schema": '"long"'}, headers=ROOT)
        await api("DELETE", "/subjects/lifts-value/versions/2", headers=ROOT)
        yield api


async def test_a_caller_with_one_grant_sees_only_that(chromium: Browser, guarded: Api) -> None:
    async with reading(chromium, str(guarded.client.make_url("/"))) as reader:
        page = await reader.open("subjects")
        await page.get_by_label("User name").fill("lift-team")
        await page.get_by_label("Password", exact=True).last.fill("wrong")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_label("Password", exact=True).last.fill("lift-password")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("region", name="Subjects").get_by_role("link")).to_have_text(["lifts-value"])
        await page.get_by_role("link", name="lifts-value").click()
        await expect(page.get_by_role("textbox", name="Schema, version 1")).to_contain_text("int")
        await page.get_by_role("link", name="Version 2 (deleted)").click()
        await expect(page.get_by_role("textbox", name="Schema, version 2")).to_contain_text("long")
        await expect(page.locator(".page-head .actions > *")).to_have_text(["Compare"])
        await page.goto(f"{reader.address}/console#/check?subject=lifts-value")
        await expect(page.get_by_text("Valid, and compatible")).to_be_visible()
        await expect(page.get_by_text("No other subject refers to this one.")).to_be_visible()
        await expect(page.get_by_role("button", name="Register…")).to_have_count(0)
        await page.get_by_role("link", name="lift-team").click()
        grants = page.get_by_role("region", name="Grants")
        await expect(grants).to_contain_text("Subject:lifts-value")
        await page.keyboard.press("j")
        await expect(grants.get_by_role("row").nth(1)).to_be_focused()
        await page.goto(f"{reader.address}/console#/subject/secrets-value")
        await expect(page.get_by_role("alert")).to_contain_text("no permission")
        await page.reload()
        await expect(page.get_by_role("alert")).to_contain_text("no permission")
        await page.goto(f"{reader.address}/console#/me")
        await page.get_by_role("button", name="Log out").click()
        await page.get_by_label("User name").fill("root")
        await page.get_by_label("Password", exact=True).last.fill("root-password")
        await page.get_by_role("button", name="Log in").click()
        await reader.open("subject/lifts-value/2")
        offered = ["Compare", "Delete permanently…", "Register again", "Change"]
        await expect(page.locator(".page-head .actions > *")).to_have_text(offered)


async def test_a_caller_with_a_token_sees_what_it_grants(chromium: Browser) -> None:
    async with Issuer().serving() as issuer:
        tokens = TokenVerifier(issuer.url, TokenRules(issuer=ISSUER, audiences=frozenset({AUDIENCE})))
        access = Access(Authentication(tokens=tokens))
        access.use(authfile.parse(written({"root": "root-password"}, GRANTS)))
        async with (
            console_over_memory(access=access) as api,
            reading(chromium, str(api.client.make_url("/"))) as reader,
        ):
            for subject in ("lifts-value", "secrets-value"):
                await api("POST", f"/subjects/{subject}/versions", {"schema": '"int"'}, headers=ROOT)
            page = await reader.open("subjects")
            await page.get_by_label("Token", exact=True).check()
            expired = issuer.token("lift-team", exp=1)
            for token in (expired, issuer.token("lift-team")):
                leaks.register(token)
                await page.get_by_label("Bearer token").fill(token)
                await page.get_by_role("button", name="Log in").click()
                if token == expired:
                    await expect(page.get_by_role("alert")).to_be_visible()
            await expect(page.get_by_role("region", name="Subjects").get_by_role("link")).to_have_text(["lifts-value"])
            await page.get_by_role("link", name="lift-team").click()
            await expect(page.locator("main")).to_contain_text("token")
            await expect(page.get_by_role("region", name="Grants")).to_contain_text("Subject:lifts-value")
            await page.get_by_role("button", name="Log out").click()
            await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_a_console_that_only_shows_offers_no_change(chromium: Browser) -> None:
    async with (
        console_over_memory(console=ConsoleSettings(writes=False)) as api,
        reading(chromium, str(api.client.make_url("/"))) as reader,
    ):
        await api("POST", "/subjects/lifts-value/versions", {"schema": '"int"'})
        page = await reader.open("subject/lifts-value")
        await expect(page.get_by_text("read-only")).to_be_visible()
        await expect(page.get_by_role("textbox", name="Schema, version 1")).to_contain_text("int")
        await expect(page.get_by_role("link", name="Change")).to_have_count(0)
        await reader.open("check?subject=lifts-value")
        await expect(page.get_by_text("Valid, and compatible")).to_be_visible()
        await expect(page.get_by_role("button", name="Register…")).to_have_count(0)


@pytest.mark.parametrize(
    ("settings", "headers", "offers"),
    [
        (None, {}, True),
        (None, {"X-Forwarded-For": "192.0.2.1"}, False),
        (None, {"Host": "registry.example.org"}, False),
        (True, {"X-Forwarded-For": "192.0.2.1"}, True),
        (False, {}, False),
    ],
)
async def test_changes_are_offered_on_this_machine_or_by_setting(
    settings: Any, headers: dict[str, str], offers: Any
) -> None:
    async with console_over_memory(console=ConsoleSettings(settings)) as api:
        _, caller = await api("GET", "/console/caller", headers=headers)
        assert (caller["writes"], caller["principal"], caller["accessControl"]) == (offers, "", False)
        assert caller["serves"] == ["registry", "docs"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=Subject&name=lifts-value", ["describe", "read"]),
        ("kind=Subject&name=:.:lifts-value", ["describe", "read"]),
        ("kind=Subject&name=secrets-value", []),
        ("kind=Topic&name=lifts-value", []),
        ("kind=Kitchen&name=lifts-value", "Expected: Subject"),
    ],
)
async def test_permissions_are_those_of_the_caller(guarded: Api, query: str, expected: object) -> None:
    headers = basic("lift-team", "lift-password")
    _, answer = await guarded("GET", f"/console/permissions?{query}", headers=headers)
    if isinstance(expected, str):
        assert expected in answer["message"]
    else:
        assert answer["operations"] == expected


@pytest.mark.parametrize("query", ["", "query=id:1", "query=value", "query=secrets", "deleted=true"])
async def test_searches_find_what_the_caller_may_see(guarded: Api, query: str) -> None:
    _, answer = await guarded("GET", f"/subjects:search?{query}", headers=basic("lift-team", "lift-password"))
    expected = set() if "secrets" in query else {"lifts-value"}
    assert {hit["subject"] for hit in answer["subjects"]} == expected
    assert answer["total"] == len(expected)


async def test_a_version_that_the_caller_may_not_read_is_not_compared(guarded: Api) -> None:
    path = "/subjects/lifts-value/versions/1/diff/1?subject=secrets-value"
    assert (await guarded("GET", path, headers=basic("lift-team", "lift-password")))[0] == 403
    assert (await guarded("GET", path, headers=ROOT))[0] == 200


async def test_an_address_that_changes_while_the_view_is_drawn_is_followed(chromium: Browser, guarded: Api) -> None:
    async with reading(chromium, str(guarded.client.make_url("/"))) as reader:
        page = await reader.open("me")
        await page.evaluate(
            """() => new MutationObserver((_, observer) => {
                if (!document.querySelector("nav")) return;
                observer.disconnect();
                location.hash = "#/subject/lifts-value";
            }).observe(document.getElementById("app"), { childList: true, subtree: true })"""
        )
        await page.get_by_label("User name").fill("root")
        await page.get_by_label("Password", exact=True).last.fill("root-password")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("heading", name="lifts-value")).to_be_visible()

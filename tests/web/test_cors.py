"""CORS: what pages of other origins may do, from the settings to a real browser."""

from collections.abc import Awaitable, Callable, Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from karapace_like import config
from karapace_like.access import authfile
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.http.cors_policy import CorsPolicy
from tests.web.access.conftest import basic, written
from tests.web.conftest import Api
from tests.web.test_docs_page import BROWSER

Start = Callable[..., Awaitable[Api]]

PAGE = "https://app.example.org"
OTHER = "https://evil.example"
SCHEMA = {"schema": '"int"'}
JSON = {"Content-Type": "application/json"}
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}


def policy(**settings: str) -> CorsPolicy:
    environment = {f"KARAPACE_{name.upper()}": value for name, value in settings.items()}
    cors = config.load(environment=environment)[0].cors
    assert cors is not None
    return cors


def cors_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("Access-Control-Allow")}


@pytest.fixture
async def listed(start: Start) -> Api:
    """One origin is allowed, with the user `ann`'s credentials; other callers are not authenticated."""
    access = Access(Authentication())
    access.use(authfile.parse(written({"ann": "ann-password"})))
    cors = policy(cors_allowed_origins=f"{PAGE}, http://localhost:3000", cors_allow_credentials="true")
    return await start(access=access, cors=cors)


async def test_a_preflight_needs_no_credentials(listed: Api) -> None:
    for path in ("/subjects", "/topics/a", "/v3/clusters", "/nowhere"):
        answer = await listed.client.options(path, headers={"Origin": PAGE, **PREFLIGHT})
        assert (answer.status, await answer.read()) == (204, b"")
        assert cors_headers(answer.headers) == {
            "Access-Control-Allow-Origin": PAGE,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-None-Match, X-Request-ID",
        }
        assert answer.headers["Access-Control-Max-Age"] == "600"
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [OTHER, "null", "", f"{PAGE}.evil.example", "http://app.example.org", f"{PAGE}:444"])
async def test_no_other_origin_is_named(listed: Api, origin: str) -> None:
    for method in ("OPTIONS", "GET"):
        answer = await listed.client.request(method, "/subjects", headers={"Origin": origin, **PREFLIGHT})
        assert cors_headers(answer.headers) == {}
        assert answer.headers["Vary"] == "Origin"


async def test_a_page_reads_responses_and_errors(listed: Api) -> None:
    """Of every kind: 200, 401, 403, 404, 405 and 406; the second of two equal reads is not cached."""
    ann = basic("ann", "ann-password")
    calls = [
        ("GET", "/subjects", ann, 200), ("GET", "/subjects", ann, 200), ("GET", "/subjects", {}, 401),
        ("GET", "/subjects/none/versions", ann, 403), ("GET", "/nowhere", ann, 404), ("PATCH", "/subjects", ann, 405),
        ("GET", "/subjects", ann | {"Accept": "text/csv"}, 406), ("GET", "/docs", ann, 200),
    ]  # fmt: skip
    for method, path, headers, status in calls:
        answer = await listed.client.request(method, path, headers={"Origin": PAGE, **headers})
        assert answer.status == status, path
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]


async def test_a_response_from_the_cache_varies_by_origin(start: Start) -> None:
    api = await start(cors=policy(cors_allowed_origins=PAGE))
    assert (await api("POST", "/subjects/a/versions", SCHEMA))[0] == 200
    for origin in (None, None, PAGE, None, OTHER):
        answer = await api.client.get("/schemas/ids/1", headers={} if origin is None else {"Origin": origin})
        assert answer.headers["Vary"] == "Accept, Origin"
        assert answer.headers.get("Access-Control-Allow-Origin") == (PAGE if origin == PAGE else None)


async def test_a_page_changes_what_the_settings_allow(start: Start) -> None:
    api = await start(cors=policy(cors_allowed_origins=PAGE, cors_allowed_methods="GET,POST"))
    page, other = {"Origin": PAGE}, {"Origin": OTHER}
    assert (await api("POST", "/subjects/a/versions", SCHEMA, headers=page))[0] == 200
    status, refusal = await api("PUT", "/config", {"compatibility": "NONE"}, headers=page)
    assert (status, refusal["error_code"]) == (403, 403)
    assert "GET, POST" in refusal["message"]
    status, refusal = await api("POST", "/subjects/b/versions", SCHEMA, headers=other)
    assert (status, "cors_allowed_origins" in refusal["message"]) == (403, True)
    assert len(api.log.records) == 1


@pytest.mark.parametrize("sent_as", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_forms_change_nothing_where_every_origin_is_allowed(start: Start, sent_as: str | None) -> None:
    """Browsers send them without a preflight, with cached passwords."""
    api = await start(cors=policy(cors_allowed_origins="*"))
    headers = {"Origin": OTHER} | ({} if sent_as is None else {"Content-Type": sent_as})
    skipped = ["Content-Type"] if sent_as is None else []
    path = "/subjects/a/versions"
    answer = await api.client.post(path, data=b'{"schema": "\\"int\\""}', headers=headers, skip_auto_headers=skipped)
    assert answer.status == 403
    assert cors_headers(answer.headers) == {"Access-Control-Allow-Origin": "*"}
    assert "application/json" in (await answer.json(content_type=None))["message"]
    assert api.log.records == []


async def test_without_the_setting_nothing_is_allowed(api: Api) -> None:
    for method in ("OPTIONS", "GET"):
        answer = await api.client.request(method, "/subjects", headers={"Origin": PAGE, **PREFLIGHT})
        assert cors_headers(answer.headers) == {}
        assert "Vary" not in answer.headers


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser is installed (make .venv/.browser)")
async def test_a_browser_lets_an_allowed_page_work(start: Start) -> None:
    """A page of one origin registers and reads; the page of another one gets nothing, and changes nothing."""
    async with TestServer(_make_page()) as allowed, TestServer(_make_page()) as foreign:
        api = await start(cors=policy(cors_allowed_origins=str(allowed.make_url("/")).rstrip("/")))
        service = str(api.client.make_url("")).rstrip("/")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"], timeout=120_000)
            outcomes = []
            for server in (allowed, foreign):
                page = await browser.new_page()
                await page.goto(str(server.make_url("/")))
                outcomes.append(await page.evaluate(_SCRIPT, service))
            await browser.close()
    assert outcomes == [[200, 200, 404, "read"], ["refused"] * 3 + [None]]
    assert len(api.log.records) == 1


_SCRIPT = """async service => {
    const call = (path, options) => fetch(service + path, options).then(answer => answer, () => null);
    const body = JSON.stringify({schema: '"int"'});
    const headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"};
    const answers = [
        await call("/subjects/a/versions", {method: "POST", headers, body}),
        await call("/subjects"), await call("/subjects/none/versions"),
    ];
    const id = answers[2] && answers[2].headers.get("X-Request-ID");
    return [...answers.map(answer => answer ? answer.status : "refused"), id ? "read" : null];
}"""


def _make_page() -> web.Application:
    async def show(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>page</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    return app

"""The page /docs: its files, and what a real browser shows and sends."""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from playwright.async_api import ConsoleMessage, Locator, Page, async_playwright, expect

from karapace_like.access import authfile
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.operations import tags
from tests.web.access.conftest import basic, written
from tests.web.conftest import Api
from tests.web.described import document
from tests.web.test_openapi import EVERY_ROUTE

ASSETS = ["/docs/docs.js", "/docs/docs.css", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"]
FILES = ["/docs", "/openapi.json", *ASSETS]
BROWSER = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
BROWSER_HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
JAVA_DEFAULT = "text/html, image/gif, image/jpeg, */*; q=0.2"
expect.set_options(timeout=60_000)


def test_the_vendored_viewer_is_the_published_one() -> None:
    """Every file has the checksum of the manifest, which names version and licence."""
    folder = resources.files("karapace_like.web.operations").joinpath("docs", "swagger-ui")
    manifest = json.loads(folder.joinpath("manifest.json").read_text())
    assert (manifest["package"], manifest["licence"]) == ("swagger-ui-dist", "Apache-2.0")
    assert manifest["version"]
    assert manifest["integrity"].startswith("sha512-")
    contents = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "manifest.json"}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()} == manifest["sha256"]
    assert sum(map(len, contents.values())) < 2_000_000


@pytest.mark.parametrize("path", FILES)
async def test_files_are_revalidated_by_etag(api: Api, path: str) -> None:
    response = await api.client.get(path)
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-cache")
    known = {"If-None-Match": response.headers["ETag"]}
    unchanged = await api.client.get(path, headers=known)
    assert (unchanged.status, await unchanged.read(), unchanged.headers["ETag"]) == (304, b"", known["If-None-Match"])
    assert (await api.client.get(path, headers={"If-None-Match": '"other"'})).status == 200
    assert (await api.client.head(path)).headers["ETag"] == known["If-None-Match"]


@pytest.mark.parametrize("path", FILES)
async def test_files_are_compressed_for_clients_that_accept_it(api: Api, path: str) -> None:
    async with ClientSession(auto_decompress=False) as session:
        url = api.client.make_url(path)
        plain = await session.get(url, headers={"Accept-Encoding": "identity"})
        packed = await session.get(url, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
        assert plain.headers["ETag"] != packed.headers["ETag"]
        assert gzip.decompress(await packed.read()) == await plain.read()


@pytest.mark.parametrize("path", ["/docs", *ASSETS])
async def test_the_page_may_load_nothing_from_elsewhere(api: Api, path: str) -> None:
    headers = (await api.client.get(path)).headers
    policy = dict(each.strip().split(" ", 1) for each in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_access_control_covers_the_page_and_its_files(start: Callable[..., Awaitable[Api]]) -> None:
    access = Access(Authentication())
    access.use(authfile.parse(written({"reader": "reader-password"})))
    api = await start(access=access)
    for path in FILES:
        assert (await api.client.get(path)).status == 401
        assert (await api.client.get(path, headers=basic("reader", "reader-password"))).status == 200


@pytest.mark.parametrize("accept", ["text/html", BROWSER_HTML, "TEXT/HTML", "text/html, application/json;q=0.9"])
async def test_the_root_leads_browsers_to_the_page(api: Api, accept: str) -> None:
    for method in ("GET", "HEAD"):
        response = await api.client.request(method, "/", headers={"Accept": accept}, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (302, "docs")


@pytest.mark.parametrize(
    "accept", ["*/*", "", "application/json", "text/html;q=0.1, application/json", "text/html;q=0, */*", JAVA_DEFAULT]
)
async def test_the_root_answers_other_clients_with_an_object(api: Api, accept: str) -> None:
    for _ in range(3):
        assert await api("GET", "/", headers={"Accept": accept}, allow_redirects=False) == (200, {})


async def test_a_post_to_the_root_is_not_redirected(api: Api) -> None:
    headers = {"Accept": "text/html,*/*"}
    assert await api("POST", "/", {}, headers=headers, allow_redirects=False) == (200, {})


async def test_the_page_with_a_slash_leads_to_the_page(api: Api) -> None:
    response = await api.client.get("/docs/")
    assert (response.status, response.url.path) == (200, "/docs")


def test_every_operation_is_in_a_described_group() -> None:
    """In the order of the description's list, and no group is empty."""
    described = document(EVERY_ROUTE)
    used = {operation["tags"][0] for item in described["paths"].values() for operation in item.values()}
    assert [tag["name"] for tag in described["tags"]] == [tag.name for tag in tags.TAGS]
    assert used == {tag.name for tag in tags.TAGS}
    assert all(tag["description"].endswith(".") for tag in described["tags"])


@pytest.mark.parametrize("call", ["GET /elsewhere", "PUT /topics/{topic}", "GET /subjectsx"])
def test_an_operation_without_a_group_is_refused(call: str) -> None:
    with pytest.raises(ValueError, match="is in 0 groups"):
        tags.find_tag(*call.split(" "))


@asynccontextmanager
async def _reverse_proxy(target: Api, prefix: str) -> AsyncIterator[str]:
    """A reverse proxy that serves the application below a path; yields its address."""

    async def forward(request: web.Request) -> web.Response:
        url = target.client.make_url("/" + request.match_info["path"])
        headers = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        response = await target.client.request(request.method, url.path, headers=headers, allow_redirects=False)
        kept = {
            name: value for name, value in response.headers.items() if name.startswith(("Content-T", "Content-Sec"))
        }
        return web.Response(status=response.status, headers=kept, body=await response.read())

    app = web.Application()
    app.router.add_route("*", prefix + "/{path:.*}", forward)
    async with TestServer(app) as server:
        yield str(server.make_url(prefix))


class _Browser:
    """A page of a real browser, with all that it requested and complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._keep_error)

    def _keep_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    async def open_operation(self, search: str, method: str, path: str) -> Locator:
        await self.page.get_by_role("searchbox", name="Search operations").fill(search)
        operation = self.page.locator(f".opblock-{method}", has=self.page.locator(f"[data-path='{path}']"))
        await operation.locator(".opblock-summary-control").click()
        return operation


@pytest.fixture
async def browser() -> AsyncIterator[_Browser]:
    if BROWSER is None:
        pytest.skip("no Chromium is installed (.ci/browser)")
    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = await playwright.chromium.launch(executable_path=BROWSER, args=options)
        page = await chromium.new_page()
        page.set_default_timeout(60_000)
        yield _Browser(page)
        await chromium.close()


@pytest.mark.slow
async def test_a_browser_searches_opens_and_executes_an_operation(api: Api, browser: _Browser) -> None:
    """Also below a path of a reverse proxy; nothing is requested from elsewhere."""
    await api("POST", "/subjects/lifts-value/versions", {"schema": '"int"'})
    async with _reverse_proxy(api, "/a/registry") as address:
        await browser.page.goto(f"{address}/docs")
        await expect(browser.page.locator(".opblock-tag")).not_to_have_count(0)
        operation = await browser.open_operation("get SUBJECTS", "get", "/subjects")
        await operation.get_by_role("button", name="Execute").click()
        await expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
        await expect(operation.locator(".live-responses-table")).to_contain_text("lifts-value")
        curl = operation.locator(".curl-command")
        await expect(curl).to_contain_text(f"'{address}/subjects'")
        await expect(curl).to_contain_text("accept: application/vnd.schemaregistry.v1+json")
        await expect(curl.locator(".copy-to-clipboard")).to_be_visible()
        assert [url for url in browser.requested if not url.startswith((address, "data:"))] == []
        assert browser.problems == []


@pytest.mark.slow
async def test_a_browser_sends_selected_types_and_credentials(api: Api, browser: _Browser) -> None:
    page = browser.page
    await page.goto(str(api.client.make_url("/docs")))
    await page.locator(".auth-wrapper .authorize").click()
    await page.locator(".auth-container", has_text="bearer").locator("input").fill("a-token")
    await page.locator(".auth-container", has_text="bearer").get_by_role("button", name="Apply credentials").click()
    await page.locator(".close-modal").click()
    operation = await browser.open_operation("register", "post", "/subjects/{subject}/versions")
    await operation.get_by_label("Request content type").select_option("application/json")
    await operation.get_by_label("Media Type").first.select_option("application/json")
    async with page.expect_request("**/subjects/lifts-value/versions") as sending:
        await operation.get_by_role("button", name="Execute").click()
    sent = await (await sending.value).all_headers()
    assert (sent["accept"], sent["content-type"]) == ("application/json", "application/json")
    assert sent["authorization"] == "Bearer a-token"
    response = await (await sending.value).response()
    assert response is not None
    assert response.status == 200
    await expect(operation.locator(".curl-command")).to_be_visible()
    for width in (390, 1300, 1600):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert browser.problems == []


@pytest.mark.slow
async def test_optional_parameters_are_sent_only_if_they_are_filled_in(api: Api, browser: _Browser) -> None:
    """A prefilled `permanent=true` would delete more than the reader expects."""
    await browser.page.goto(str(api.client.make_url("/docs")))
    operation = await browser.open_operation("delete", "delete", "/subjects/{subject}")
    async with browser.page.expect_request("**/subjects/lifts-value*") as sending:
        await operation.get_by_role("button", name="Execute").click()
    assert (await sending.value).url.endswith("/subjects/lifts-value")
    await browser.page.get_by_role("searchbox").fill("no such operation")
    await expect(browser.page.get_by_text("No operation matches the search.")).to_be_visible()
    assert await browser.page.locator(".opblock").count() == 0

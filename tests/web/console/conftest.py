"""One browser and one application for each module of tests: both are expensive."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from karapace_like.web.app import make_app
from karapace_like.web.callers.access import Access
from karapace_like.web.console.settings import ConsoleSettings
from tests.web.conftest import Api, Server, in_memory, leading

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
"""The browser: the variable names one that is not on PATH."""
expect.set_options(timeout=60_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """A browser; tests are skipped where none is installed."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is on PATH (.ci/browser installs one), and CHROMIUM names none")
    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        await browser.close()


class Reader:
    """A page of the browser, with all that it requested and complained about."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.requested: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._keep_error)
        page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))

    def _keep_error(self, message: ConsoleMessage) -> None:
        # Browsers log every response of 4xx, which views expect: a setting that is not set is 404.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.problems.append(message.text)

    async def open(self, view: str = "") -> Page:
        """Open the console at a view, such as `subjects?query=lifts`."""
        await self.page.goto(f"{self.address}/console#/{view}")
        return self.page


@asynccontextmanager
async def reading(chromium: Browser, address: str, **options: object) -> AsyncIterator[Reader]:
    """A reader without cookies and credentials; nothing may come from elsewhere, and nothing be complained about."""
    context: BrowserContext = await chromium.new_context(**options)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(60_000)
    reader = Reader(page, address.rstrip("/"))
    try:
        yield reader
        assert [url for url in reader.requested if not url.startswith((reader.address, "data:"))] == []
        assert reader.problems == []
    finally:
        await context.close()


async def cancel_loading(page: Page, url: str) -> None:
    """Cancel what a view loads: it says so, and the browser aborts the request whose URL matches `url`, an expression.

    The browser may report the aborted request only after the view has changed.
    """

    def is_aborted(request: Request) -> bool:
        return re.search(url, request.url) is not None and "ERR_ABORTED" in str(request.failure)

    async with page.expect_event("requestfailed", is_aborted):
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("alert")).to_contain_text("You have cancelled it.")


@asynccontextmanager
async def console_over_memory(**options: Any) -> AsyncIterator[Api]:
    """An application with the console, whose schemas topic is in memory; `options` are those of `make_app`."""
    registry, log = in_memory()
    async with leading(registry):
        server = Server(make_app(registry, **{"console": ConsoleSettings(), **options}))
        access = options.get("access")
        server.admit = access.recognise if isinstance(access, Access) else None
        await server.start_server()
        async with TestClient(server) as client:
            yield Api(client, log, registry)

"""Every view at two widths in both themes: what axe-core says of it, and a picture."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python import async_playwright as axe
from playwright.async_api import Page, expect

THEMES = ("light", "dark")
WIDTHS = (1280, 390)
_SERIOUS = {"serious", "critical"}
_AXE = Path(axe.__file__).with_name("axe.min.js").read_text()
FOLDER = os.environ.get("CONSOLE_SCREENSHOTS")
"""Where pictures are written (`make screenshots`); unset: nowhere."""


async def find_faults(page: Page, theme: str) -> list[str]:
    """Return axe-core's serious faults in the view that is shown; in the dark theme only those of colours."""
    await page.evaluate(_AXE)
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    if theme == "dark":
        rules = {"type": "rule", "values": ["color-contrast"]}
    found: dict[str, Any] = await page.evaluate("(runOnly) => axe.run(document, {runOnly})", rules)
    return [
        f"{fault['id']}: {node['html'][:200]} ({node['failureSummary'][:200]})"
        for fault in found["violations"]
        if fault["impact"] in _SERIOUS
        for node in fault["nodes"]
    ]


async def look_at(page: Page, name: str) -> list[str]:
    """Return what is wrong with the view that is shown, and take its pictures where they are wanted."""
    await expect(page.locator("main h1")).to_be_visible()
    await expect(page.get_by_text("Loading…")).to_have_count(0)
    faults = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        for theme in THEMES:
            await page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            if width == WIDTHS[0]:
                faults += [f"{name}, {theme}: {fault}" for fault in await find_faults(page, theme)]
            if FOLDER:
                await page.wait_for_timeout(300)  # for transitions of colours to end
                await page.screenshot(path=Path(FOLDER, f"{name}-{width}-{theme}.png"))
        wide = await page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{name}: {wide} pixels wide at a width of {width}")
    return faults

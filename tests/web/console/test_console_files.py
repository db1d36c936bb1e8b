"""The console's files: what is vendored, how they are cached, and that they may load nothing from elsewhere."""

import gzip
import hashlib
import json
import re
from importlib import resources

import pytest
from aiohttp import ClientSession

from tests.web.conftest import Api
from tests.web.console.conftest import console_over_memory


def test_the_vendored_libraries_are_the_published_ones() -> None:
    """Every file has the checksum of the list, which names version, licence and checksum of each package."""
    folder = resources.files("karapace_like.web.console").joinpath("static", "vendored")
    listed = json.loads(folder.joinpath("libraries.json").read_text())
    contents = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "libraries.json"}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()} == listed["sha256"]
    assert {"preact", "htm", "uplot", "@codemirror/view", listed["bundler"]} <= set(listed["packages"])
    for name, package in listed["packages"].items():
        assert package["licence"] in {"MIT", "Apache-2.0"}, name
        assert package["integrity"].startswith("sha512-")
        if name != listed["bundler"]:
            assert f"{name} {package['version']}".encode() in contents["LICENCES.txt"]


async def test_files_are_immutable_compressed_and_small() -> None:
    async with console_over_memory() as api, ClientSession(auto_decompress=False) as session:
        page = await api.client.get("/console")
        assert (page.status, page.headers["Cache-Control"]) == (200, "no-cache")
        addresses = re.findall(r'(?:href|src)="(console/[^"]+)"', await page.text())
        assert {address.rpartition(".")[2] for address in addresses} == {"js", "css"}
        digest = addresses[0].split("/")[1]
        total = 0
        for name in {*addresses, *(f"console/{digest}/vendored/{file}" for file in ("codemirror.js", "uplot.js"))}:
            response = await session.get(api.client.make_url(f"/{name}"), headers={"Accept-Encoding": "gzip"})
            body = await response.read()
            assert "immutable" in response.headers["Cache-Control"]
            assert (response.headers["Content-Encoding"], gzip.decompress(body)[:1] != b"") == ("gzip", True)
            _expect_a_closed_page(response.headers["Content-Security-Policy"])
            total += len(body)
        assert total < 400_000
        _expect_a_closed_page(page.headers["Content-Security-Policy"])


async def test_files_are_compressed_before_they_are_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every node sends the same bytes under the same tag, and the file itself to clients that do not accept gzip."""
    sent: list[dict[str, tuple[str, bytes]]] = []
    for _ in range(2):
        async with console_over_memory() as api, ClientSession(auto_decompress=False) as session:
            with monkeypatch.context() as patched:
                patched.setattr(gzip, "compress", None)
                sent.append(await _fetch_bundles(api, session))
    assert sent[0] == sent[1]
    folder = resources.files("karapace_like.web.console").joinpath("static", "vendored")
    checksums = json.loads(folder.joinpath("libraries.json").read_text())["sha256"]
    for name, (tag, body) in sent[0].items():
        assert hashlib.sha256(gzip.decompress(body)).hexdigest() == checksums[name]
        assert hashlib.blake2b(body, digest_size=12).hexdigest() in tag


async def _fetch_bundles(api: Api, session: ClientSession) -> dict[str, tuple[str, bytes]]:
    """Return the tag and the compressed bytes of each bundle."""
    page = await (await api.client.get("/console")).text()
    digest = page.partition('href="console/')[2].partition("/")[0]
    bundles = {}
    for name in ("preact.js", "codemirror.js", "uplot.js", "uplot.css"):
        url = api.client.make_url(f"/console/{digest}/vendored/{name}")
        tags = {}
        for accepted, coding in (("gzip;q=0, br", None), ("identity", None), ("br, gzip;q=0.5", "gzip"), ("*", "gzip")):
            async with session.get(url, headers={"Accept-Encoding": accepted}) as response:
                assert response.headers.get("Content-Encoding") == coding, accepted
                assert response.headers["Vary"] == "Accept-Encoding"
                tags[coding] = response.headers["ETag"]
                body = await response.read()
        assert tags[None] != tags["gzip"]
        known = {"Accept-Encoding": "gzip", "If-None-Match": tags["gzip"]}
        async with session.get(url, headers=known) as response:
            assert (response.status, response.headers["ETag"]) == (304, tags["gzip"])
        bundles[name] = tags["gzip"], body
    return bundles


def _expect_a_closed_page(header: str) -> None:
    policy = dict(part.strip().split(" ", 1) for part in header.split(";"))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


@pytest.mark.parametrize("path", ["/console/0000/app.js", "/console/../setup.cfg", "/console/index.html"])
async def test_other_files_are_not_served(path: str) -> None:
    async with console_over_memory() as api:
        assert (await api.client.get(path)).status == 404


async def test_a_service_without_a_console_leads_to_the_documentation() -> None:
    async with console_over_memory(console=None) as api:
        response = await api.client.get("/", headers={"Accept": "text/html"}, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (302, "docs")
        assert (await api.client.get("/console")).status == 404


async def test_the_page_with_a_slash_leads_to_the_page() -> None:
    async with console_over_memory() as api:
        response = await api.client.get("/console/")
        assert (response.status, response.url.path) == (200, "/console")

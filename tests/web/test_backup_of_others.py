"""Registries of other products are exported and verified through what their APIs show, which is not all of it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from karapace_like.backup import registry_state
from karapace_like.backup.differences import find_differences
from karapace_like.backup.state import build_store, list_records
from karapace_like.client.registry_client import RegistryClient
from karapace_like.registry import records
from karapace_like.registry.records import ConfigRecord, ModeRecord
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Deleted, Store
from tests.web.dialects import CONFLUENT, KARAPACE, Product
from tests.web.schemas_topics import Log

USER = '{"type":"record","name":"User","fields":[{"name":"id","type":{"type":"int"}}]}'
GLOBAL = {"compatibilityLevel": "BACKWARD"}


def setting(keytype: str, subject: str, value: bytes) -> Log:
    return [(b'{"keytype":"%s","subject":"%s","magic":0}' % (keytype.encode(), subject.encode()), value)]


TOPIC: Callable[[Product], Log] = lambda product: [  # noqa: E731 - one topic for each product
    *product.store("user", 1, 1, "AVRO", USER),
    *product.store("user", 2, 2, "AVRO", '"long"', deleted=True),
    *product.store("user", 3, 3, "AVRO", '"string"'),
    *product.store("gone", 1, 2, "AVRO", '"long"', deleted=True),
    *setting("CONFIG", "user", b'{"compatibilityLevel":"FULL"}'),
    *setting("CONFIG", "bare", b'{"compatibilityLevel":"NONE"}'),
]


def state(log: Log) -> Store:
    return build_store(records.decode(key, value) for key, value in log)


class Other:
    """A registry's API over a state, with what a product leaves out, adds, and does not know."""

    def __init__(self, store: Store, *, is_karapace: bool) -> None:
        self.store = store
        self.is_karapace = is_karapace
        app = web.Application()
        app.add_routes(
            [
                web.get("/schemas", self.schemas),
                web.get("/subjects", self.subjects),
                web.get("/subjects/{subject}/versions", self.versions),
                web.get("/subjects/{subject}/versions/{version}", self.version),
                web.get("/config", self.config),
                web.get("/config/{subject}", self.config),
                web.get("/mode", self.mode),
                web.get("/mode/{subject}", self.mode),
                *([] if is_karapace else [web.get("/contexts", self.contexts)]),
            ]
        )
        self.server = TestServer(app)

    def _show(self, each: Any) -> dict[str, Any]:
        shown = {"subject": each.subject, "version": each.version, "id": each.id, "schema": each.content.text}
        if self.is_karapace:
            return {**shown, "schemaType": each.content.type, "references": None}
        return {**shown, "schemaType": each.content.type, "ts": 1, "deleted": each.deleted}

    async def schemas(self, request: web.Request) -> web.Response:
        listed = [
            self._show(each) for each in self.store.all_versions() if self.is_karapace is False or not each.deleted
        ]
        wanted = [each for each in listed if request.query.get("deleted") == "true" or not each.get("deleted")]
        if self.is_karapace:
            return web.json_response(wanted)
        if request.query.get("aliases") == "true":
            wanted = [{**each, "aliases": ["other"]} if each["subject"] == "user" else each for each in wanted]
        begin, count = int(request.query["offset"]), int(request.query["limit"])
        return web.json_response(wanted[begin : begin + count])

    async def subjects(self, request: web.Request) -> web.Response:
        names = {each.subject for each in self.store.all_versions()}
        if self.is_karapace:
            return web.json_response(sorted({*names, *filter(None, self.store.configs)}))
        begin, count = int(request.query["offset"]), int(request.query["limit"])
        return web.json_response(sorted(names)[begin : begin + count])

    async def versions(self, request: web.Request) -> web.Response:
        found = self.store.versions(request.match_info["subject"], Deleted.INCLUDE)
        return web.json_response([each.version for each in found]) if found else self._refuse(40401)

    async def version(self, request: web.Request) -> web.Response:
        number = int(request.match_info["version"])
        found = self.store.version(request.match_info["subject"], number, Deleted.INCLUDE)
        return self._refuse(40402) if found is None else web.json_response(self._show(found))

    async def config(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject")
        if subject is None:
            return web.json_response({**GLOBAL, "compatibilityPolicy": "STRICT"})
        found = self.store.configs.get(subject)
        return (
            self._refuse(40408)
            if found is None
            else web.json_response({"compatibilityLevel": found.compatibility_level})
        )

    async def mode(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject")
        is_known = subject is None or self.store.versions(subject, Deleted.INCLUDE) or subject == ":.__GLOBAL:"
        if subject is None or subject == ":.__GLOBAL:" or (self.is_karapace and is_known):
            return web.json_response({"mode": "READWRITE"})
        return self._refuse(40409)

    async def contexts(self, _: web.Request) -> web.Response:
        return web.json_response(["."])

    @staticmethod
    def _refuse(code: int) -> web.Response:
        return web.json_response({"error_code": code, "message": "not there"}, status=code // 100)


@pytest.fixture(params=["Karapace", "Confluent"])
async def other(request: pytest.FixtureRequest) -> AsyncIterator[Other]:
    is_karapace = request.param == "Karapace"
    found = Other(state(TOPIC(KARAPACE if is_karapace else CONFLUENT)), is_karapace=is_karapace)
    await found.server.start_server()
    yield found
    await found.server.close()


async def read(other: Other, also: tuple[str, ...] = ()) -> Store:
    async with RegistryClient(str(other.server.make_url("/"))) as client:
        return await registry_state.read(client, lambda *_: None, also)


async def test_the_export_of_the_api_is_that_of_the_topic(other: Other) -> None:
    """With every soft-deleted version, without the defaults that it answers, and with settings of empty subjects."""
    found = await read(other, also=() if other.is_karapace else ("bare",))
    assert list(list_records(found)) == list(list_records(other.store))


@pytest.mark.parametrize("size", [3, 4])
async def test_a_listing_as_long_as_a_page_is_read_to_its_end(
    other: Other, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Karapace has no pages: it sends everything each time."""
    monkeypatch.setattr(registry_state, "_PAGE", size)
    if other.is_karapace:
        monkeypatch.setattr(
            registry_state, "_PAGE", len([each for each in other.store.all_versions() if not each.deleted])
        )
    assert len(list((await read(other)).all_versions())) == 4


async def test_an_archive_of_any_dialect_is_equal(other: Other) -> None:
    """The texts, an explicit default mode, empty fields: nothing of it is a difference."""
    for product in (KARAPACE, CONFLUENT):
        archive = state(
            [
                *TOPIC(product),
                *setting("MODE", "user", b'{"subject":"user","mode":"READWRITE"}'),
                (
                    b'{"keytype":"CONFIG","magic":0}',
                    b'{"compatibilityLevel":"BACKWARD","compatibilityPolicy":"STRICT"}',
                ),
                *setting("CONFIG", "user", b'{"subject":"user","alias":"","compatibilityLevel":"FULL"}'),
            ]
        )
        found = await read(other, tuple(filter(None, {*archive.configs, *archive.modes})))
        assert list(find_differences(archive, found)) == []


async def test_real_differences_are_told(other: Other) -> None:
    archive = state(
        [
            *TOPIC(KARAPACE),
            *KARAPACE.store("user", 1, 1, "AVRO", USER.replace("int", "long")),
            records.encode(ModeRecord("user", Mode.READONLY)),
            records.encode(ConfigRecord("bare", None)),
        ]
    )
    assert [each.place for each in find_differences(archive, await read(other, ("bare",)))] == [
        "user version 1",
        "config of bare",
        "mode of user",
    ]

"""A mirror of a registry in another one: random histories of the source, and rounds that are killed anywhere."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from karapace_like.backup import registry_state
from karapace_like.backup.differences import find_differences
from karapace_like.backup.errors import ForeignContentError
from karapace_like.backup.mirror_state import StateFile
from karapace_like.backup.mirroring import Mirror, Round, Selection, Source
from karapace_like.client.registry_client import RegistryClient
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Store
from tests.dying_client import DyingClient, KilledError
from tests.web.conftest import Api

Start = Callable[..., Awaitable[Api]]
SUBJECTS = ("a", "b", ":.eu:a", ":.eu:c")
STEPS = 30
EVERYTHING = Selection()


def url_of(api: Api) -> str:
    return str(api.client.make_url("/")).rstrip("/")


def ignore(_: str, __: int, ___: int) -> None:
    """No progress bar."""


async def read(api: Api) -> Store:
    async with RegistryClient(url_of(api)) as client:
        return await registry_state.read(client, ignore, [*SUBJECTS])


async def run_round(source: Api, target: Api, file: StateFile, selection: Selection = EVERYTHING) -> Round:
    async with RegistryClient(url_of(target)) as client:
        return await Mirror(client, selection, file, ignore).run_round(Source(await read(source)))


async def change(source: Api, random: Random) -> None:
    """Any change that a client makes, accepted or not."""
    subject = random.choice(SUBJECTS)
    match random.randrange(8):
        case 0 | 1 | 2:
            name = f"R{random.randrange(6)}"
            body: dict[str, Any] = {"schema": json.dumps({"type": "record", "name": name, "fields": []})}
            await source("POST", f"/subjects/{subject}/versions", body)
        case 3:
            _, versions = await source("GET", f"/subjects/{random.choice(SUBJECTS)}/versions")
            if isinstance(versions, list):
                reference = {"name": "none", "subject": "a", "version": 1}
                text = json.dumps({"type": "enum", "name": f"E{random.randrange(4)}", "symbols": ["X"]})
                await source("POST", f"/subjects/{subject}/versions", {"schema": text, "references": [reference]})
        case 4:
            await source("DELETE", f"/subjects/{subject}/versions/{random.randrange(1, 5)}")
        case 5:
            await source("DELETE", f"/subjects/{subject}/versions/{random.randrange(1, 5)}?permanent=true")
        case 6:
            await source("DELETE", f"/subjects/{subject}")
            if random.random() < 0.5:
                await source("DELETE", f"/subjects/{subject}?permanent=true")
        case 7:
            if random.random() < 0.5:
                await source("PUT", f"/config/{subject}", {"compatibility": random.choice(["NONE", "FULL"])})
            else:
                await source("DELETE", f"/config/{subject}")


async def assert_equal(source: Api, target: Api, selection: Selection = EVERYTHING) -> None:
    wanted, present = selection.apply(await read(source)), await read(target)
    differences = [each for each in find_differences(wanted, present) if not each.place.startswith("mode of")]
    assert differences == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_after_any_kill_the_next_round_makes_both_equal(start: Start, tmp_path: Path, seed: int) -> None:
    random, source, target = Random(seed), await start(), await start()
    await source("PUT", "/config", {"compatibility": "NONE"})
    file, kills = StateFile(tmp_path / "mirror.json"), 0
    for _ in range(5):
        for _ in range(STEPS // 5):
            await change(source, random)
        async with DyingClient(url_of(target), random.randrange(8), is_sent=random.random() < 0.5) as client:
            try:
                await Mirror(client, EVERYTHING, file, ignore).run_round(Source(await read(source)))
            except* KilledError:
                kills += 1
        if random.random() < 0.4:
            result = await run_round(source, target, file)
            assert result.refused == []
            await assert_equal(source, target)
    assert (await run_round(source, target, file)).refused == []
    await assert_equal(source, target)
    assert (await run_round(source, target, file)).changes == 0
    assert kills


async def test_a_promoted_mirror_takes_writes_under_the_modes_of_its_source(start: Start, tmp_path: Path) -> None:
    source, target = await start(), await start()
    for subject in ("a", ":.eu:c"):
        await source("POST", f"/subjects/{subject}/versions", {"schema": '"int"'})
    await source("PUT", "/mode/:.eu:", {"mode": "READONLY"})
    file = StateFile(tmp_path / "mirror.json")
    await run_round(source, target, file)
    assert (await target("POST", "/subjects/a/versions", {"schema": '"long"'}))[0] == 422
    async with RegistryClient(url_of(target)) as client:
        await Mirror(client, EVERYTHING, file, ignore).promote()
    assert (await target("POST", "/subjects/a/versions", {"schema": '"long"'}))[1]["id"] == 2
    status, refusal = await target("POST", "/subjects/:.eu:c/versions", {"schema": '"long"'})
    assert (status, refusal["error_code"]) == (422, 42205)
    assert file.read().is_promoted


async def test_what_is_not_of_the_mirror_is_left_alone(start: Start, tmp_path: Path) -> None:
    source, target = await start(), await start()
    await source("POST", "/subjects/a/versions", {"schema": '"int"'})
    await target("POST", "/subjects/b/versions", {"schema": '"string"'})
    before = target.log.records.copy()
    with pytest.raises(ForeignContentError) as refusal:
        await run_round(source, target, StateFile(tmp_path / "mirror.json"))
    assert refusal.value.differing == ["b version 1 is not in the source, and not of this mirror"]
    prefixed = Selection(prefix="eu-")
    with pytest.raises(ForeignContentError) as refusal:
        await run_round(source, target, StateFile(tmp_path / "prefixed.json"), prefixed)
    assert refusal.value.differing == ["b version 1 has id 1, which eu-a version 1 is to have"]
    assert target.log.records == before


async def test_a_context_is_mirrored_beside_others(start: Start, tmp_path: Path) -> None:
    source, target = await start(), await start()
    await source("POST", "/subjects/:.eu:a/versions", {"schema": '"int"'})
    await source("POST", "/subjects/b/versions", {"schema": '"bytes"'})
    reference = {"name": "none", "subject": "a", "version": 1}
    await source("POST", "/subjects/:.eu:c/versions", {"schema": '"long"', "references": [reference]})
    await target("POST", "/subjects/own/versions", {"schema": '"string"'})
    selection = Selection(".eu", ".copy", "eu-")
    file = StateFile(tmp_path / "mirror.json")
    assert (await run_round(source, target, file, selection)).registered == 2
    _, copied = await target("GET", "/subjects/:.copy:eu-c/versions/1")
    assert copied["references"] == [{"name": "none", "subject": "eu-a", "version": 1}]
    assert (await target("POST", "/subjects/own/versions", {"schema": '"bytes"'}))[0] == 200
    assert (await target("POST", "/subjects/:.copy:free/versions", {"schema": '"double"'}))[0] == 200
    await source("DELETE", "/subjects/:.eu:c")
    await source("DELETE", "/subjects/:.eu:c?permanent=true")
    assert (await run_round(source, target, file, selection)).deleted == 1
    assert (await target("GET", "/subjects?subjectPrefix=:*:&deleted=true"))[1] == [
        ":.copy:eu-a",
        ":.copy:free",
        "own",
    ]
    assert (await read(target)).modes.get(":.copy:eu-a") is Mode.IMPORT

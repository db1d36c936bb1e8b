"""A mirror copies associations, keys and topic policies between real services, also after rounds that are killed."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from karapace_like.backup import associations, registry_state
from karapace_like.backup.errors import ForeignContentError
from karapace_like.backup.key_archives import find_differences
from karapace_like.backup.mirror_state import StateFile
from karapace_like.backup.mirrored_items import read_keys
from karapace_like.backup.mirroring import Mirror, Round, Selection, Source
from karapace_like.client.registry_client import RegistryClient
from karapace_like.client.topic_policies import fetch_policies
from karapace_like.kafka.cluster import Cluster
from karapace_like.registry.associations import Lifecycle
from tests.dying_client import DyingClient, KilledError
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.kafka

KEKS = "/dek-registry/v1/keks"
SUBJECTS = ("lifts-value", ":.eu:lifts-value", ":.lkc-1:lifts-value")
TOPICS = ("lifts", "stairs")
EVERYTHING = Selection()


class Site:
    """A service, and a client of it."""

    def __init__(self, process: ServiceProcess, session: aiohttp.ClientSession) -> None:
        self.url = process.url
        self._session = session

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        async with self._session.request(method, self.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None) if await answer.read() else None

    async def read(self) -> Source:
        async with RegistryClient(self.url) as client:
            store = await registry_state.read(client, lambda *_: None, [*SUBJECTS])
            return Source(store, await read_keys(client), await fetch_policies(client))


@pytest.fixture
async def sites(kafka: Cluster) -> AsyncIterator[tuple[Site, Site]]:
    with ServiceProcess(kafka.bootstrap_servers) as one, ServiceProcess(kafka.bootstrap_servers) as other:
        async with aiohttp.ClientSession() as session:
            yield Site(one, session), Site(other, session)


async def run_round(source: Site, target: Site, file: StateFile, selection: Selection = EVERYTHING) -> Round:
    async with RegistryClient(target.url) as client:
        return await Mirror(client, selection, file, lambda *_: None).run_round(await source.read())


async def change(source: Site, random: Random) -> None:
    """Any change that a client makes, accepted or not."""
    topic, subject = random.choice(TOPICS), random.choice(SUBJECTS)
    kek, version = f"kek-{random.randrange(2)}", random.randrange(1, 3)
    deks = f"{KEKS}/{kek}/deks/lifts-value"
    match random.randrange(11):
        case 0 | 1:
            association = {
                "subject": subject,
                "associationType": "value",
                "lifecycle": random.choice(["WEAK", "STRONG"]),
            }
            schema = {"schema": {"schema": '"string"'}} if association["lifecycle"] == "STRONG" else {}
            body = {"resourceName": topic, "resourceNamespace": "lkc-1", "resourceId": f"id-{topic}"}
            await source.call("POST", "/associations", {**body, "associations": [association | schema]})
        case 2:
            await source.call("DELETE", f"/associations/resources/id-{topic}?resourceType=topic&associationType=value")
        case 3 | 4:
            described = {"name": kek, "kmsType": "local-kms", "kmsKeyId": "mine", "doc": random.choice(["a", "b"])}
            status, _ = await source.call("POST", KEKS, described)
            if status != 200:
                await source.call("PUT", f"{KEKS}/{kek}", {"doc": random.choice(["a", "b"])})
        case 5 | 6:
            dek = {"version": version, "encryptedKeyMaterial": secrets.token_hex(8), "algorithm": "AES256_GCM"}
            await source.call("POST", deks, dek)
        case 7:
            await source.call("DELETE", f"{deks}/versions/{version}")
            if random.random() < 0.5:
                await source.call("DELETE", f"{deks}/versions/{version}?permanent=true")
        case 8:
            await source.call("DELETE", deks)
            await source.call("DELETE", f"{KEKS}/{kek}")
            if random.random() < 0.5:
                await source.call("DELETE", f"{deks}?permanent=true")
                await source.call("DELETE", f"{KEKS}/{kek}?permanent=true")
        case 9:
            policy = {"value": {"plain": random.choice(["refuse", "encode"]), "framed": "subject"}}
            await source.call("PUT", f"/policies/{topic}?force=true", policy)
        case 10:
            await source.call("DELETE", f"/policies/{topic}?force=true")


async def assert_equal(source: Site, target: Site) -> None:
    wanted, present = await source.read(), await target.read()
    assert present.policies == wanted.policies
    assert wanted.keys is not None
    assert present.keys is not None
    assert list(find_differences(wanted.keys, present.keys)) == []
    listed = associations.identify(wanted.registry)
    weak = {name: association for name, association in listed.items() if association.lifecycle is Lifecycle.WEAK}
    assert associations.identify(present.registry) == weak


async def fill(source: Site) -> None:
    for subject in (*SUBJECTS, "stairs-value"):
        assert (await source.call("POST", f"/subjects/{subject}/versions", {"schema": '"string"'}))[0] == 200


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 8))])
async def test_after_any_kill_the_next_round_copies_what_the_source_has(
    sites: tuple[Site, Site], tmp_path: Path, seed: int
) -> None:
    random, (source, target) = Random(seed), sites
    await fill(source)
    file, kills = StateFile(tmp_path / "mirror.json"), 0
    await run_round(source, target, file)
    for _ in range(6):
        for _ in range(10):
            await change(source, random)
        async with DyingClient(target.url, random.randrange(6), is_sent=random.random() < 0.5) as client:
            try:
                await Mirror(client, EVERYTHING, file, lambda *_: None).run_round(await source.read())
            except* KilledError:
                kills += 1
        if random.random() < 0.5:
            assert (await run_round(source, target, file)).refused == []
            await assert_equal(source, target)
    assert (await run_round(source, target, file)).refused == []
    await assert_equal(source, target)
    assert (await run_round(source, target, file)).changes == 0
    assert kills


async def test_strong_associations_follow_with_the_promotion(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """They are created with a schema, which import mode refuses."""
    source, target = sites
    await fill(source)
    strong = {"associationType": "value", "lifecycle": "STRONG", "schema": {"schema": '"string"'}}
    for topic, change in (("lifts", strong), ("stairs", {"subject": "lifts-value", "associationType": "value"})):
        resource = {"resourceName": topic, "resourceNamespace": "lkc-1", "resourceId": f"id-{topic}"}
        status, answer = await source.call("POST", "/associations", {**resource, "associations": [change]})
        assert status == 200, answer
    file = StateFile(tmp_path / "mirror.json")
    assert (await run_round(source, target, file)).items == 1
    async with RegistryClient(target.url) as client:
        assert await Mirror(client, EVERYTHING, file, lambda *_: None).promote() == []
    listed = (await target.call("GET", "/associations/resources/-/-"))[1]
    assert sorted((each["resourceName"], each["lifecycle"]) for each in listed) == [
        ("lifts", "STRONG"),
        ("stairs", "WEAK"),
    ]
    assert list(associations.find_differences((await source.read()).registry, (await target.read()).registry)) == []


async def test_items_of_others_are_left_alone(sites: tuple[Site, Site], tmp_path: Path) -> None:
    source, target = sites
    kek = {"name": "k", "kmsType": "local-kms", "kmsKeyId": "mine"}
    for site, name in ((source, "mine"), (target, "theirs")):
        await site.call("POST", KEKS, kek | {"kmsKeyId": name})
        await site.call("PUT", "/policies/lifts", {"value": {"plain": "refuse"}, "mode": "enforce"})
        await site.call("PUT", f"/policies/{name}", {"value": {"plain": "refuse"}})
    file = StateFile(tmp_path / "mirror.json")
    with pytest.raises(ForeignContentError) as refusal:
        await run_round(source, target, file)
    assert refusal.value.differing == ["KEK k has other properties than in the source, and is not of this mirror"]
    assert (await target.call("GET", "/policies/mine"))[0] == 404
    assert [await target.call("DELETE", f"{KEKS}/k{query}") for query in ("", "?permanent=true")] == [(204, None)] * 2
    assert (await run_round(source, target, file)).items == 2
    await source.call("DELETE", "/policies/lifts")
    assert (await run_round(source, target, file)).items == 0  # the target's own client has set it, too
    listed = (await target.call("GET", "/policies"))[1]["data"]
    assert sorted(policy["name"] for policy in listed) == ["lifts", "mine", "theirs"]


async def test_keys_follow_the_names_of_their_subjects(sites: tuple[Site, Site], tmp_path: Path) -> None:
    source, target = sites
    await fill(source)
    for name, subject in (("k", ":.eu:lifts-value"), ("other", "lifts-value")):
        await source.call("POST", KEKS, {"name": name, "kmsType": "local-kms", "kmsKeyId": "mine"})
        body = {"subject": subject, "encryptedKeyMaterial": "c2VjcmV0", "algorithm": "AES256_GCM"}
        assert (await source.call("POST", f"{KEKS}/{name}/deks", body))[0] == 200
    await source.call("PUT", "/policies/lifts", {"value": {"plain": "refuse"}})
    selection = Selection(".eu", ".copy", "eu-")
    assert (await run_round(source, target, StateFile(tmp_path / "m.json"), selection)).items == 2
    assert await target.call("GET", KEKS) == (200, ["k"])
    status, dek = await target.call("GET", f"{KEKS}/k/deks/:.copy:eu-lifts-value")
    assert (status, dek["encryptedKeyMaterial"]) == (200, "c2VjcmV0"), json.dumps(dek)
    assert (await target.call("GET", "/policies"))[1]["data"] == []


async def test_a_service_that_stops_serving_a_kind_deletes_nothing(sites: tuple[Site, Site], tmp_path: Path) -> None:
    source, target = sites
    await source.call("PUT", "/policies/lifts", {"value": {"plain": "refuse"}})
    file = StateFile(tmp_path / "mirror.json")
    await run_round(source, target, file)
    without = (await source.read())._replace(policies=None, keys=None)
    async with RegistryClient(target.url) as client:
        await Mirror(client, EVERYTHING, file, lambda *_: None).run_round(without)
    assert (await target.call("GET", "/policies/lifts"))[0] == 200
    await source.call("DELETE", "/policies/lifts")
    assert (await run_round(source, target, file)).items == 1
    assert (await target.call("GET", "/policies/lifts"))[0] == 404

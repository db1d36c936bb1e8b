"""Topics of other registries: they are read to the right state, and what is written to them can be read by theirs."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.web.conftest import Api
from tests.web.schemas_topics import CONFLUENT, KARAPACE, REDPANDA, Log, version_key

LEGACY_USER_1 = b'{"subject":"user","version":1,"magic":1,"keytype":"SCHEMA"}'
COUNTER = b'{"keytype":"MODE","subject":"__MAX_ID","magic":0}'
NULL_CONFIG = b'{"keytype":"CONFIG","subject":null,"magic":0}'


def compacted(api: Api) -> dict[bytes, bytes]:
    """What is left of the topic once it is compacted: the last value of each key; a null removes the key."""
    left: dict[bytes, bytes] = {}
    for key, value, *_ in api.log.records:
        assert key is not None
        left.pop(key, None)
        if value is not None:
            left[key] = value
    return left


def written(api: Api, before: Log) -> list[tuple[bytes | None, bytes | None]]:
    """What we added."""
    return [(each.key, each.value) for each in api.log.records[len(before) :]]


def as_others_read(api: Api) -> dict[tuple[Any, ...], bytes]:
    """The compacted topic by what its keys mean, which must be one key for each thing; empty values are deletions."""
    found: dict[tuple[Any, ...], bytes] = {}
    for key, value in compacted(api).items():
        fields = json.loads(key)
        meaning = (fields["keytype"], fields.get("subject"), fields.get("version"), fields.get("context"))
        if value:
            assert meaning not in found, f"two keys stand for {meaning}"
            found[meaning] = value
    return found


async def test_a_topic_of_confluent_is_read(api: Api) -> None:
    """Schemas, deletions, settings, contexts, references, metadata and rules."""
    await api.log.append(CONFLUENT)
    assert await api("GET", "/subjects") == (200, [":.eu:order", "money", "order"])
    assert await api("GET", "/subjects?deletedOnly=true") == (200, ["old"])
    assert await api("GET", "/subjects/old/versions?deleted=true") == (200, [1, 2])
    status, order = await api("GET", "/subjects/order/versions/1")
    assert (status, order["id"], order["schemaType"]) == (200, 2, "AVRO")
    assert order["references"] == [{"name": "Money", "subject": "money", "version": 1}]
    assert order["metadata"] == {"properties": {"owner": "sales", "secret": "AbC="}, "sensitive": ["secret"]}
    assert order["ruleSet"]["domainRules"][0]["expr"] == "message.total.cents > 0"
    assert await api("GET", "/subjects/money/versions/1/referencedby") == (200, [2])
    assert (await api("GET", "/schemas/ids/5"))[0] == 404
    assert (await api("GET", "/schemas/ids/1"))[1]["subject"] == "money"
    assert (await api("GET", "/contexts/.eu/schemas/ids/1"))[1]["schemaType"] == "PROTOBUF"
    assert await api("GET", "/contexts") == (200, [".", ".eu"])
    assert (await api("GET", "/config"))[1]["compatibilityLevel"] == "FULL"
    assert (await api("GET", "/config/order"))[1] == {"compatibilityLevel": "NONE"}
    assert await api("GET", "/mode/money") == (200, {"mode": "READONLY"})
    assert (await api("POST", "/subjects/next/versions", {"schema": '"string"'}))[1]["id"] == 7


async def test_a_topic_of_karapace_is_read(api: Api) -> None:
    """Also its legacy keys, its empty tombstones and its spelling of the global config."""
    await api.log.append(KARAPACE)
    assert await api("GET", "/subjects") == (200, ["user"])
    assert await api("GET", "/subjects?deleted=true") == (200, ["item", "user"])
    assert (await api("GET", "/subjects/user/versions/2"))[1]["schemaType"] == "AVRO"
    assert (await api("GET", "/config"))[1] == {"compatibilityLevel": "NONE"}
    assert (await api("GET", "/config/user"))[1] == {"compatibilityLevel": "FULL"}
    assert (await api("GET", "/schemas/ids/4"))[0] == 404
    # Its text has sorted keys; the same schema in any order of keys is that schema.
    user = {"schema": '{"type":"record","name":"User","fields":[{"type":"int","name":"id"}]}'}
    status, found = await api("POST", "/subjects/user", user)
    assert (status, found["id"], found["version"]) == (200, 1, 1)
    stored = json.loads((await api("GET", "/subjects/user/versions/1"))[1]["schema"])
    assert stored == json.loads(user["schema"])


async def test_a_topic_of_redpanda_is_read(api: Api) -> None:
    """Its keys hold sequence numbers, which say nothing to us."""
    await api.log.append(REDPANDA)
    assert await api("GET", "/subjects") == (200, [])
    assert await api("GET", "/subjects?deleted=true") == (200, ["a"])
    assert (await api("GET", "/config"))[1] == {"compatibilityLevel": "FULL"}
    await api("DELETE", "/subjects/a?permanent=true")
    await api("PUT", "/config", {"compatibility": "NONE"})
    assert [(key, value) for key, value in written(api, REDPANDA)] == [
        (COUNTER, b'{"subject":"1","mode":"READWRITE"}'),
        (REDPANDA[0][0], None),
        (REDPANDA[1][0], b'{"compatibilityLevel":"NONE"}'),
    ]


async def test_updates_of_foreign_records_go_under_the_keys_that_are_there(api: Api) -> None:
    """Otherwise compaction would bring back what was changed or deleted."""
    await api.log.append(KARAPACE)
    await api("DELETE", "/subjects/user/versions/1")
    await api("PUT", "/config", {"compatibility": "BACKWARD"})
    (deleted_key, deleted), (config_key, config) = written(api, KARAPACE)
    assert deleted_key == LEGACY_USER_1
    assert json.loads(deleted or b"")["deleted"] is True
    assert (config_key, config) == (NULL_CONFIG, b'{"compatibilityLevel":"BACKWARD"}')
    await api("DELETE", "/subjects/user/versions/1?permanent=true")
    await api("DELETE", "/config")
    counted = (COUNTER, b'{"subject":"4","mode":"READWRITE"}')  # an id that Karapace has deleted for good
    assert written(api, KARAPACE)[2:] == [counted, (LEGACY_USER_1, None), (NULL_CONFIG, None)]
    readable = as_others_read(api)
    assert ("SCHEMA", "user", 1, None) not in readable
    assert ("SCHEMA", "user", 2, None) in readable
    assert ("CONFIG", None, None, None) not in readable


async def test_both_spellings_of_one_thing_become_one(api: Api) -> None:
    """Two products wrote the global config: after our write one of them is gone."""
    canonical = (b'{"keytype":"CONFIG","magic":0}', b'{"compatibilityLevel":"FULL"}')
    await api.log.append([canonical, *KARAPACE])
    assert (await api("GET", "/config"))[1]["compatibilityLevel"] == "NONE"
    await api("PUT", "/config", {"compatibility": "FORWARD"})
    assert as_others_read(api)["CONFIG", None, None, None] == b'{"compatibilityLevel":"FORWARD"}'


@pytest.mark.parametrize("log", [CONFLUENT, KARAPACE, REDPANDA], ids=["Confluent", "Karapace", "Redpanda"])
async def test_what_we_write_follows_the_others_rules(start: Callable[..., Awaitable[Api]], log: Log) -> None:
    """Keys that they know byte for byte, values in their shape, nulls for deletions, no key twice.

    The state that the compacted topic gives another node is the one that we had.
    """
    api = await start()
    await api.log.append(log)
    schema = {"schema": '{"type":"record","name":"New","fields":[]}', "metadata": {"properties": {"a": "b"}}}
    for subject in ("new", ":.us:new"):
        assert (await api("POST", f"/subjects/{subject}/versions", schema))[0] == 200
    await api("POST", "/subjects/brief/versions", {"schema": '"boolean"'})
    await api("DELETE", "/subjects/brief")
    await api("DELETE", "/subjects/brief?permanent=true")
    await api("PUT", "/config/new", {"compatibility": "FULL"})
    await api("PUT", "/mode/new", {"mode": "READONLY"})
    records = written(api, log)
    assert [key for key, _ in records if key and b"new" in key] == [
        version_key("new", 1),
        version_key(":.us:new", 1),
        b'{"keytype":"CONFIG","subject":"new","magic":0}',
        b'{"keytype":"MODE","subject":"new","magic":0}',
    ]
    assert (version_key("brief", 1), None) in records
    assert all(value != b"" for _, value in records)
    contexts = [key for key, _ in records if key and b"CONTEXT" in key]
    assert contexts == [b'{"keytype":"CONTEXT","tenant":"default","context":".us","magic":0}']
    value = json.loads(dict(records)[version_key("new", 1)] or b"")
    assert list(value) == ["subject", "version", "id", "schemaType", "metadata", "schema", "deleted"]
    if log is not REDPANDA:
        as_others_read(api)
    before = (await api("GET", "/schemas?deleted=true"))[1]
    another = await start()
    await another.log.append(list(compacted(api).items()))
    after = (await another("GET", "/schemas?deleted=true"))[1]
    assert [{**each, "ts": 0} for each in after] == [{**each, "ts": 0} for each in before]

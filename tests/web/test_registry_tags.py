"""Tags over HTTP: by their own call, with a registration, carried on, and found again."""

from typing import Any

from tests.web.conftest import Api

PUMP = {
    "schema": (
        '{"type":"record","name":"Pump","namespace":"own","fields":'
        '[{"name":"serial","type":"string"},{"name":"bar","type":"int"}]}'
    )
}


WIDER = {"schema": PUMP["schema"].replace("]}", ',{"name":"rpm","type":"int","default":0}]}')}
PROPAGATE = {"propagateSchemaTags": True}


def schema_tags(path: str, *tags: str) -> dict[str, Any]:
    kind = "sr_field" if path.count(".") > 1 else "sr_record"
    return {"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": list(tags)}


async def test_tagging_a_version_makes_the_next_one(api: Api) -> None:
    """Its number is in its metadata; the tags are in its text and are found by name or by `*`."""
    await api("POST", "/subjects/a/versions", PUMP)
    status, tagged = await api(
        "POST", "/subjects/a/versions/1/tags", {"tagsToAdd": [schema_tags("own.Pump.serial", "PII", "KEY")]}
    )
    assert (status, tagged["version"], tagged["id"]) == (200, 2, 2)
    assert tagged["metadata"] == {"properties": {"confluent:version": "2"}}
    assert '"confluent:tags":["PII","KEY"]' in tagged["schema"]
    status, removed = await api(
        "POST",
        "/subjects/a/versions/latest/tags",
        {"newVersion": 3, "tagsToRemove": [schema_tags("own.Pump.serial", "KEY")]},
    )
    assert (status, removed["version"], removed["metadata"]) == (200, 3, {"properties": {"confluent:version": "3"}})
    found = [schema_tags("own.Pump.serial", "PII")]
    for path in ("/subjects/a/versions/3", "/schemas/ids/3"):
        for query in ("findTags=PII", "findTags=*", "findTags=NO&findTags=PII"):
            assert (await api("GET", f"{path}?{query}"))[1]["schemaTags"] == found
        assert "schemaTags" not in (await api("GET", f"{path}?findTags=KEY"))[1]
        assert "schemaTags" not in (await api("GET", path))[1]


async def test_a_registration_that_names_tags_is_a_version_of_its_own(api: Api) -> None:
    """Also if it takes off a tag that the schema does not have; the number is carried on with propagated tags."""
    await api("POST", "/subjects/a/versions", PUMP)
    removal = {**PUMP, "schemaTagsToRemove": [schema_tags("own.Pump.bar", "UNIT")]}
    for version in (2, 3):
        status, answer = await api("POST", "/subjects/a/versions", removal if version == 2 else {**WIDER, **PROPAGATE})
        assert (status, answer["version"], answer["id"]) == (200, version, version)
        assert answer["metadata"] == {"properties": {"confluent:version": str(version)}}


async def test_a_tagging_request_changes_metadata_and_rules_too(api: Api) -> None:
    """Rules are replaced, or merged by name and removed by name."""
    rules = {"domainRules": [{"name": "a", "type": "CEL"}, {"name": "b", "type": "CEL"}]}
    await api("POST", "/subjects/a/versions", {**PUMP, "ruleSet": rules})
    body = {
        "metadata": {"properties": {"owner": "me"}},
        "rulesToMerge": {"domainRules": [{"name": "b", "type": "ENCRYPT"}, {"name": "c", "type": "CEL"}]},
        "rulesToRemove": ["a"],
    }
    status, answer = await api("POST", "/subjects/a/versions/1/tags", body)
    assert status == 200
    assert answer["metadata"] == {"properties": {"confluent:version": "2", "owner": "me"}}
    assert [(each["name"], each["type"]) for each in answer["ruleSet"]["domainRules"]] == [
        ("b", "ENCRYPT"),
        ("c", "CEL"),
    ]
    status, answer = await api("POST", "/subjects/a/versions/2/tags", {"ruleSet": {"domainRules": []}})
    assert (status, answer["ruleSet"]) == (200, {})


async def test_a_registration_brings_its_tags(api: Api) -> None:
    """They become part of the text, and the version is numbered."""
    body = {**PUMP, "schemaTagsToAdd": [schema_tags("own.Pump", "PUBLIC"), schema_tags("own.Pump.bar", "X")]}
    status, answer = await api("POST", "/subjects/a/versions", body)
    assert (status, answer["version"], answer["metadata"]["properties"]) == (200, 1, {"confluent:version": "1"})
    assert answer["schema"].count("confluent:tags") == 2
    assert await api("POST", "/subjects/a/versions", body) == (200, answer)


async def test_tags_are_carried_on_when_asked_for(api: Api) -> None:
    """To what still exists in the new version."""
    tags = [schema_tags("own.Pump.serial", "PII"), schema_tags("own.Pump.bar", "X")]
    await api("POST", "/subjects/a/versions", {**PUMP, "schemaTagsToAdd": tags})
    shorter = {
        "schema": '{"type":"record","name":"Pump","namespace":"own","fields":[{"name":"serial","type":"string"}]}'
    }
    status, answer = await api("POST", "/subjects/a/versions", {**shorter, "propagateSchemaTags": True})
    assert (status, answer["version"]) == (200, 2)
    assert (await api("GET", "/subjects/a/versions/2?findTags=*"))[1]["schemaTags"] == tags[:1]
    assert "confluent:tags" not in (await api("POST", "/subjects/a/versions", shorter))[1]["schema"]


async def test_tagging_what_is_not_there_is_refused(api: Api) -> None:
    """With the code of what is missing, and nothing is written."""
    await api("POST", "/subjects/a/versions", PUMP)
    written = len(api.log.records)
    for path, body, code in (
        ("/subjects/none/versions/1/tags", {}, 40401),
        ("/subjects/a/versions/9/tags", {}, 40402),
        ("/subjects/a/versions/x/tags", {}, 42202),
        ("/subjects/a/versions/1/tags", {"newVersion": 5}, 42201),
        ("/subjects/a/versions/1/tags", {"tagsToAdd": [schema_tags("own.Pump.none", "X")]}, 42201),
        ("/subjects/a/versions/1/tags", {"tagsToAdd": "x"}, 400),
        ("/subjects/a/versions/1/tags", {"tagsToAdd": [{"schemaEntity": {"entityType": "x"}}]}, 400),
        ("/subjects/a/versions", {**PUMP, "schemaTagsToAdd": [schema_tags("own.Other", "X")]}, 42201),
    ):
        status, answer = await api("POST", path, body)
        assert (status // 100, answer["error_code"]) == (4, code)
    assert len(api.log.records) == written
    assert (await api("GET", "/subjects/a/versions/1/tags"))[0] == 405


async def test_the_configs_metadata_and_rules_lie_below_and_above_the_requests(api: Api) -> None:
    """default, then the request or the previous version, then override; the later tags of one path win."""
    rules = [{"name": name, "type": "CEL", "expr": "default"} for name in ("a", "b", "c")]
    config = {
        "defaultMetadata": {
            "properties": {"x": "default", "y": "default"},
            "tags": {"own.Pump": ["D"], "own.Pump.bar": ["B"]},
        },
        "overrideMetadata": {"properties": {"z": "override"}, "sensitive": ["z"]},
        "defaultRuleSet": {"domainRules": rules},
        "overrideRuleSet": {"migrationRules": [{"name": "m", "type": "JSONATA"}], "domainRules": [rules[2]]},
    }
    assert (await api("PUT", "/config/a", config))[0] == 200
    own = {
        "metadata": {"properties": {"z": "own", "x": "own"}, "tags": {"own.Pump": ["O", "P"]}},
        "ruleSet": {"domainRules": [{**rules[1], "expr": "own"}, {**rules[2], "expr": "own"}]},
    }
    _, answer = await api("POST", "/subjects/a/versions", {**PUMP, **own})
    assert answer["metadata"] == {
        "tags": {"own.Pump": ["O", "P"], "own.Pump.bar": ["B"]},
        "properties": {"x": "own", "y": "default", "z": "override"},
        "sensitive": ["z"],
    }
    assert list(answer["metadata"]) == ["tags", "properties", "sensitive"]
    assert list(answer["ruleSet"]) == ["migrationRules", "domainRules"]
    merged = [(each["name"], each["expr"]) for each in answer["ruleSet"]["domainRules"]]
    assert merged == [("a", "default"), ("b", "own"), ("c", "default")]
    _, again = await api("POST", "/subjects/a/versions", {**PUMP, "metadata": None})
    assert (again["id"], again["metadata"]) == (answer["id"], answer["metadata"])

"""What the registry says of a wrong value: the value, what was expected, and what to do; never a class of Java."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from karapace_like.web.registry.objects import OBJECTS
from tests.web.conftest import Api

SCHEMA = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'
FOREIGN = re.compile(r"java|jackson|JsonToken|deserialize|Enum class|confluent\.kafka", re.IGNORECASE)
WRONG: list[Any] = [{}, {"x": 1}, [], [[]], [{}], [1], ["x"], "x", "", 1.5, -1, 2**40, 10**400, True]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"schema": {"type": "int"}},
            400,
            (
                "schema is an object; expected a string that holds the text of the schema, with its quotes escaped, "
                r'such as "{\"type\":\"int\"}"'
            ),
        ),
        (
            {"schema": ["null", "int"]},
            400,
            (
                "schema is an array; expected a string that holds the text of the schema, with its quotes escaped, "
                r'such as "{\"type\":\"int\"}"'
            ),
        ),
        (
            {"shema": SCHEMA},
            42201,
            (
                "Empty schema: the field schema must hold the text of the schema as a string. "
                "The field 'shema' is unknown and was ignored; did you mean 'schema'?"
            ),
        ),
        (
            {"schema": '"house.Lift"', "refrences": [{"name": "house.Lift", "subject": "lifts", "version": 1}]},
            42201,
            "The field 'refrences' is unknown and was ignored; did you mean 'references'?",
        ),
        ({"schema": SCHEMA, "schemaType": "AVR0"}, 42201, "Invalid schema type AVR0; expected AVRO, JSON, PROTOBUF"),
        ({"schema": SCHEMA, "version": "x"}, 400, 'version must be an integer (was "x")'),
        ({"schema": SCHEMA, "id": [1]}, 400, "id must be an integer (was [1])"),
        ({"schema": SCHEMA, "id": 2**31}, 400, "id must be an integer from -2147483648 to 2147483647 (was 2147483648)"),
        ({"schema": SCHEMA, "references": {}}, 400, "references must be an array of JSON objects (was {})"),
        ({"schema": SCHEMA, "references": [1]}, 400, "references[0] must be a JSON object (was 1)"),
        ({"schema": SCHEMA, "metadata": []}, 400, "metadata must be a JSON object (was [])"),
        ({"schema": SCHEMA, "metadata": {"properties": [1]}}, 400, "properties must be a JSON object (was [1])"),
        ({"schema": SCHEMA, "metadata": {"sensitive": [{}]}}, 400, "sensitive[0] must be a string (was {})"),
        (
            {"schema": SCHEMA, "ruleSet": {"domainRules": [{"kind": "TEST"}]}},
            400,
            'kind must be one of TRANSFORM, CONDITION (was "TEST")',
        ),
        (
            {"schema": SCHEMA, "propagateSchemaTags": "perhaps"},
            400,
            'propagateSchemaTags must be true or false (was "p',
        ),
        ([], 400, "RegisterSchemaRequest must be a JSON object (was [])"),
    ],
)
@pytest.mark.parametrize("path", ["/subjects/s/versions", "/subjects/s", "/compatibility/subjects/s/versions"])
async def test_a_wrong_field_has_a_sentence_of_its_own(api: Api, path: str, body: Any, code: int, message: str) -> None:
    status, answer = await api("POST", path, body)
    assert (status, answer["error_code"]) == (code if code < 1000 else code // 100, code)
    assert message in answer["message"]


async def test_unknown_fields_are_ignored_where_nothing_is_wrong(api: Api) -> None:
    assert (await api("POST", "/subjects/s/versions", {"schema": SCHEMA, "refrences": [], "shcema": 1}))[0] == 200
    status, answer = await api(
        "POST", "/subjects/s/versions", {"schema": '"long"', "guid": "x", "ts": 1, "subject": "s"}
    )
    assert (status, "did you mean" in answer["message"]) == (409, False)


async def test_many_and_long_unknown_fields_are_not_compared(api: Api) -> None:
    """Comparing names takes time: a request cannot have it spent on what no one misspelt."""
    body = {"x" * 500_000: 1, **{f"refrences{number}": 1 for number in range(5_000)}}
    status, answer = await api("POST", "/subjects/s/versions", body)
    assert (status, answer["message"].count("did you mean")) == (422, 5)


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PUT", "/config", {"compatibility": "BACKWARDS"}, "Invalid compatibility level 'BACKWARDS'. Valid values are"),
        ("PUT", "/mode", {"mode": "READ"}, "Invalid mode 'READ'. Valid values are READWRITE"),
        ("PUT", "/config", {"defaultMetadata": 1}, "defaultMetadata must be a JSON object (was 1)"),
    ],
)
async def test_wrong_settings_are_named(api: Api, method: str, path: str, body: Any, message: str) -> None:
    status, answer = await api(method, path, body)
    assert status in {400, 422}
    assert message in answer["message"]


def _wrong_bodies(name: str) -> Iterator[dict[str, Any]]:
    for field in OBJECTS[name]["properties"]:
        for wrong in WRONG:
            yield {"schema": SCHEMA, field: wrong}
    for outer, inner in [("metadata", "Metadata"), ("ruleSet", "RuleSet")]:
        for field in OBJECTS[inner]["properties"]:
            for wrong in WRONG:
                yield {"schema": SCHEMA, outer: {field: wrong}}
    for field in OBJECTS["Rule"]["properties"]:
        for wrong in WRONG:
            yield {"schema": SCHEMA, "ruleSet": {"domainRules": [{field: wrong}]}}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/subjects/s", "RegisterSchemaRequest"),
        ("POST", "/subjects/s/versions/1/tags", "TagSchemaRequest"),
        ("PUT", "/config", "ConfigUpdateRequest"),
    ],
)
async def test_no_answer_names_a_class_of_java(api: Api, method: str, path: str, name: str) -> None:
    """Values of every type in every field, at every depth."""
    for body in _wrong_bodies(name):
        status, answer = await api(method, path, body)
        assert status < 500, body
        if status >= 400:
            assert FOREIGN.search(answer["message"]) is None, (body, answer["message"])

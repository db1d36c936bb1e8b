"""What is refused of consumer instances: requests that cannot be meant, and those that come too early."""

import pytest

from tests.web.proxy.conftest import KAFKA_V2, ProxyApi, media_type
from tests.web.proxy.instances import NOT_FOUND, Refusal, Topics, assigned, at, expect
from tests.web.wire import Wire, statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_poll_asks_for_the_instance_s_format(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """Without a wish, binary is meant; what is no embedded format is not acceptable at all."""
    instance = await assigned(proxy, group, topic_of())
    for accept in ("*/*", "", KAFKA_V2, *map(media_type, ("binary", "avro", "jsonschema", "protobuf"))):
        status, answer = await proxy("GET", f"{instance}/records?timeout=100", accept=accept)
        assert (status, answer["error_code"]) == (406, 40601)
    for accept in ("text/html", media_type("nosuch")):
        status, answer = await proxy("GET", f"{instance}/records?timeout=100", accept=accept)
        assert (status, answer["error_code"]) == (406, 406)
    json = await proxy.response("GET", f"{instance}/records?timeout=100", accept="application/json")
    assert (json.status, json.content_type) == (200, "application/json")
    binary = await assigned(proxy, group, topic_of(), format="binary")
    answer = await proxy.response("GET", f"{binary}/records?timeout=100")
    assert (answer.status, answer.content_type) == (200, media_type("binary"))


async def test_a_poll_needs_something_to_read(proxy: ProxyApi, group: str) -> None:
    instance = await proxy.consumer(group)
    refusal = (409, 40903, "Illegal state: Consumer is not subscribed to any topics or assigned any partitions")
    await expect(proxy, refusal, "GET", f"{instance}/records", accept=media_type("json"))
    assert await proxy("POST", f"{instance}/offsets") == (200, [])
    assert await proxy("GET", f"{instance}/offsets", {"partitions": [at("any")]}) == (200, {"offsets": []})
    assert await proxy("DELETE", f"{instance}/subscription") == (204, None)


async def test_without_a_reset_there_is_nothing_to_read_from(proxy: ProxyApi, topic_of: Topics, group: str) -> None:
    """`auto.offset.reset: none` says so instead of guessing."""
    instance = await assigned(proxy, group, topic_of(), **{"auto.offset.reset": "none"})
    await expect(proxy, (500, 50002, None), "GET", f"{instance}/records?timeout=60000", accept=media_type("json"))


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"format": "xml"}, (422, 422, "Invalid format type. ")),
        ({"format": ""}, (422, 422, "Invalid format type. ")),
        ({"format": 5}, (422, 422, "Invalid format type. ")),
        ({"key.format": "xml"}, (422, 422, "Invalid format type. ")),
        ({"value.format": ""}, (422, 422, "Invalid format type. ")),
        ({"auto.offset.reset": "sometime"}, (422, 42204, None)),
        (
            {"auto.commit.enable": "maybe"},
            (
                422,
                42204,
                (
                    "Invalid consumer configuration: Invalid value maybe for configuration enable.auto.commit: "
                    "Expected value to be either true or false"
                ),
            ),
        ),
        ({"fetch.min.bytes": "x"}, (400, 400, 'fetch.min.bytes must be an integer (was "x")')),
        ({"consumer.request.timeout.ms": "x"}, (400, 400, 'consumer.request.timeout.ms must be an integer (was "x")')),
        (
            {"fetch.min.bytes": -5},
            (
                422,
                40001,
                (
                    "Invalid consumer configuration. It does not abide by the constraints: "
                    "Invalid value -5 for configuration fetch.min.bytes: Value must be at least -1"
                ),
            ),
        ),
        ({"name": "n" * 256}, (422, 422, "name must have at most 255 characters (was nnn")),
        ({"name": "a\0b"}, (422, 422, "name must have neither a null character nor an unpaired surrogate")),
        ({"unknown.setting": 1}, (422, 422, "Unrecognized field: unknown.setting")),
        ([], (400, 400, None)),
        ("x", (400, 400, None)),
        (b"{", (400, 400, None)),
    ],
)
async def test_bad_instances_are_refused(proxy: ProxyApi, group: str, body: object, refusal: Refusal) -> None:
    await expect(proxy, refusal, "POST", f"/consumers/{group}", body)


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        (
            "subscription",
            None,
            (422, 422, "The request has no body; expected a JSON object with one of topics or topic_pattern"),
        ),
        (
            "subscription",
            {"topic": "a"},
            (422, 422, "Unrecognized field: topic; did you mean topics? expected one of topics or topic_pattern"),
        ),
        ("subscription", {"topics": "a"}, (400, 400, None)),
        (
            "subscription",
            {"topics": ["a", ""]},
            (422, 422, "topics[1] must not be empty (was )"),
        ),
        ("assignments", None, (422, 422, "The request has no body; expected a JSON object with partitions")),
        ("assignments", {}, (422, 422, "partitions must not be null (was null)")),
        ("assignments", {"partitions": [{"partition": 0}]}, (422, 422, None)),
        ("assignments", {"partitions": [{"topic": "", "partition": 0}]}, (422, 422, None)),
        ("assignments", {"partitions": [{"topic": "a", "partition": -1}]}, (422, 422, None)),
        (
            "assignments",
            {"partitions": [{"topic": "a", "partition": "x"}]},
            (400, 400, 'partition must be an integer (was "x")'),
        ),
        ("assignments", {"partitions": [{"topic": "a", "more": 1}]}, (422, 422, "Unrecognized field: more")),
        ("assignments", {"partitions": "x"}, (400, 400, None)),
        (
            "positions",
            None,
            (422, 422, "The request has no body; expected a JSON object with one of offsets or timestamps"),
        ),
        ("positions", {"offsets": "x"}, (400, 400, None)),
        ("positions", {"offsets": [{"topic": "a", "offset": -3}]}, (422, 422, None)),
        ("positions", {"timestamps": [{"topic": "a", "timestamp": "yesterday"}]}, (400, 400, None)),
        ("positions", {"timestamps": [{"topic": "a"}]}, (422, 422, None)),
        ("positions", {"timestamps": [{"topic": "a", "timestamp": True}]}, (400, 400, "timestamp must be an integer")),
        ("positions", {"timestamps": [{"topic": "a", "timestamp": 2**70}]}, (400, 400, "timestamp must be an integer")),
        ("positions", {"timestamps": [{"topic": "a", "timestamp": -1}]}, (400, 400, "timestamp must be an integer")),
        ("positions", {"timestamps": [{"topic": "a", "timestamp": "0001-01-01T00:00:00Z"}]}, (422, 422, None)),
        ("positions", {"offsets": [{"topic": "a", "offset": 2**63}]}, (400, 400, "offset must be an integer")),
        ("offsets", {"offsets": [{"topic": "a", "offset": 2**63 - 1}]}, (422, 422, "offsets[0].offset must be less")),
        ("offsets", {"offsets": [{"topic": "a", "metadata": "m" * 4097}]}, (422, 422, "offsets[0].metadata must have")),
        (
            "assignments",
            {"partitions": [{"topic": "a" * 250}]},
            (422, 422, "partitions[0].topic must have at most 249"),
        ),
        ("subscription", {"topics": ["a" * 250]}, (422, 422, "topics[0] must have at most 249 characters")),
        ("positions/beginning", None, (422, 422, "The request has no body; expected a JSON object with partitions")),
        ("positions/end", {}, (422, 422, "partitions must not be null (was null)")),
        ("offsets", {"offsets": [{"topic": "a", "partition": 0, "offset": "x"}]}, (400, 400, None)),
        ("offsets", {"offsets": [{"topic": "a", "partition": 0, "offset": -2}]}, (422, 422, None)),
        ("offsets", b"{", (400, 400, None)),
    ],
)
async def test_bad_requests_about_an_instance_are_refused(
    proxy: ProxyApi, group: str, path: str, body: object, refusal: Refusal
) -> None:
    instance = await proxy.consumer(group)
    await expect(proxy, refusal, "POST", f"{instance}/{path}", body)


async def test_committed_offsets_are_asked_for_by_partition(proxy: ProxyApi, group: str) -> None:
    instance = await proxy.consumer(group)
    await expect(proxy, (404, 40402, "Partition not found: the body lists none"), "GET", f"{instance}/offsets")


async def test_a_commit_of_no_offsets_commits_nothing(proxy: ProxyApi, group: str) -> None:
    instance = await proxy.consumer(group)
    assert await proxy("POST", f"{instance}/offsets", {"offsets": []}) == (200, [])


@pytest.mark.parametrize("query", ["timeout=x", "max_bytes=x", "timeout=99999999999999999999"])
async def test_bad_queries_are_refused(proxy: ProxyApi, group: str, query: str) -> None:
    instance = await proxy.consumer(group)
    await expect(proxy, (404, 404, None), "GET", f"{instance}/records?{query}", accept=media_type("json"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "subscription", None),
        ("POST", "subscription", {"topics": ["a"]}),
        ("DELETE", "subscription", None),
        ("GET", "assignments", None),
        ("POST", "assignments", {"partitions": []}),
        ("POST", "offsets", {"offsets": []}),
        ("GET", "offsets", {"partitions": []}),
        ("POST", "positions", {"offsets": []}),
        ("POST", "positions/beginning", {"partitions": []}),
        ("POST", "positions/end", {"partitions": []}),
        ("GET", "records", None),
    ],
)
async def test_every_call_needs_an_instance(proxy: ProxyApi, group: str, method: str, path: str, body: object) -> None:
    await expect(proxy, NOT_FOUND, method, f"/consumers/{group}/instances/none/{path}", body)


@pytest.mark.parametrize("sent_as", ["application/json", "text/plain"])
async def test_other_media_types_are_refused(proxy: ProxyApi, group: str, sent_as: str) -> None:
    refusal = (415, 415, f"HTTP 415 Unsupported Media Type: Content-Type is {sent_as!r}; expected one of {KAFKA_V2}, ")
    await expect(proxy, refusal, "POST", f"/consumers/{group}", {"name": "c"}, sent_as=sent_as)
    for accepted in (KAFKA_V2, media_type("json"), None):
        assert (await proxy("POST", f"/consumers/{group}", {}, sent_as=accepted))[0] == 200


@pytest.mark.parametrize("host", [b"\xff", b"x:99999", b"x:port"])
async def test_a_host_header_that_names_no_host(proxy: ProxyApi, group: str, host: bytes) -> None:
    """The answer would hold an address of it: nothing is made that nobody could be told of."""
    wire = await Wire.to(proxy.client)
    answered = await wire.ask(
        b"POST /consumers/%b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\nContent-Type: %b\r\n"
        b'Content-Length: 12\r\n\r\n{"name":"c"}' % (group.encode(), host, KAFKA_V2.encode())
    )
    assert statuses(answered) == [400]
    assert b'"error_code":400' in answered
    assert (await proxy("DELETE", f"/consumers/{group}/instances/c"))[1]["error_code"] == 40403


async def test_rest_v3_is_told_the_same_of_it(proxy: ProxyApi) -> None:
    answered = await (await Wire.to(proxy.client)).ask(
        b"GET /v3/clusters HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n"
    )
    assert statuses(answered) == [400]


async def test_a_long_group_is_refused(proxy: ProxyApi) -> None:
    refusal = (422, 422, "group must have at most 255 characters")
    await expect(proxy, refusal, "POST", f"/consumers/{'g' * 256}", {})

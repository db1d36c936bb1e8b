"""Every route, called by whom nothing of it belongs to: nothing is shown, nothing is written, and nothing fails.

The paths and bodies name resources that exist: a topic with records, a group with offsets, an instance, a schema.
"""

import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import pytest_asyncio
from yarl import URL

from karapace_like.access import authfile
from karapace_like.kafka.cluster import Cluster
from karapace_like.web.callers.access import ACCESS, Access
from karapace_like.web.callers.permissions import AUTHENTICATED, PUBLIC
from karapace_like.web.http.json_schemas import example_of
from karapace_like.web.operations import openapi
from karapace_like.web.routing import REGISTERED_ROUTES, Route
from tests.web.access.conftest import basic, bearer, written
from tests.web.access.guarded import OPEN, VARIABLE, Guarded, serving
from tests.web.access.test_every_route import KINDS, RIGHTS

NAMES = f"jungfrau-{secrets.token_hex(4)}"
"""In the names of all that is hidden."""
CONTENT = f"zugspitze-{secrets.token_hex(4)}"
"""In all that it contains."""
PASSWORDS = {name: f"of-{name}" for name in ("root", "revoked", "foreign", "neighbour")}
GRANTS: list[dict[str, Any]] = [
    *({"principals": ["root", "revoked"], "operations": RIGHTS, "resource": kind} for kind in KINDS),
    *(
        {"principals": ["foreign"], "operations": RIGHTS, "resource": kind, "name": "own-", "match": "prefix"}
        for kind in KINDS
    ),
    # Shares the group, and nothing in it: neither the topics nor the instances.
    {"principals": ["neighbour"], "operations": ["read"], "resource": "group"},
]
ROOT = basic("root", PASSWORDS["root"])
BINARY = {"Content-Type": "application/vnd.kafka.binary.v2+json"}
V2 = {"Content-Type": "application/vnd.kafka.v2+json"}
UNREADY = {"/health/startup", "/health/ready", "/health", "/master_available"}
"""Answered with 503 by this application, whose registry waits for no election."""
LISTS_NOTHING = {200, 204, 404, 405, 422}
"""Statuses of a call that needs no permission: an empty list, and what nobody has."""


class Hidden(NamedTuple):
    """What exists, and belongs to root."""

    guarded: Guarded
    values: Mapping[str, str]
    """Variable of a path -> the name of something that exists."""

    async def as_root(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        async with self.guarded.client.request(method, path, json=body, headers={**ROOT, **headers}) as answer:
            text = await answer.read()
            assert answer.status < 300, text
            return json.loads(text) if text else None

    def body_of(self, route: Route, path: str) -> Any:
        """A body that names what is hidden, with which the call would succeed."""
        topic = {"topic": NAMES, "partition": 0}
        named = {"topic_name": NAMES, "partition_id": 0, "offset": 0}
        bodies: Sequence[tuple[str, object]] = (
            (f"/instances/{NAMES}/records", {"records": [{"topic": NAMES, "value": "eA=="}]}),
            ("/records", {"records": [{"topic": NAMES, "value": "eA=="}]} if path == "/records" else {"value": {}}),
            ("/subscription", {"topics": [NAMES]}),
            ("/assignments", {"partitions": [topic]}),
            ("/positions", {"offsets": [{**topic, "offset": 0}]}),
            ("/offsets", {"offsets": [{**topic, "offset": 0}]}),
            ("/beginning", {"partitions": [topic]}),
            ("/end", {"partitions": [topic]}),
            ("/offsets:alter", {"data": [named]}),
            (
                "/topics/-/configs:alter",
                {"data": [{"topic_name": NAMES, "configs": [{"name": "retention.ms", "value": "1"}]}]},
            ),
            ("/topics", {"topic_name": NAMES}),
            ("/versions", {"schema": '"int"'}),
            ("/config", {"compatibility": "NONE"}),
            ("/mode", {"mode": "READONLY"}),
            (f"/consumers/{NAMES}", {"name": NAMES}),
        )
        for ending, body in bodies:
            if path.rstrip("/").endswith(ending):
                return body
        return None if route.call.body is None else example_of(route.call.body, openapi._OBJECTS)

    async def snapshot(self) -> dict[str, Any]:
        """All that a call could have written."""
        cluster = f"/v3/clusters/{self.values['cluster']}"
        paths = (
            f"/topics/{NAMES}",
            f"/topics/{NAMES}/partitions/0/offsets",
            f"{cluster}/consumer-groups/{NAMES}/offsets",
            f"{cluster}/topics/{NAMES}/configs",
            f"/consumers/{NAMES}/instances/{NAMES}/assignments",
            "/schemas?deleted=true",
            "/config",
            "/mode",
            f"/config/{NAMES}?defaultToGlobal=true",
            "/contexts",
        )
        found = {path: await self.as_root("GET", path) for path in paths}
        topics = await self.as_root("GET", "/topics")
        return {**found, "topics": [name for name in topics if NAMES in name or name == "some"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hidden(kafka: Cluster) -> AsyncIterator[Hidden]:
    async with serving(kafka, written(PASSWORDS, GRANTS)) as guarded:
        bare = Hidden(guarded, {})
        schema = {"schema": json.dumps({"type": "record", "name": "R", "doc": CONTENT, "fields": []})}
        registered = await bare.as_root("POST", f"/subjects/{NAMES}/versions", schema)
        by_id = await bare.as_root("GET", f"/schemas/ids/{registered['id']}")
        await bare.as_root("POST", f"/topics/{NAMES}", {"records": [{"value": "eA=="}]}, **BINARY)
        cluster = (await bare.as_root("GET", "/v3/clusters"))["data"][0]["cluster_id"]
        offsets = {"data": [{"topic_name": NAMES, "partition_id": 0, "offset": 1}]}
        path = f"/v3/clusters/{cluster}/consumer-groups/{NAMES}/offsets:alter"
        await bare.as_root("POST", path, offsets)
        await bare.as_root("POST", f"/consumers/{NAMES}", {"name": NAMES}, **V2)
        partitions = {"partitions": [{"topic": NAMES, "partition": 0}]}
        await bare.as_root("POST", f"/consumers/{NAMES}/instances/{NAMES}/assignments", partitions, **V2)
        values = dict.fromkeys(("subject", "topic", "group", "instance", "name", "connector"), NAMES)
        yield Hidden(
            guarded,
            {**values, "cluster": cluster, "id": str(registered["id"]), "guid": by_id["guid"], "context": ":.:"},
        )


def credentials(hidden: Hidden, caller: str) -> dict[str, str]:
    match caller:
        case "unknown":
            return {}
        case "wrong":
            return basic("root", "wrong")
        case "token":
            return bearer(hidden.guarded.issuer.token("root"))
    return basic(caller, PASSWORDS[caller])


def use_users(hidden: Hidden, *others: str) -> None:
    """Let the authfile have these users beside those that nobody revokes."""
    access = hidden.guarded.app[ACCESS]
    assert isinstance(access, Access)
    users = {name: password for name, password in PASSWORDS.items() if name != "revoked" or name in others}
    if access.authentication._users.keys() != users.keys():  # else each use is a check, and a failure, more
        access.use(authfile.parse(written(users, GRANTS)))


def content_type_of(path: str) -> dict[str, str]:
    if path.partition("?")[0] == "/records" or path.startswith("/topics"):
        return BINARY
    if path.startswith("/consumers"):
        return BINARY if path.partition("?")[0].endswith("/records") else V2
    return {"Content-Type": "application/json"} if path.startswith(("/v3", "/connect")) else {}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("caller", ["unknown", "wrong", "revoked", "foreign", "neighbour", "token"])
async def test_no_route_shows_or_writes_what_is_foreign(hidden: Hidden, caller: str) -> None:
    """`revoked` had every right until a moment ago; `token` has the name of a user who has every right."""
    guarded, headers = hidden.guarded, credentials(hidden, caller)
    if caller == "revoked":
        use_users(hidden, "revoked")
        async with guarded.client.get("/subjects", headers=headers) as answer:
            assert NAMES in await answer.text()
        use_users(hidden)
    before = await hidden.snapshot()
    wrong: list[tuple[str, str, int, str]] = []
    for route, method, path in guarded.calls(hidden.values):
        body = None if method in {"GET", "HEAD"} else hidden.body_of(route, path)
        sent = {**content_type_of(path), **headers}
        async with guarded.client.request(method, path, json=body, headers=sent) as answer:
            told = f"{answer.headers} {await answer.text()}"
        if path == OPEN or route.permission == PUBLIC:
            expected = {200}
        elif caller in {"unknown", "wrong", "revoked"}:
            expected = {404} if route.hides_refusals else {401}
        elif path in UNREADY:
            expected = {200, 503}
        elif "/associations" in path:
            # A list or batch without any, an association that is not there, and a body that does not fit its path.
            expected = {200, 207, 403, 404, 422} if '"associations"' not in told else set()
        elif route.permission == AUTHENTICATED:
            expected = LISTS_NOTHING
        elif caller == "neighbour" and ("/consumer" in path or "/queues/" in path):
            expected = {200, 403, 404, 409}  # of the group that is shared, neither instance nor topics are
        else:
            expected = {403}
        # The neighbour sees that there is the group.
        is_shared = caller == "neighbour" and path.endswith("/consumer-groups")
        named = is_shared or NAMES in path or NAMES in json.dumps(body)
        if answer.status not in expected or CONTENT in told or (NAMES in told and not named):
            wrong.append((method, path, answer.status, told[-300:]))
    assert not wrong, "\n".join(map(str, wrong))
    assert await hidden.snapshot() == before


ODD: Mapping[str, Any] = {"null": "a\0b", "long": "x" * 40_000, "70 bits": 2**70, "negative": -1, "half": "a\ud800"}
SHORT = {"null", "negative"}
"""The others take half a minute of computing each."""


def odd_calls(hidden: Hidden, odd: Any) -> Iterator[tuple[str, str, object]]:
    """(method, path, body) with the odd value in each variable of each path, in each query, and in each body."""
    guarded, spelled = hidden.guarded, quote(str(odd), safe="", errors="surrogatepass")
    for place in {name for route, _ in guarded.app[REGISTERED_ROUTES] for name in VARIABLE.findall(route.path)}:
        for route, method, path in guarded.calls({**hidden.values, place: spelled}):
            if method != "HEAD" and spelled in path.split("/"):
                yield method, path, None if method == "GET" else hidden.body_of(route, path)
    for route, method, path in guarded.calls(hidden.values):
        if route.call.query:
            yield method, path + "?" + "&".join(f"{each.name}={spelled[:1_000]}" for each in route.call.query), None
        if method not in {"GET", "HEAD"}:
            yield method, path, spoil(hidden.body_of(route, path), odd)
            if route.call.body is not None:
                yield method, path, spoil(example_of(route.call.body, openapi._OBJECTS), odd)


def spoil(body: Any, odd: Any) -> Any:
    """Return the body with the odd value in place of each name and number."""
    match body:
        case dict():
            return {key: spoil(value, odd) for key, value in body.items()}
        case list():
            return [spoil(value, odd) for value in body]
    return odd


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind in SHORT else pytest.mark.long) for kind in ODD])
@pytest.mark.parametrize("caller", ["unknown", "wrong", "revoked", "foreign"])
async def test_no_odd_value_of_such_a_caller_shows_or_writes_anything(hidden: Hidden, caller: str, kind: str) -> None:
    """A refusal in the API's shape: odd values are no way around the permissions, and no failure."""
    headers = credentials(hidden, caller)
    use_users(hidden)
    before = await hidden.snapshot()
    wrong = []
    for method, path, body in odd_calls(hidden, ODD[kind]):
        url = URL(str(hidden.guarded.client.make_url("/")).rstrip("/") + path, encoded=True)
        sent = {**content_type_of(path), **headers}
        async with hidden.guarded.client.session.request(method, url, json=body, headers=sent) as answer:
            told = f"{answer.headers} {await answer.text()}"
        named = NAMES in path or NAMES in json.dumps(body)
        is_refused = answer.status in {400, 401, 403, 404, 405, 409, 422, *({200, 207} if caller == "foreign" else ())}
        if not is_refused or CONTENT in told or (NAMES in told and not named):
            wrong.append((method, path[:200], answer.status, told[-300:]))
    assert not wrong, "\n".join(map(str, wrong))
    assert await hidden.snapshot() == before

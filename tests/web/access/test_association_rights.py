"""Who may associate subjects with topics, and who sees it."""

from typing import Any

from karapace_like.registry.registration import Rules
from karapace_like.schema.model import Strictness
from tests.web.access.conftest import StartGuarded, basic, written
from tests.web.test_associations import INT, LONG, request

GRANTS = [
    {"principals": ["root"], "operations": ["config", "write", "read", "delete"], "resource": kind, "name": "*"}
    for kind in ("subject", "context", "topic")
]
USERS = {"root": "root-password", "partly": "partly-password", "nobody": "nobody-password"}
PARTLY = [
    {"principals": ["partly"], "operations": ["config"], "resource": "subject", "name": "s"},
    {"principals": ["partly"], "operations": ["config"], "resource": "topic", "name": "mine"},
]


async def test_permissions_decide(start_guarded: StartGuarded) -> None:
    """`config` on subject and topic changes; who sees no subject gets 404, never 401 or 403, where serializers ask."""
    api = await start_guarded(written(USERS, [*GRANTS, *PARTLY]), rules=Rules(strictness=Strictness.LAX))
    root, partly, nobody = (basic(name, f"{name}-password") for name in USERS)
    await api("POST", "/subjects/s/versions", INT, headers=root)
    cases: list[tuple[dict[str, str], dict[str, Any], int]] = [
        (nobody, request(), 403),
        (partly, request(), 403),
        (partly, request({"subject": "other"}, name="mine"), 403),
        (partly, request({"schema": INT, "subject": "s"}, name="mine"), 422),
        (partly, request(name="mine"), 200),
        (root, request(), 200),
    ]
    for headers, body, expected in cases:
        assert (await api("POST", "/associations", body, headers=headers))[0] == expected
    change = request({"lifecycle": "WEAK", "schema": LONG}, name="mine")
    assert (await api("PUT", "/associations/resources/mine-id", change, headers=partly))[0] == 403
    for headers, expected in ((root, 200), (partly, 200), (nobody, 404), ({}, 404), (basic("root", "wrong"), 404)):
        for path in ("resources/-/orders", "subjects/s", "resources/orders-id"):
            status, _ = await api("GET", f"/associations/{path}", headers=headers)
            assert status == expected, (path, headers)
    assert await api("GET", "/associations/resources/-/nothing", headers=nobody) == (200, [])
    assert (await api("DELETE", "/associations/resources/orders-id", headers=partly))[0] == 403
    assert (await api.response("DELETE", "/associations/resources/mine-id", headers=partly)).status == 204

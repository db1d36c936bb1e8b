"""Random requests to every route of the DEK registry and of associations: no response is a failure of the service."""

import random
from typing import Any

import pytest

from karapace_like.registry.registration import Rules
from karapace_like.schema.model import Strictness
from tests.web.conftest import keys_in_memory
from tests.web.keys.conftest import KEKS, KeysApi, Start

_REQUESTS = 250
_ODD: tuple[Any, ...] = (
    *(None, "", " ", 0, -1, 1, 2**31, 2**70, 1.5, True, False, [], {}, [None], {"a": None}, {"secret": "s"}),
    *("k1", "k2", "s1", "value", "key", "STRONG", "WEAK", "topic", "lkc", "local-kms", "hcvault", "AES256_SIV"),
    *("latest", "\0", "é", "\ud7ff", "a/b", ":.c:s", ":.c:", "x" * 300, "bWF0ZXJpYWw=", {"schema": '"int"'}),
)
_PATHS = (
    *(f"{KEKS}{path}" for path in ("", "/{}", "/{}/undelete", "/{}/test", "/{}/deks", "/{}/deks/{}")),
    *(f"{KEKS}/{{}}/deks/{{}}{path}" for path in ("/undelete", "/versions", "/versions/{}", "/versions/{}/undelete")),
    *("/associations", "/associations:batchGet", "/associations:batchMutate", "/associations/subjects/{}"),
    *("/associations/resources/{}", "/associations/resources/{}/{}", "/schemas"),
)
_PARTS = ("k1", "k2", "s1", "1", "-1", "latest", "0", "%00", "%C3%A9", "-", "a%2Fb", ":.c:s", "{}")
_QUERIES = (
    *("deleted=true", "permanent=true", "rewrap=true", "testSharing=true", "algorithm=AES256_SIV", "algorithm=x"),
    *("limit=-1", "limit=1", "offset=-5", "limit=x", "subjectPrefix=s", "context=.c", "context=a:b", "dryRun=true"),
    *(
        "cascadeLifecycle=true",
        "lifecycle=WEAK",
        "lifecycle=NONE",
        "lifecycle=x",
        "associationType=key",
        "includeSchemas=1",
    ),
)
_FIELDS = (
    *("name", "kmsType", "kmsKeyId", "kmsProps", "doc", "shared", "deleted", "subject", "version", "algorithm"),
    *("encryptedKeyMaterial", "resourceName", "resourceNamespace", "resourceId", "resourceType", "associationType"),
    *("lifecycle", "frozen", "schema", "normalize", "opType", "cascadeLifecycle", "associationTypes"),
)
_SENSIBLE: dict[str, Any] = {
    "name": "k1",
    "kmsType": "local-kms",
    "kmsKeyId": "id",
    "kmsProps": {"secret": "s"},
    "shared": True,
    "subject": "s1",
    "version": 1,
    "resourceName": "orders",
    "resourceNamespace": "lkc",
    "resourceId": "id",
}


def _body(chance: random.Random, depth: int = 0) -> Any:
    if chance.random() < 0.05:
        return chance.choice(_ODD)
    body = {**_SENSIBLE}
    for field in chance.sample(_FIELDS, chance.randrange(4)):
        body[field] = chance.choice(_ODD)
    for listed in ("associations", "requests"):
        if depth < 2 and chance.random() < 0.8:
            body[listed] = [_body(chance, depth + 1) for _ in range(chance.randrange(3))]
    body.setdefault("opType", chance.choice(["CREATE", "UPSERT", "DELETE"]))
    return body


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_no_request_makes_the_service_fail(start: Start, seed: int) -> None:
    chance = random.Random(seed)
    handling, log = keys_in_memory()
    strictness = chance.choice([Strictness.STRICT, Strictness.LAX])
    keys = KeysApi(await start(keys=handling, rules=Rules(strictness=strictness)), log)
    await keys.api("POST", "/subjects/s1/versions", {"schema": '"int"'})
    statuses = set()
    for _ in range(_REQUESTS):
        path = chance.choice(_PATHS)
        while "{}" in path:
            path = path.replace("{}", chance.choice(_PARTS[:-1]), 1)
        path = chance.choice(["", "", "/contexts/.c"]) + path
        query = "&".join(chance.sample(_QUERIES, chance.randrange(3)))
        method = chance.choice(["GET", "GET", "POST", "POST", "POST", "PUT", "DELETE"])
        body = _body(chance) if method in {"POST", "PUT"} else None
        response = await keys.api.response(method, f"{path}?{query}", body)
        text = await response.text()
        statuses.add(response.status)
        # A DEK that was stored as another KMS key had wrapped it cannot be unwrapped: 50070 says so.
        assert response.status < 500 or '"error_code":50070' in text, (method, path, query, body, text)
    assert {200, 404, 422} <= statuses

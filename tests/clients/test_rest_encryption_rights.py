"""Who may encrypt and decrypt by REST: rights on the KEK decide, whatever the rule says of failures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.contracts.test_rules import stored_value
from tests.kafka.service_in_process import serving
from tests.web.access.conftest import basic, written
from tests.web.keys.conftest import KEKS

USERS = {name: f"{name}-password" for name in ("root", "reader", "writer", "stranger")}
TOPICS: list[dict[str, Any]] = [
    {"principals": list(USERS), "operations": ["read", "write"], "resource": kind, "name": "*"}
    for kind in ("topic", "subject")
]
SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string", "confluent:tags": ["PII"]}},
}
RULE = {"name": "e", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}
ADA = {"id": 1, "name": "Ada"}


def header(user: str) -> dict[str, str]:
    return basic(user, f"{user}-password")


def grants(*, is_shared: bool) -> list[dict[str, Any]]:
    reading = "read" if is_shared else "read_secrets"
    return [
        *TOPICS,
        {"principals": ["root"], "operations": ["write", reading], "resource": "kek", "name": "*"},
        {"principals": ["reader"], "operations": [reading], "resource": "kek", "name": "people"},
        {"principals": ["writer"], "operations": ["write"], "resource": "kek", "name": "people"},
    ]


@pytest.mark.parametrize(("is_shared", "without_key"), [(True, "redact"), (False, "refuse")])
async def test_only_who_may_use_the_kek_reads_the_plaintext(
    kafka: Cluster, topic: Callable[[], str], tmp_path: Path, without_key: str, *, is_shared: bool
) -> None:
    file = tmp_path / "authfile.json"
    file.write_bytes(written(USERS, grants(is_shared=is_shared)))
    name = topic()
    settings: dict[str, Any] = {"registry_authfile": str(file), "consumer_without_key": without_key}
    async with serving(kafka, f"{name}-schemas", **settings) as node:
        kek = {"name": "people", "kmsType": "local-kms", "kmsKeyId": "k", "kmsProps": {"secret": "s"}}
        status, answer = await node.call("POST", KEKS, {**kek, "shared": is_shared}, headers=header("root"))
        assert status == 200, answer
        # NONE would hand out what Confluent's clients hand out: the ciphertext, and on writing the plaintext.
        rule = {**RULE, "params": {"encrypt.kek.name": "people"}, "onFailure": "NONE,NONE"}
        body = {"schema": json.dumps(SCHEMA), "schemaType": "JSON", "ruleSet": {"domainRules": [rule]}}
        status, answer = await node.call("POST", f"/subjects/{name}-value/versions", body, headers=header("root"))
        assert status == 200, answer

        async def produce(user: str) -> tuple[int, Any]:
            media_type = {"Content-Type": "application/vnd.kafka.jsonschema.v2+json"}
            records = {"records": [{"value": ADA}]}
            return await node.call("POST", f"/topics/{name}", records, headers={**header(user), **media_type})

        async def read(user: str) -> tuple[int, Any]:
            accept = {"Accept": "application/vnd.kafka.jsonschema.v2+json"}
            return await node.call(
                "GET", f"/topics/{name}/partitions/0/records?offset=0", headers={**header(user), **accept}
            )

        status, error = await produce("stranger")
        assert (status, error["error_code"]) == (422, 42230)
        assert "the caller may not encrypt with the KEK people: that takes its operation write" in error["message"]
        assert (await produce("reader"))[0] == 422
        status, answer = await produce("writer")
        assert status == 200, answer
        assert b"Ada" not in stored_value(kafka, name)
        for user in ("root", "reader"):
            status, records = await read(user)
            assert (status, [record["value"] for record in records]) == (200, [ADA]), user
        for user in ("writer", "stranger"):
            status, answer = await read(user)
            if without_key == "redact":
                assert (status, answer[0]["value"]) == (200, {**ADA, "name": "<REDACTED>"})
            else:
                assert (status, answer["error_code"]) == (408, 40801)
                assert "the caller may not decrypt with the KEK people: that takes its operation" in answer["message"]

"""Rules that encrypt get the name of a KEK where the DEK registry is served."""

from typing import Any

import pytest

from karapace_like.registry.registration import Rules
from tests.web.keys.conftest import INT, Start

ID, NAME, TYPE = "encrypt.kms.key.id", "encrypt.kek.name", "encrypt.kms.type"


def ruled(params: dict[str, str]) -> dict[str, Any]:
    return {**INT, "ruleSet": {"domainRules": [{"name": "r", "type": "ENCRYPT", "params": params}]}}


@pytest.mark.parametrize(
    ("params", "added"),
    [
        ({ID: "arn:aws:kms:eu:1:key/a_b"}, {NAME: "aws-kms-eu-1-key-a_b", TYPE: "aws-kms"}),
        ({ID: "https://vault/é"}, {NAME: "https---vault--"}),
        ({ID: "arn:x", NAME: "own", TYPE: "other"}, {}),
        ({NAME: "own"}, {}),
        ({}, {}),
    ],
    ids=str,
)
async def test_a_rule_is_completed(start: Start, params: dict[str, str], added: dict[str, str]) -> None:
    api = await start(rules=Rules(names_keks=True))
    body = ruled(params)
    for path in ("/subjects/s/versions", "/subjects/s/versions", "/subjects/s"):
        status, answer = await api("POST", path, body)
        assert (status, answer["version"]) == (200, 1)
        assert answer["ruleSet"]["domainRules"][0].get("params", {}) == {**params, **added}


async def test_without_the_dek_registry_rules_stay_as_they_are(start: Start) -> None:
    api = await start()
    _, answer = await api("POST", "/subjects/s/versions", ruled({ID: "arn:x"}))
    assert answer["ruleSet"]["domainRules"][0]["params"] == {ID: "arn:x"}

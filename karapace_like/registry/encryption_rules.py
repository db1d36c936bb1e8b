"""Complete rules that encrypt fields: they name a KEK, and the type of its KMS, where the id of the key tells both.

Source: Confluent's DEK registry, which does so when a schema is registered.
"""

import re
from typing import Any

from karapace_like.registry.content import Json

_KEK_NAME, _KMS_TYPE, _KEY_ID = "encrypt.kek.name", "encrypt.kms.type", "encrypt.kms.key.id"
_ARN = "arn:"
_AWS = "aws-kms"
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
"""Characters that the name of a KEK does not have."""


def name_keks(rule_set: Json | None) -> Json | None:
    """Return the rule set in which each domain rule with the id of a KMS key names a KEK."""
    if not rule_set or not rule_set.get("domainRules"):
        return rule_set
    return {**rule_set, "domainRules": [_complete(rule) for rule in rule_set["domainRules"]]}


def _complete(rule: Any) -> Any:
    params = rule.get("params") or {}
    key_id = params.get(_KEY_ID)
    if not key_id:
        return rule
    added = {}
    if not params.get(_KEK_NAME):
        added[_KEK_NAME] = _NO_NAME.sub("-", key_id.removeprefix(_ARN))
    if not params.get(_KMS_TYPE) and key_id.startswith(_ARN):
        added[_KMS_TYPE] = _AWS
    return {**rule, "params": dict(sorted({**params, **added}.items()))} if added else rule

"""Any JSON is a policy, or refused."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.parsing import parse_policy
from tests.forms import count_examples

_LEAVES = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.sampled_from(["enforce", "observe", "encode", "validate", "subject", "drop", "dead_letter", "latest"]),
    some.text(max_size=3),
)
_MEMBERS = some.dictionaries(
    some.one_of(some.sampled_from(["min", "max", "subject", "version", "metadata"]), some.text(max_size=2)),
    some.one_of(_LEAVES, some.dictionaries(some.text(max_size=2), _LEAVES, max_size=2)),
    max_size=2,
)
_PART_FIELDS = some.sampled_from(
    ["schema", "plain", "framed", "versions", "unknown_fields", "lenient_json", "invalid", "unheard_of"]
)
_PARTS = some.dictionaries(_PART_FIELDS, some.one_of(_LEAVES, _MEMBERS), max_size=3)
_POLICIES = some.dictionaries(
    some.sampled_from(["mode", "key", "value", "dead_letter_topic", ""]), some.one_of(_LEAVES, _PARTS), max_size=3
)
_ONE_FAULT = some.fixed_dictionaries(
    {}, optional=dict.fromkeys(("key", "value"), some.dictionaries(_PART_FIELDS, _MEMBERS, min_size=1, max_size=1))
)
"""Policies with little that could be refused first."""


@pytest.mark.slow
@given(some.one_of(_POLICIES, _ONE_FAULT))
@settings(max_examples=count_examples(3000), deadline=None)
def test_any_json_is_a_policy_or_refused(value: Any) -> None:
    with suppress(InvalidPolicyError):
        parse_policy(value)

"""Resources that only grants which name them are for: no pattern, however it is written, includes them."""

from typing import Any

import msgspec
import pytest

from karapace_like.access import authfile
from karapace_like.access.policy import EVERYTHING, Operation, Policy
from karapace_like.access.principals import Method, Principal

ANN = Principal("ann", Method.PASSWORD)
RESERVED = "Topic:state"


def policy(**text: Any) -> Policy:
    return Policy((*authfile.parse(msgspec.json.encode(text)).policy.grants, EVERYTHING), {RESERVED}.__contains__)


def grant(**terms: Any) -> dict[str, Any]:
    return {"principals": ["ann"], "operations": ["read"], "resource": "topic", **terms}


@pytest.mark.parametrize(
    "text",
    [
        {},
        {"grants": [grant()]},
        {"grants": [grant(name="*")]},
        {"grants": [grant(name="state", match="prefix")]},
        {"grants": [grant(name="state", match="pattern")]},
        {"permissions": [{"username": "ann", "operation": "Write", "resource": "Topic:state"}]},
        {"grants": [grant(name="state", principals=["bob"])]},
        {"grants": [grant(name="state", operations=["write"])]},
        {"grants": [grant(name="state", resource="group")]},
    ],
)
def test_what_does_not_name_it_is_not_for_it(text: dict[str, Any]) -> None:
    """Not even what is for everything, but to describe it."""
    found = policy(**text)
    assert not found.allows(ANN, Operation.READ, RESERVED)
    assert found.allows(ANN, Operation.DESCRIBE, RESERVED)
    assert found.allows(ANN, Operation.READ, "Topic:other")


def test_what_names_it_is_for_it() -> None:
    assert policy(grants=[grant(name="state")]).allows(ANN, Operation.READ, RESERVED)
    by_role = policy(roles={"keepers": ["ann"]}, grants=[grant(name="state", principals=[], roles=["keepers"])])
    assert by_role.allows(ANN, Operation.READ, RESERVED)

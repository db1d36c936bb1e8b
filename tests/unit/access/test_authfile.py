"""What an authfile may hold, and what it then allows."""

import json
from typing import Any

import pytest

from karapace_like.access import authfile
from karapace_like.access.authfile import AuthfileError
from karapace_like.access.policy import Operation
from karapace_like.access.principals import Method, Principal

ALICE = Principal("alice", Method.PASSWORD)


def allows(content: dict[str, Any], operation: Operation, resource: str, principal: Principal = ALICE) -> bool:
    return authfile.parse(json.dumps(content).encode()).policy.allows(principal, operation, resource)


@pytest.mark.parametrize(
    ("match", "name", "matching", "others"),
    [
        ("literal", "a.b", ["a.b"], ["axb", "a.bc", "xa.b", "a.b\n"]),
        ("prefix", "a.", ["a.", "a.b", "a.\nb"], ["ab", "xa."]),
        ("pattern", "a.b|c", ["axb", "c"], ["axbc", "xc", "c\n"]),
        ("literal", "*", ["", "a", "*", "a\nb"], []),
    ],
)
def test_a_grant_is_for_the_names_that_match(match: str, name: str, matching: list[str], others: list[str]) -> None:
    """The whole name, and of its kind only."""
    grant = {"principals": ["alice"], "operations": ["read"], "resource": "topic", "name": name, "match": match}
    for each in matching:
        assert allows({"grants": [grant]}, Operation.READ, f"Topic:{each}"), each
        assert not allows({"grants": [grant]}, Operation.READ, f"Group:{each}"), each
    for each in others:
        assert not allows({"grants": [grant]}, Operation.READ, f"Topic:{each}"), each


def test_a_grant_is_for_its_principals_and_the_members_of_its_roles() -> None:
    """A role's members are named in the file, or come with a token that says the role."""
    content = {
        "roles": {"team": ["alice"]},
        "grants": [{"principals": ["bob"], "roles": ["team"], "operations": ["write"], "resource": "subject"}],
    }
    by_token = Principal("carol", Method.TOKEN, frozenset({"team"}))
    for principal in (ALICE, Principal("bob", Method.CERTIFICATE), by_token):
        assert allows(content, Operation.WRITE, "Subject:s", principal)
    for name in ("carol", "Alice", "*", ""):
        assert not allows(content, Operation.WRITE, "Subject:s", Principal(name, Method.PASSWORD))


@pytest.mark.parametrize(
    ("granted", "implied"),
    [
        ("describe", {"describe"}),
        ("read", {"read", "describe"}),
        ("write", {"write", "describe", "register_existing"}),
        ("register_existing", {"register_existing", "describe"}),
        ("delete", {"delete", "describe"}),
        ("config", {"config", "describe"}),
    ],
)
def test_operations_imply_no_more_than_is_said(granted: str, implied: set[str]) -> None:
    grant = {"principals": ["*"], "operations": [granted], "resource": "subject"}
    assert {each.value for each in Operation if allows({"grants": [grant]}, each, "Subject:s")} == implied


def test_what_nobody_has_granted_is_refused() -> None:
    for operation in Operation:
        assert not allows({"users": []}, operation, "Subject:s")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", "Expected `object`"),
        ('{"users": [', "truncated"),
        ('{"grant": []}', "unknown field `grant`"),
        ('{"users": [{"username": "a"}]}', "algorithm"),
        ('{"users": [{"username": "a", "algorithm": "md5", "salt": "", "password_hash": "hash"}]}', "md5"),
        ('{"permissions": [{"username": "a", "operation": "Delete", "resource": ".*"}]}', "Delete"),
        ('{"permissions": [{"username": "a", "operation": "Read", "resource": "("}]}', r"permissions\[0\]"),
        ('{"grants": [{"principals": ["a"], "operations": ["read"], "resource": "sub"}]}', r"grants\[0\].resource"),
        ('{"grants": [{"operations": ["read"], "resource": "topic"}]}', "neither principals nor roles"),
        ('{"grants": [{"principals": ["a"], "operations": ["all"], "resource": "topic"}]}', "all"),
        ('{"grants": [{"roles": ["a"], "operations": [], "resource": "topic", "name": "[", "match": "pattern"}]}', "0"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(content: str, told: str) -> None:
    with pytest.raises(AuthfileError, match=told):
        authfile.parse(content.encode())

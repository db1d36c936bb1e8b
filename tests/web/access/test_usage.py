"""Usage by principal: what is counted for whom, and who may see it."""

import json

from karapace_like.access.principals import Method, Principal
from karapace_like.web.callers.usage import UsageTable
from karapace_like.web.operations.exposition import leave_out_principals
from tests.web.access.conftest import StartGuarded, basic, written

ALICE, BOB = basic("alice", "a"), basic("bob", "b")
GRANTS = [
    {"principals": ["alice"], "operations": ["read", "write"], "resource": "subject"},
    {"principals": ["bob"], "operations": ["describe"], "resource": "cluster"},
]
AUTHFILE = written({"alice": "a", "bob": "b"}, GRANTS)
SCHEMA = {"schema": '"int"'}


async def test_each_principal_has_a_row(start_guarded: StartGuarded) -> None:
    table = UsageTable()
    api = await start_guarded(AUTHFILE, usage=table)
    await api("POST", "/subjects/a/versions", SCHEMA, headers=ALICE)
    for _ in range(3):
        await api("GET", "/schemas/ids/1", headers=ALICE)
    await api("DELETE", "/subjects/a", headers=BOB)
    await api("GET", "/subjects", headers=basic("alice", "wrong"))
    found = {entry.name: (entry.requests, entry.refused, entry.method) for entry in table}
    assert found == {"alice": (4, 0, "password"), "bob": (1, 1, "password"), "anyone": (1, 1, "none")}
    assert table.find(Principal("alice", Method.PASSWORD)).request_bytes == len(json.dumps(SCHEMA))
    assert table.find(Principal("alice", Method.PASSWORD)).response_bytes > 50


def test_the_table_is_bounded_and_its_counts_never_fall() -> None:
    table = UsageTable(max_principals=2)
    for number in range(5):
        table.find(Principal(f"p{number}", Method.TOKEN)).count(200, 1, 1)
    assert {entry.name: entry.requests for entry in table} == {"p0": 1, "p1": 1, "(others)": 3}
    assert UsageTable(0).find(Principal("a", Method.TOKEN)).name == "(others)"


def test_the_same_name_proved_in_another_way_is_somebody_else() -> None:
    table = UsageTable()
    assert table.find(Principal("a", Method.TOKEN)) is not table.find(Principal("a", Method.PASSWORD))


def test_metrics_of_principals_can_be_left_out() -> None:
    shown = b"# HELP karapace_like_warnings a\nkarapace_like_warnings 0\n"
    named = (
        b'# HELP karapace_like_principal_requests_total a\nkarapace_like_principal_requests_total{principal="a"} 1\n'
    )
    assert leave_out_principals(named + shown + named) == shown

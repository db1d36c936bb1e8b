"""The advice for each state of a group of two products."""

import pytest

from karapace_like.kafka.group import GroupMember
from karapace_like.kafka.takeover import Advice, Node, Stage, advise, list_nodes

OURS, OTHER = ("http://a:1", True), ("http://b:1", False)


def nodes(*members: tuple[tuple[str, bool], str]) -> list[Node]:
    """Nodes from (url, is ours) and a state: p(rimary), e(ligible) or -."""
    return [Node(url, is_ours, state in "pe", state == "p") for (url, is_ours), state in members]


@pytest.mark.parametrize("to_ours", [True, False])
@pytest.mark.parametrize(
    ("members", "stage", "told"),
    [
        (None, Stage.WAIT, "rebalances"),
        ((("going", "p"),), Stage.START, "Start one with the others' group id and topic"),
        ((("going", "p"), ("staying", "-")), Stage.ELECT, "Restart http://s:1 with master_eligibility=true"),
        ((("going", "p"), ("staying", "e")), Stage.ELECT, "restart http://g:1 with master_eligibility=false"),
        ((("going", "-"), ("staying", "-")), Stage.WAIT, "No primary is elected. Stop nothing. Restart http://s:1"),
        ((("going", "e"), ("staying", "p")), Stage.STOP, "It is safe to stop http://g:1."),
        ((("going", "e"), ("going", "-"), ("staying", "p")), Stage.STOP, "http://g:1, then the others: http://g:2."),
        ((("staying", "p"), ("staying", "e")), Stage.DONE, "http://s:1 is the primary"),
    ],
)
def test_the_next_step_is_told(
    members: tuple[tuple[str, str], ...] | None, stage: Stage, told: str, *, to_ours: bool
) -> None:
    """The same when karapace-like takes over as when it gives back."""
    counts = {"going": 0, "staying": 0}
    found = None
    if members is not None:
        found = []
        for side, state in members:
            counts[side] += 1
            is_ours = to_ours is (side == "staying")
            found.append(Node(f"http://{side[0]}:{counts[side]}", is_ours, state in "pe", state == "p"))
    advice = advise(found, to_ours=to_ours)
    assert advice.stage is stage
    assert told in advice.text
    assert (advice.primary is not None) is (stage in {Stage.STOP, Stage.DONE})


def test_a_node_with_the_smallest_url_is_elected_by_itself() -> None:
    """Nothing is to be restarted for it: the election is on its way."""
    before = advise(nodes((OURS, "e"), (OTHER, "p")), to_ours=True)
    assert before.stage is Stage.ELECT
    assert "restart" not in before.text.lower()
    assert advise(nodes((OURS, "p"), (OTHER, "e")), to_ours=True) == Advice(
        Stage.STOP, "The primary is http://a:1. It is safe to stop http://b:1.", "http://a:1"
    )


def test_members_are_read_as_each_product_writes_them() -> None:
    ours = b'{"host":"a","port":1,"master_eligibility":true,"scheme":"http","version":1,"software":"karapace-like"}'
    karapace = b'{"version":2,"karapace_version":"5","host":"b","port":1,"scheme":"http","master_eligibility":false}'
    assigned = b'{"master":"m1","master_identity":%b,"error":0}' % ours
    members = [GroupMember("m2", karapace, assigned), GroupMember("m1", ours, assigned), GroupMember("m3", b"?", b"")]
    found = list_nodes(members)
    assert [str(node) for node in found or ()] == [
        "http://a:1 (karapace-like, primary)",
        "http://b:1 (other product, not eligible)",
    ]
    assert list_nodes([GroupMember("m1", b"", b"")]) is None

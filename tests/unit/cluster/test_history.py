"""The checker of histories: it accepts what can be true, and names what cannot."""

import pytest

from tests.cluster.history import Action, Event, Holding, Outcome, Version, violations

A = '"int"'
B = '"long"'
LIVE = Holding(versions={"s": {1: Version(1, A, deleted=False)}}, texts={1: A})
DELETED = Holding(versions={"s": {1: Version(1, A, deleted=True)}}, texts={1: A})
EMPTY = Holding()


def event(
    action: Action,
    at: float,
    outcome: Outcome = Outcome.ACKNOWLEDGED,
    text: str = A,
    schema_id: int | None = None,
    node: str = "n",
) -> Event:
    return Event(
        action=action, subject="s", node=node, begun=at, ended=at + 0.5, outcome=outcome, text=text, id=schema_id
    )


REGISTERED = event(Action.REGISTER, 1, schema_id=1)
MAYBE_REGISTERED = event(Action.REGISTER, 1, Outcome.UNKNOWN)
TAKEN_BACK = event(Action.DELETE, 2)
MAYBE_TAKEN_BACK = event(Action.DELETE, 2, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("events", "holding"),
    [
        ([], EMPTY),
        ([REGISTERED], LIVE),
        ([REGISTERED, TAKEN_BACK], DELETED),
        ([REGISTERED, MAYBE_TAKEN_BACK], DELETED),
        ([REGISTERED, MAYBE_TAKEN_BACK], LIVE),
        (
            [REGISTERED, TAKEN_BACK, event(Action.REGISTER, 3, schema_id=1), event(Action.DELETE, 4, Outcome.UNKNOWN)],
            LIVE,
        ),
        ([MAYBE_REGISTERED], EMPTY),
        ([MAYBE_REGISTERED], LIVE),
        ([REGISTERED, event(Action.READ, 1.2, Outcome.MISSING, schema_id=1)], LIVE),
        ([REGISTERED, event(Action.READ, 3, Outcome.MISSING, schema_id=1, node="m")], LIVE),
        ([REGISTERED, TAKEN_BACK, event(Action.LOOK_UP, 3, Outcome.MISSING)], DELETED),
        ([REGISTERED, MAYBE_TAKEN_BACK, event(Action.DELETE, 3, Outcome.MISSING)], DELETED),
    ],
)
def test_what_can_be_true_is_accepted(events: list[Event], holding: Holding) -> None:
    assert violations(events, {"n": holding}) == []


@pytest.mark.parametrize(
    ("events", "holdings", "sentence"),
    [
        ([REGISTERED], {"n": EMPTY}, "n lost the schema"),
        ([REGISTERED], {"n": DELETED}, "n lost the schema"),
        ([REGISTERED, TAKEN_BACK], {"n": LIVE}, "n still has the deleted schema"),
        ([REGISTERED, event(Action.REGISTER, 3, text=B, schema_id=1)], {}, "id 1 has 2 texts"),
        ([event(Action.READ, 3, text=B, schema_id=1)], {"n": LIVE}, "id 1 has 2 texts"),
        ([], {"n": LIVE, "m": EMPTY}, "n holds something else than m"),
        (
            [],
            {"n": LIVE, "m": Holding(versions={"s": {1: Version(2, B, deleted=False)}}, texts={2: B})},
            "s version 1 has 2 texts",
        ),
        ([event(Action.CONFIGURE, 1, text="FULL")], {"n": EMPTY}, "n has level None for s"),
        ([REGISTERED, event(Action.REGISTER, 3, schema_id=2)], {}, f"{A} has 2 ids"),
        ([REGISTERED, event(Action.READ, 3, Outcome.MISSING, schema_id=1)], {}, "n does not know what"),
        ([REGISTERED, event(Action.LOOK_UP, 3, Outcome.MISSING)], {}, "n does not know what"),
        ([REGISTERED, event(Action.DELETE, 3, Outcome.MISSING, node="m")], {}, "m does not know what"),
        ([event(Action.REGISTER, 1, Outcome.REFUSED)], {"n": LIVE}, "n holds s version 1, which was refused"),
        (
            [REGISTERED],
            {"n": Holding(versions={"s": dict.fromkeys((1, 2), Version(1, A, deleted=False))}, texts={1: A})},
            f"n holds {A} as 2 versions of s",
        ),
    ],
)
def test_what_cannot_be_true_is_named(events: list[Event], holdings: dict[str, Holding], sentence: str) -> None:
    assert any(each.startswith(sentence) for each in violations(events, holdings))

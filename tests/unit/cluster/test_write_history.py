"""The checker of idempotent writes itself: it finds each way in which a broken service would be seen."""

from tests.cluster.write_history import WriteHistory


def test_a_true_history_has_no_violation() -> None:
    history = WriteHistory(unanswered={"c", "d"})
    history.answers["a"].update([(0, 0), (0, 0)])
    history.answers["b"].add((1, 5))
    assert list(history.find_violations([[(0, "a"), (2, "c")], [(5, "b")]])) == []


def test_what_keys_promise_is_checked() -> None:
    history = WriteHistory(unanswered={"d"})
    for value, *answers in (("a", (0, 0)), ("b", (0, 1), (0, 2)), ("c", (0, 9)), ("e", (0, 4))):
        history.answers[str(value)].update(answers)
    topic = [[(0, "a"), (1, "b"), (2, "b"), (3, "d"), (4, "x"), (5, "e"), (6, "d")]]
    assert list(history.find_violations(topic)) == [
        "b got different answers: [(0, 1), (0, 2)]",
        "c was answered, and is not written",
        "e was answered at 0:4, where x is",
        "b is written 2 times",
        "d is written 2 times",
        "x is written, and nobody has sent it",
    ]

"""What comes while others are unacknowledged waits for them, and passes together."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.kafka.nagle import Nagle


class Calls:
    """Calls of one client, which end when they are told to."""

    def __init__(self, *, is_ticking: bool = True) -> None:
        self.nagle = Nagle(is_ticking=is_ticking)
        self.begun: list[str] = []

    def enter(self, name: str, topic: str = "t") -> None:
        self.nagle.enter(topic, lambda: self.begun.append(name))


def test_the_first_calls_begin_together_at_a_tick() -> None:
    calls = Calls()
    calls.enter("a")
    calls.enter("b")
    assert calls.begun == []
    calls.nagle.tick()
    assert calls.begun == ["a", "b"]


def test_without_ticks_the_first_call_begins_at_once() -> None:
    calls = Calls(is_ticking=False)
    calls.enter("a")
    calls.enter("b")
    assert calls.begun == ["a"]
    calls.nagle.leave("t")
    assert calls.begun == ["a", "b"]


def test_others_begin_when_the_last_of_those_before_them_has_ended() -> None:
    calls = Calls()
    calls.enter("a")
    calls.enter("b")
    calls.nagle.tick()
    calls.enter("c")
    calls.enter("d")
    calls.nagle.leave("t")
    calls.nagle.tick()
    assert calls.begun == ["a", "b"]
    calls.nagle.leave("t")
    assert calls.begun == ["a", "b", "c", "d"]


def test_topics_do_not_wait_for_each_other() -> None:
    calls = Calls()
    calls.enter("slow", "one")
    calls.nagle.tick()
    calls.enter("quick", "other")
    calls.nagle.tick()
    assert calls.begun == ["slow", "quick"]


def test_no_call_waits_for_long_for_one_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("karapace_like.kafka.nagle.monotonic", lambda: now)
    calls = Calls()
    calls.enter("hangs")
    calls.nagle.tick()
    calls.enter("waits")
    now += 0.004
    calls.nagle.tick()
    assert calls.begun == ["hangs"]
    now += 0.002
    calls.nagle.tick()
    assert calls.begun == ["hangs", "waits"]


def test_a_call_may_end_while_it_begins() -> None:
    """The client refuses its records."""
    nagle, begun = Nagle(is_ticking=True), []

    def begin() -> None:
        begun.append("refused")
        nagle.leave("t")

    nagle.enter("t", begin)
    nagle.enter("t", begin)
    nagle.tick()
    nagle.enter("t", begin)
    nagle.tick()
    assert begun == ["refused"] * 3


steps = st.lists(st.tuples(st.sampled_from(["enter", "leave", "tick"]), st.sampled_from("xy")), max_size=60)


@patch("karapace_like.kafka.nagle.monotonic", new=lambda: 0.0)
@given(steps=steps, is_ticking=st.booleans())
def test_every_call_begins_in_the_order_of_its_topic(steps: list[tuple[str, str]], *, is_ticking: bool) -> None:
    """And none before the last one of the group before it has ended."""
    calls = Calls(is_ticking=is_ticking)
    entered: dict[str, list[str]] = {"x": [], "y": []}
    ended = {"x": 0, "y": 0}

    def begun(topic: str) -> list[str]:
        return [name for name in calls.begun if name.startswith(topic)]

    for step, topic in steps:
        before = {name: len(begun(name)) for name in entered}
        if step == "enter":
            entered[topic].append(f"{topic}{len(entered[topic])}")
            calls.enter(entered[topic][-1], topic)
        elif step == "tick":
            calls.nagle.tick()
        elif ended[topic] < len(begun(topic)):
            ended[topic] += 1
            calls.nagle.leave(topic)
        for name in entered:
            assert len(begun(name)) == before[name] or ended[name] == before[name]
    for topic in entered:
        while ended[topic] < len(begun(topic)):
            ended[topic] += 1
            calls.nagle.leave(topic)
    calls.nagle.tick()
    assert {topic: begun(topic) for topic in entered} == entered

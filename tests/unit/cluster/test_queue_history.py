"""The checker of queues itself: it finds each way in which a broken queue would be seen."""

from tests.cluster.queue_history import QueueHistory


def test_what_a_queue_promises_is_checked() -> None:
    history = QueueHistory(produced={"a", "b", "c"})
    history.accepted.update(["a", "b", "b", "c", "c", "d"])
    history.excused.add("c")
    assert list(history.find_violations()) == [
        "b was accepted 2 times, although no lock ran out",
        "d was accepted and never produced",
    ]


def test_a_lost_record_is_found() -> None:
    history = QueueHistory(produced={"a", "b"})
    history.accepted["a"] += 1
    assert not history.is_done
    assert list(history.find_violations()) == ["b was lost: nobody has accepted it"]

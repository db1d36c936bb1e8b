"""Positions of a group consumer between fetching, delivery, seeks and parking."""

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.fetched_records import FetchedRecords
from karapace_like.kafka.parked_position import ParkedPosition
from karapace_like.records import ConsumedRecord, TopicPartition

A, B = TopicPartition("a", 0), TopicPartition("a", 1)


def record(at: TopicPartition, offset: int) -> ConsumedRecord:
    return ConsumedRecord(at, offset, None, b"x", 0, (), 1)


@pytest.fixture
def fetched() -> FetchedRecords:
    """Two partitions, with two records of the first."""
    records = FetchedRecords()
    records.reassign([A, B])
    records.add([record(A, 5), record(A, 6)])
    return records


def test_a_position_is_the_next_undelivered_record_or_the_end(fetched: FetchedRecords) -> None:
    assert (fetched.positions, fetched.has_all_positions) == ({A: 5}, False)
    fetched.add_end(B, 9)
    assert (fetched.positions, fetched.has_all_positions) == ({A: 5, B: 9}, True)
    assert fetched.deliver(1) == {A: 6}
    assert (fetched.positions, fetched.delivered, fetched.size) == ({A: 6, B: 9}, {A: 6}, 1)


def test_a_seek_drops_records_of_its_partitions_only(fetched: FetchedRecords) -> None:
    fetched.add([record(B, 1)])
    fetched.seek({A: 2})
    assert [each.at for each in fetched.records] == [B]
    assert (fetched.positions, fetched.delivered) == ({A: 2, B: 1}, {A: 2})
    fetched.seek({A: -2})
    assert (fetched.positions, fetched.delivered) == ({B: 1}, {})


def test_a_resumed_assignment_keeps_what_was_not_committed_by_others(fetched: FetchedRecords) -> None:
    fetched.deliver(1)
    position = ParkedPosition({A: 6, B: 9}, {A: 6}, {A: 6, B: 9})
    fetched.resume([A, B], position.drop_committed_since({A: 6, B: 12}))
    assert (fetched.records, fetched.positions, fetched.delivered) == ([], {A: 6}, {A: 6})


def test_a_failure_waits_for_the_records_before_it_and_is_raised_once(fetched: FetchedRecords) -> None:
    fetched.set_failure(KafkaFailure("_FAIL", "broken"))
    fetched.raise_failure()
    fetched.deliver(2)
    with pytest.raises(KafkaFailure, match="broken"):
        fetched.raise_failure()
    fetched.raise_failure()

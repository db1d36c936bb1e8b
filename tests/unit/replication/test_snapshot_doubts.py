"""When a snapshot may not be the state of the topic at its offset: each doubt alone is enough."""

from typing import Any

import msgspec
import pytest

from karapace_like.records import LogDescription, LogPosition
from karapace_like.replication.snapshots import Header, find_doubt

HOUR, DAY = 3_600.0, 86_400.0
NOW = 1_000 * DAY
HEADER = Header(
    release="1.0",
    cluster_id="c",
    topic="t",
    topic_id="i",
    start=0,
    position=LogPosition(10, 3),
    ended=NOW - HOUR,
    replayed=NOW - DAY,
)
LOG = LogDescription("c", "t", "i", start=0, tombstone_seconds=DAY, epoch_end=10)


def look(header: dict[str, Any], log: dict[str, Any], now: float = NOW) -> str | None:
    doubt = find_doubt(msgspec.structs.replace(HEADER, **header), LOG._replace(**log), "1.0", now)
    return None if doubt is None else doubt.outcome.value


@pytest.mark.parametrize(
    ("header", "log"),
    [
        ({}, {}),
        ({}, {"epoch_end": 1_000}),
        ({"ended": NOW}, {}),
        ({"ended": NOW - DAY / 2}, {}),
        ({"replayed": NOW - 7 * DAY}, {}),
        ({"start": 5}, {"start": 5}),
    ],
)
def test_a_state_that_the_topic_confirms_is_used(header: dict[str, Any], log: dict[str, Any]) -> None:
    assert look(header, log) is None


@pytest.mark.parametrize(
    ("header", "log", "expected"),
    [
        ({"release": "1.1"}, {}, "other_release"),
        ({"cluster_id": "d"}, {}, "other_topic"),
        ({"topic": "u"}, {}, "other_topic"),
        ({"topic_id": "j"}, {}, "other_topic"),
        ({"topic_id": ""}, {"topic_id": ""}, "unverified"),
        ({"cluster_id": ""}, {"cluster_id": ""}, "unverified"),
        ({}, {"start": 1}, "other_records"),
        ({"start": 1}, {}, "other_records"),
        ({}, {"epoch_end": 9}, "other_records"),
        ({}, {"epoch_end": -1}, "other_records"),
        ({"ended": NOW - DAY / 2 - 1}, {}, "too_old"),
        ({}, {"tombstone_seconds": 0.0}, "too_old"),
        ({"ended": NOW + 1}, {}, "too_old"),
        ({"replayed": NOW - 7 * DAY - 1}, {}, "too_old"),
        ({"replayed": NOW + 1}, {}, "too_old"),
    ],
)
def test_each_doubt_is_enough(header: dict[str, Any], log: dict[str, Any], expected: str) -> None:
    assert look(header, log) == expected

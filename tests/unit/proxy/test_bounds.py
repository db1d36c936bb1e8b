"""The bounds of names and numbers for Kafka."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from karapace_like.proxy import bounds
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.v3.records import RecordRequest
from karapace_like.web.proxy_v3.records import format_time

LONG = "x" * 32_768


@pytest.mark.parametrize("name", ["a", "A-Z.0_9", "...", "x" * 249, "__consumer_offsets"])
def test_names_of_topics(name: str) -> None:
    bounds.check_topic(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "a\0", "a\n", "é", "x" * 250, LONG, "\ud800", "a:b"])
def test_no_names_of_topics(name: str) -> None:
    with pytest.raises(ProxyError) as refusal:
        bounds.check_topic(name)
    assert refusal.value.code == 40002
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize("name", ["a\0b", LONG, "é" * 16_384, "\ud800"])
def test_no_names_of_groups(name: str) -> None:
    with pytest.raises(ProxyError) as refusal:
        bounds.check_group(name)
    assert refusal.value.code == 40002
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize("name", ["a b/c", "é" * 16_383, "x" * 32_767])
def test_names_of_groups(name: str) -> None:
    bounds.check_group(name)


@pytest.mark.parametrize("text", ["", "x", "1_0", "1.5", " 1", "٣", "0x1", "9" * 5_000, "0" * 5_000, "-", "1e3"])
def test_no_integers(text: str) -> None:
    with pytest.raises(ValueError, match="is not an integer"):
        bounds.parse_integer(text)


def test_integers_have_bounds() -> None:
    assert bounds.parse_integer(str(2**63 - 1)) == 2**63 - 1
    for text in (str(2**63), "-1"):
        with pytest.raises(ValueError, match="is not an integer from 0 to"):
            bounds.parse_integer(text)
    with pytest.raises(ProxyError, match="is not an integer from -2147483648 to 2147483647"):
        bounds.parse_partition("t", str(2**31))


@pytest.mark.parametrize("token", ["", "1", "1:2:3", "x:1", "1:x", f"{2**31}:1", f"1:{2**63}", "1:1,", "-1:1"])
def test_no_tokens(token: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        bounds.parse_positions(token)


@pytest.mark.parametrize(
    ("given", "milliseconds"),
    [
        (None, None),
        (0, 0),
        (2**63 - 1, 2**63 - 1),
        (datetime(2026, 1, 1, microsecond=999_999, tzinfo=UTC), 1_767_225_600_999),
        (datetime(2026, 1, 1), 1_767_225_600_000),  # noqa: DTZ001 - it names no offset
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))), 253_402_347_600_000),
    ],
)
def test_times(given: datetime | int | None, milliseconds: int | None) -> None:
    assert bounds.parse_timestamp(given) == milliseconds


@pytest.mark.parametrize("given", [-1, 2**63, 2**70, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))])
def test_no_times(given: datetime | int) -> None:
    with pytest.raises(ValueError, match="ms after 1970"):
        bounds.parse_timestamp(given)


@pytest.mark.parametrize("text", ["true", '"0000-01-01T00:00:00Z"', "1.5", "-1"])
def test_what_is_no_time_is_no_record(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"timestamp":{text}}}', type=RecordRequest)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_767_225_600_123, "2026-01-01T00:00:00.123Z"),
        (253_402_300_800_000, "+10000-01-01T00:00:00.000Z"),
        (2**63 - 1, "+292278994-08-17T07:12:55.807Z"),
        (-(2**63), "-292275055-05-16T16:47:04.192Z"),
    ],
)
def test_every_time_of_a_record_can_be_shown(milliseconds: int, text: str) -> None:
    assert format_time(milliseconds) == text

"""What a node does about records that cannot be read, or not by itself alone."""

import pytest

from karapace_like.registry import apply, records
from karapace_like.registry.records import Record, SchemaRecord, UnknownRecord
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import Store
from karapace_like.registry.unknown_log import UnknownLog
from tests.odd_records import ODD, Bytes
from tests.web.conftest import MemoryLog, TopicRecord
from tests.web.schemas_topics import version_key

GOOD = (version_key("a", 1), b'{"id":1,"schema":"\\"int\\""}')
AFTER = (version_key("a", 2), b'{"id":2,"schema":"\\"long\\""}')


@pytest.mark.parametrize("odd", ODD)
def test_a_record_at_fault_is_not_understood(odd: Bytes) -> None:
    found = records.decode(*odd)
    assert isinstance(found, UnknownRecord)
    assert not found.is_foreign
    assert 0 < len(found.reason) <= 201
    assert found.reason.isprintable()


def test_a_kind_of_others_is_no_fault() -> None:
    found = records.decode(b'{"keytype":"EXPORTER","subject":"s"}', b"{}")
    assert isinstance(found, UnknownRecord)
    assert found.is_foreign
    hostile = records.decode(b'{"keytype":"%b\\u001b[2J"}' % (b"x" * 10_000), b"{}")
    assert isinstance(hostile, UnknownRecord)
    assert hostile.reason.isprintable()


@pytest.mark.parametrize(
    ("value", "version"),
    [
        (b'{"id":0,"schema":"x"}', None),
        (b'{"id":2147483647,"schema":"x"}', None),
        (b'{"id":1,"schema":"x","references":[{"name":"r","subject":"s","version":-1}]}', -1),
        (b'{"id":1,"schema":"x","references":[{"name":"r","subject":"s","version":0,"later":{}}]}', 0),
        (b'{"id":1,"schema":"x","later":{"a":[1]},"md5":"x","offset":5,"version":"1"}', None),
        (b'{"id":9,"id":1,"schema":"y","schema":"x"}', None),
    ],
)
def test_what_others_may_have_meant_is_read(value: bytes, version: int | None) -> None:
    found = records.decode(version_key("a", 1), value)
    assert isinstance(found, SchemaRecord)
    assert found.value is not None
    assert found.value.content.text == "x"
    assert [each.version for each in found.value.content.references] == ([] if version is None else [version])


def registry_of(*log: Bytes) -> tuple[Registry, list[TopicRecord]]:
    registry = Registry(MemoryLog(), Rules())
    registry.begin_replay(len(log))
    return registry, [TopicRecord(key, value, 1, offset) for offset, (key, value) in enumerate(log)]


def test_what_applying_raises_is_the_record_s_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should it ever raise: the record is counted, and those after it are applied."""
    real = apply.apply

    def failing(store: Store, record: Record, *, key: bytes, timestamp: int, holds_value: bool) -> None:
        if key == GOOD[0]:
            raise KeyError(key)
        real(store, record, key=key, timestamp=timestamp, holds_value=holds_value)

    monkeypatch.setattr(apply, "apply", failing)
    registry, log = registry_of(GOOD, AFTER)
    registry.apply_batch(log, 2)
    assert registry.progress.is_ready
    assert [each.version for each in registry.read().versions("a")] == [2]
    assert (registry.store.unknown, registry.store.unreadable) == (1, {GOOD[0]: 0})


def test_after_half_a_batch_nothing_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory is no fault of a record, which other nodes can read: the process has to end."""
    real = records.decode
    registry, log = registry_of(GOOD, AFTER)
    ended: list[str | None] = []
    registry.on_failure(lambda: ended.append(registry.failure))

    def failing(key: bytes | None, value: bytes | None) -> Record:
        if key == AFTER[0]:
            raise MemoryError
        return real(key, value)

    monkeypatch.setattr(records, "decode", failing)
    with pytest.raises(MemoryError):
        registry.apply_batch(log, 2)
    monkeypatch.undo()
    registry.apply_batch(log, 2)
    assert (registry.progress.position, registry.progress.is_ready) == (0, False)
    assert registry.failure is not None
    assert "from offset 0 on: MemoryError" in registry.failure
    assert ended == [registry.failure]


def test_the_log_has_a_line_for_each_and_an_end(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = UnknownLog(lambda: now)
    foreign, fault = UnknownRecord("another kind", is_foreign=True), UnknownRecord("no JSON")
    with caplog.at_level("INFO"):
        for offset in range(1_000):
            log.note(offset, foreign)
        log.note(7, fault)
        assert caplog.messages[-1] == "The record at offset 7 of the schemas topic cannot be read: no JSON"
        assert len(caplog.messages) == 102
        now = 61.0
        log.note(1_000, foreign)
        assert "offset 1000 " in caplog.messages[-1]

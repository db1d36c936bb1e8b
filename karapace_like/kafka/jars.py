"""The jars of the embedded Kafka: those of `KAFKA_HOME`, else Apache's releases, fetched once per user.

The user's own `mvn` fetches them, with the user's settings, mirrors and credentials. A `pom.xml` lists them: the one
beside this file, or one that has it as its parent. Where there is no Maven, `jar_download.py` fetches them by HTTPS.
This module reads and changes no jar.

A broker's JVM starts in half the time with an archive of the classes that it loads (class-data sharing). A JVM writes
one at its orderly end; it is kept in the user's cache for this Java and these jars.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.jar_download import VARIABLE, download_jars, find_repository
from karapace_like.kafka.java import Java

_POM = Path(__file__).with_name("pom.xml")


@dataclass(frozen=True, slots=True)
class JarSet:
    """The jars that a program of Kafka needs."""

    title: str
    folder: str
    """Its name in the cache."""
    pom: Path
    megabytes: int
    home_has: str
    """A glob pattern that one of them matches in `libs` of an unpacked Kafka."""
    checksums: Path | None = None
    """The list of what `pom` resolves to; None: only Maven can fetch them."""


KAFKA = JarSet("Apache Kafka", "kafka", _POM, 44, "kafka_2.*.jar", Path(__file__).with_name("jars.txt"))


def find_jars(java: Java, progress: Callable[[str], None], wanted: JarSet = KAFKA) -> Path:
    """Return the folder of the jars, or raise `BrokerError`. May take half a minute the first time."""
    home = os.environ.get("KAFKA_HOME")
    if home:
        libs = Path(home, "libs").absolute()
        if not any(libs.glob(wanted.home_has)):
            raise BrokerError(
                f"KAFKA_HOME is {home}, which has no libs/{wanted.home_has}: set it to a Kafka 4, or unset it."
            )
        return libs
    version = _read_kafka_version()
    folder = _find_cache_folder() / "karapace-like" / wanted.folder / version
    if not folder.is_dir():
        fetch, way = _choose_way(wanted, java)
        progress(f"Fetching {wanted.title} {version} {way} ({wanted.megabytes} MB, once)")
        _fetch(folder, fetch)
    return folder


def can_archive_classes(java: Java) -> bool:
    """Return whether this Java has the archive of its own classes that an archive of the jars' classes extends."""
    return (java.home / "lib" / "server" / "classes.jsa").exists()


def find_class_archive(java: Java, jars: Path) -> Path | None:
    """Return the archive of these jars' classes for this Java, if there is one; a damaged one is removed.

    A JVM checks that an archive fits it and the jars, and does without it otherwise, but crashes on a truncated one.
    """
    with suppress(OSError):
        for archive in _find_archive_folder().glob(f"{_make_archive_key(java, jars)}-*.jsa"):
            if archive.stem.endswith(f"-{_hash(archive)}"):
                return archive
            archive.unlink()
    return None


def keep_class_archive(draft: Path, java: Java, jars: Path) -> None:
    """Move the archive that a JVM has written to where the next start finds it, or drop it if that fails."""
    with suppress(OSError):  # such as a full disk: the next start is merely slower
        if find_class_archive(java, jars) is None:
            folder = _find_archive_folder()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".copying-") as beside:
                copy = shutil.copyfile(draft, Path(beside, "classes.jsa"))
                copy.rename(folder / f"{_make_archive_key(java, jars)}-{_hash(draft)}.jsa")
    draft.unlink(missing_ok=True)


def _find_archive_folder() -> Path:
    return _find_cache_folder() / "karapace-like" / "classes"


def _make_archive_key(java: Java, jars: Path) -> str:
    """Return a hash of what this Java and these jars are; an update of either changes it. Raises `OSError`."""
    files = [java.home / "lib" / "modules", *sorted(jars.glob("*.jar"))]
    states = [(str(file), state.st_size, state.st_mtime_ns) for file in files for state in (file.stat(),)]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:16]


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read_kafka_version() -> str:
    match = re.search(r"<kafka\.version>(.+)</kafka\.version>", _POM.read_text())
    assert match, "pom.xml names Kafka's version"
    return match[1]


def _find_cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _choose_way(wanted: JarSet, java: Java) -> tuple[Callable[[Path], None], str]:
    """Return the function that fetches the jars into a new folder, and its name for the user; raises BrokerError."""
    mvn = shutil.which("mvn")
    if mvn is not None:
        return partial(_fetch_by_maven, mvn, wanted.pom, java), "by Maven"
    repository = find_repository(os.environ)
    if repository is None or wanted.checksums is None:
        raise BrokerError(
            "Kafka's jars are fetched by Maven and `mvn` is not on PATH: install Maven (apt install maven, "
            f"brew install maven), name a Maven repository ({VARIABLE}=https://...), or set KAFKA_HOME to an unpacked "
            "Kafka 4."
        )
    return partial(download_jars, wanted.checksums, repository), f"from {repository.url}"


def _fetch(folder: Path, fetch: Callable[[Path], None]) -> None:
    """Fetch the jars into a folder beside `folder`, then rename it: an interrupted fetch never leaves half of them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as beside:
        jars = Path(beside, "libs")
        fetch(jars)
        try:
            jars.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process has fetched the same jars meanwhile
                raise


def _fetch_by_maven(mvn: str, pom: Path, java: Java, jars: Path) -> None:
    command = [mvn, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
    environment = {"JAVA_HOME": str(java.home), **os.environ}  # Maven may find none where only the wheel has one
    maven = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - the user's own Maven
    if maven.returncode != 0:
        raise BrokerError(f"Maven could not fetch Kafka's jars: {_find_maven_error(maven.stdout + maven.stderr)}")


def _find_maven_error(output: str) -> str:
    """Return Maven's first error: the later ones only refer to it."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", output).splitlines() if line.strip()]
    errors = [line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")]
    return (errors or lines[-1:] or ["it printed nothing"])[0]

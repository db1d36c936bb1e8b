"""Where the embedded Kafka's jars come from."""

import base64
import hashlib
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.jars import KAFKA, JarSet, find_class_archive, find_jars, keep_class_archive
from karapace_like.kafka.java import Java, find_java
from tests.web.access.certificates import Authority

NO_JAVA = Java(Path("/nowhere"), 17)
MIRROR = """<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">
  <servers><server><id>ours</id><username>reader</username><password>${{env.NEXUS_PASSWORD}}</password></server></servers>
  <mirrors>
    <mirror><id>others</id><mirrorOf>*,!central</mirrorOf><url>https://127.0.0.1:1</url></mirror>
    <mirror><id>ours</id><mirrorOf>{of}</mirrorOf><url>{url}</url></mirror>
  </mirrors>
</settings>"""


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
    with pytest.raises(BrokerError, match=r"KAFKA_HOME is .*, which has no libs/kafka_2\.\*\.jar: set it to a Kafka 4"):
        find_jars(find_java(), _no_progress)


def test_no_maven_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = find_java()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match=r"`mvn` is not on PATH: install Maven .* or set KAFKA_HOME"):
        find_jars(java, lambda _: None)


@pytest.mark.long
@pytest.mark.slow
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


@pytest.mark.long
@pytest.mark.slow
def test_jars_are_fetched_once(empty_cache: Path) -> None:
    told: list[str] = []
    fetched = find_jars(find_java(), told.append)
    assert told == [f"Fetching Apache Kafka {fetched.name} by Maven (44 MB, once)"]
    assert list(fetched.glob("kafka_2.13-*.jar"))
    assert KAFKA.checksums is not None
    listed = [line.split(" ") for line in KAFKA.checksums.read_text().splitlines() if not line.startswith("#")]
    assert {path.rpartition("/")[2]: (sha256, int(size)) for sha256, size, path in listed} == {
        jar.name: (hashlib.sha256(jar.read_bytes()).hexdigest(), jar.stat().st_size) for jar in fetched.iterdir()
    }, "jars.txt lists what pom.xml resolves to"
    assert list(empty_cache.iterdir()) == [fetched]
    assert find_jars(find_java(), _no_progress) == fetched


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and remembers the credentials of its clients; `/away` leads to HTTP."""

    credentials: set[str | None]

    def do_GET(self) -> None:
        self.credentials.add(self.headers["Authorization"])
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serve_repository(folder: Path, certificate: Path) -> Iterator[tuple[str, set[str | None]]]:
    """A repository behind HTTPS: its URL, and the credentials that clients have sent."""
    credentials = set[str | None]()
    handler = type("Handler", (_Handler,), {"credentials": credentials})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", credentials
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The certificate of a repository that this user trusts, whose machine has no Maven."""
    authority = Authority("repositories")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.write(tmp_path / "ca.pem")))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("MAVEN_HOME", "M2_HOME", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return authority.issue(tmp_path / "server.pem", "CN=repository")


@pytest.fixture
def wanted(tmp_path: Path) -> JarSet:
    """Two jars in a repository, and the list that has them."""
    lines = ["# A list."]
    for path, content in {"a/b/1/b-1.jar": b"b" * 1000, "c/d/2/d-2.jar": b"d"}.items():
        file = tmp_path / "repository" / path
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()} {len(content)} {path}")
    (tmp_path / "jars.txt").write_text("\n".join(lines) + "\n")
    return JarSet(KAFKA.title, KAFKA.folder, KAFKA.pom, 1, KAFKA.home_has, tmp_path / "jars.txt")


def test_without_maven_jars_come_from_the_repository_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: Path, wanted: JarSet, empty_cache: Path
) -> None:
    told: list[str] = []
    with serve_repository(tmp_path / "repository", trusted) as (url, credentials):
        monkeypatch.setenv("KARAPACE_LIKE_MAVEN_REPOSITORY", f"{url}/")
        folder = find_jars(NO_JAVA, told.append, wanted)
    assert told == [f"Fetching Apache Kafka {folder.name} from {url}/ (1 MB, once)"]
    assert {jar.name: jar.read_bytes()[:1] for jar in folder.iterdir()} == {"b-1.jar": b"b", "d-2.jar": b"d"}
    assert list(empty_cache.iterdir()) == [folder]
    assert credentials == {None}
    assert find_jars(NO_JAVA, _no_progress, wanted) == folder


@pytest.mark.parametrize("of", ["central", "*", "external:*,!other"])
def test_without_maven_jars_come_from_the_mirror_of_its_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: Path, wanted: JarSet, of: str
) -> None:
    """With the credentials that it has there."""
    monkeypatch.setenv("NEXUS_PASSWORD", "pass-of-reader")
    settings = tmp_path / "home" / ".m2" / "settings.xml"
    settings.parent.mkdir(parents=True)
    with serve_repository(tmp_path / "repository", trusted) as (url, credentials):
        settings.write_text(MIRROR.format(url=url, of=of))
        find_jars(NO_JAVA, lambda _: None, wanted)
    assert credentials == {f"Basic {base64.b64encode(b'reader:pass-of-reader').decode()}"}


@pytest.mark.parametrize(
    ("path", "harm", "told"),
    [
        ("", lambda repository: (repository / "c/d/2/d-2.jar").write_bytes(b"x"), "its SHA-256 is not "),
        ("", lambda repository: (repository / "c/d/2/d-2.jar").write_bytes(b"dd"), "its SHA-256 is not "),
        ("", lambda repository: shutil.rmtree(repository / "c"), "c/d/2/d-2.jar: HTTP Error 404: File not found"),
        ("/away", lambda _: None, "it redirects to http://127.0.0.1:1/ without HTTPS"),
    ],
)
def test_what_is_not_the_expected_jar_is_told_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trusted: Path,
    wanted: JarSet,
    empty_cache: Path,
    path: str,
    harm: Callable[[Path], object],
    told: str,
) -> None:
    harm(tmp_path / "repository")
    with serve_repository(tmp_path / "repository", trusted) as (url, _):
        monkeypatch.setenv("KARAPACE_LIKE_MAVEN_REPOSITORY", url + path)
        with pytest.raises(BrokerError, match=r"named in KARAPACE_LIKE_MAVEN_REPOSITORY") as raised:
            find_jars(NO_JAVA, lambda _: None, wanted)
    assert told in str(raised.value)
    assert not list(empty_cache.iterdir())


@pytest.mark.parametrize(
    ("variable", "settings", "told"),
    [
        ("http://a", "", "'http://a' in KARAPACE_LIKE_MAVEN_REPOSITORY is not the https URL of a Maven repository"),
        ("https://127.0.0.1:1", "", "cannot be fetched from https://127.0.0.1:1 .*: a/b/1/b-1.jar: .*refused"),
        ("", "<settings", "settings.xml is not XML"),
        ("", '<!DOCTYPE x [<!ENTITY a "b">]><settings/>', "settings.xml is too large or has a DOCTYPE"),
        ("", MIRROR.format(url="http://a", of="*"), "'http://a' in .*settings.xml is not the https URL"),
        ("", "<settings/>", r"`mvn` is not on PATH: install Maven .*KARAPACE_LIKE_MAVEN_REPOSITORY=https://\.\.\."),
    ],
)
def test_a_repository_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trusted: Path,
    wanted: JarSet,
    variable: str,
    settings: str,
    told: str,
) -> None:
    assert trusted.exists()
    file = tmp_path / "home" / ".m2" / "settings.xml"
    file.parent.mkdir(parents=True)
    file.write_text(settings or "<settings/>")
    monkeypatch.setenv("KARAPACE_LIKE_MAVEN_REPOSITORY", variable)
    with pytest.raises(BrokerError, match=told):
        find_jars(NO_JAVA, lambda _: None, wanted)


def test_a_repository_that_is_not_trusted_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: Path, wanted: JarSet
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority("others").write(tmp_path / "other.pem")))
    with serve_repository(tmp_path / "repository", trusted) as (url, _):
        monkeypatch.setenv("KARAPACE_LIKE_MAVEN_REPOSITORY", url)
        with pytest.raises(BrokerError, match="certificate verify failed"):
            find_jars(NO_JAVA, lambda _: None, wanted)


@pytest.fixture
def java(tmp_path: Path) -> Java:
    """The files of a Java that tell it from another."""
    modules = tmp_path / "java" / "lib" / "modules"
    modules.parent.mkdir(parents=True)
    modules.touch()
    return Java(tmp_path / "java", 17)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """What a JVM has written at its end."""
    file = tmp_path / "draft.jsa"
    file.write_bytes(b"classes" * 1000)
    return file


def test_an_archive_of_classes_is_for_one_java_and_the_same_jars(java: Java, draft: Path, tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "a.jar").touch()
    keep_class_archive(draft, java, jars)
    assert not draft.exists()
    archive = find_class_archive(java, jars)
    assert archive is not None
    assert archive.read_bytes() == b"classes" * 1000
    draft.write_bytes(b"of a start at the same time")
    keep_class_archive(draft, java, jars)
    assert list(archive.parent.iterdir()) == [archive]
    (jars / "a.jar").write_text("an update")
    assert find_class_archive(java, jars) is None
    (jars / "a.jar").unlink()
    (java.home / "lib" / "modules").write_text("an update")
    assert find_class_archive(java, jars) is None


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"C" + content[1:], lambda _: b""])
def test_a_damaged_archive_of_classes_is_removed(
    damage: Callable[[bytes], bytes], java: Java, draft: Path, tmp_path: Path
) -> None:
    keep_class_archive(draft, java, tmp_path)
    archive = find_class_archive(java, tmp_path)
    assert archive is not None
    archive.write_bytes(damage(archive.read_bytes()))
    assert find_class_archive(java, tmp_path) is None
    assert not archive.exists()


def test_an_archive_of_classes_that_cannot_be_kept_is_dropped(
    java: Java, draft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(draft))
    keep_class_archive(draft, java, tmp_path)
    assert find_class_archive(java, tmp_path) is None
    assert not draft.exists()

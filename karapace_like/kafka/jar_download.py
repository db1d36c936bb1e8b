"""Fetches jars by HTTPS where Maven is absent: from the repository that the user has named, against known checksums."""

import base64
import hashlib
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from karapace_like.kafka.broker_error import BrokerError

VARIABLE = "KARAPACE_LIKE_MAVEN_REPOSITORY"
_CENTRAL = "central"
"""The id under which Maven knows its default repository."""
_TIMEOUT_SECONDS = 60.0
_CONNECTIONS = 4
_MAX_SETTINGS_BYTES = 1_048_576


class Repository(NamedTuple):
    """A Maven repository."""

    url: str
    source: str
    """Where its URL stands, for messages."""
    username: str = ""
    password: str = ""


class _Jar(NamedTuple):
    """A jar that is expected."""

    sha256: str
    size: int
    path: str


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            fp.close()
            raise urllib.error.URLError(f"it redirects to {newurl} without HTTPS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def find_repository(environment: Mapping[str, str]) -> Repository | None:
    """Return the repository that the environment or Maven's settings name; None if none does. Raises BrokerError."""
    url = environment.get(VARIABLE)
    repository = Repository(url, VARIABLE) if url else _find_mirror(environment)
    if repository is not None and (urlsplit(repository.url).scheme != "https" or not urlsplit(repository.url).hostname):
        raise BrokerError(
            f"{repository.url!r} in {repository.source} is not the https URL of a Maven repository: correct it."
        )
    return repository


def download_jars(list_file: Path, repository: Repository, folder: Path) -> None:
    """Fetch the jars of the list into the new folder; raises BrokerError for one that is not what the list says."""
    folder.mkdir()
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context()), _HttpsOnly()
    )
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        jobs = [pool.submit(_download, opener, jar, folder, repository) for jar in _read_list(list_file)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _download(opener: urllib.request.OpenerDirector, jar: _Jar, folder: Path, repository: Repository) -> None:
    url = f"{repository.url.rstrip('/')}/{jar.path}"
    request = urllib.request.Request(url)  # noqa: S310 - find_repository takes https URLs only
    if repository.username:
        credentials = base64.b64encode(f"{repository.username}:{repository.password}".encode()).decode()
        # Not sent along a redirect, which may lead to another host.
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            content = response.read(jar.size + 1)
    except (OSError, ValueError) as error:
        reason = str(error)
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        elif isinstance(error, urllib.error.URLError):
            reason = str(error.reason)
        raise BrokerError(
            f"Kafka's jars cannot be fetched from {repository.url} (named in {repository.source}): {jar.path}: {reason}"
        ) from error
    if hashlib.sha256(content).hexdigest() != jar.sha256:
        raise BrokerError(
            f"{url} (named in {repository.source}) is not the expected file: its SHA-256 is not {jar.sha256}. "
            "Nothing was kept; name another repository."
        )
    (folder / jar.path.rpartition("/")[2]).write_bytes(content)


def _read_list(file: Path) -> Iterator[_Jar]:
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            sha256, size, path = line.split(" ")
            yield _Jar(sha256, int(size), path)


def _find_mirror(environment: Mapping[str, str]) -> Repository | None:
    """Return the mirror of Maven's default repository in the user's or the installation's settings."""
    folders = [environment.get(name) for name in ("MAVEN_HOME", "M2_HOME")]
    files = [Path.home() / ".m2" / "settings.xml", *(Path(home, "conf", "settings.xml") for home in folders if home)]
    for file in files:
        settings = _parse_settings(file)
        if settings is None:
            continue
        for mirror in settings.iterfind("{*}mirrors/{*}mirror"):
            if _is_of_central(_read_text(mirror, "mirrorOf")):
                username, password = _find_credentials(settings, _read_text(mirror, "id"))
                return Repository(_read_text(mirror, "url"), str(file), username, password)
    return None


def _parse_settings(file: Path) -> ET.Element | None:
    """Return the settings; None where there is no such file. Raises BrokerError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_SETTINGS_BYTES + 1)
    except OSError:
        return None
    if len(content) > _MAX_SETTINGS_BYTES or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise BrokerError(f"{file} is too large or has a DOCTYPE: name the repository in {VARIABLE} instead.")
    try:
        return ET.fromstring(content)  # noqa: S314 - the user's own file, without entities
    except ET.ParseError as error:
        raise BrokerError(f"{file} is not XML ({error}): correct it, or name the repository in {VARIABLE}.") from error


def _is_of_central(pattern: str) -> bool:
    """Return whether Maven would use the mirror for its default repository; `*` is every one, `!` leaves one out."""
    parts = {part.strip() for part in pattern.split(",")}
    return f"!{_CENTRAL}" not in parts and not parts.isdisjoint({_CENTRAL, "*", "external:*"})


def _find_credentials(settings: ET.Element, identifier: str) -> tuple[str, str]:
    for server in settings.iterfind("{*}servers/{*}server"):
        if _read_text(server, "id") == identifier:
            return _expand(_read_text(server, "username")), _expand(_read_text(server, "password"))
    return "", ""


def _expand(text: str) -> str:
    """Return the text with the environment variable that `${env.NAME}` stands for."""
    if text.startswith("${env.") and text.endswith("}"):
        return os.environ.get(text[len("${env.") : -1], "")
    return text


def _read_text(element: ET.Element, name: str) -> str:
    return (element.findtext(f"{{*}}{name}") or "").strip()

"""What a registry holds, for people: subjects, versions, schemas, and where a word stands in them."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from karapace_like.client.registry_client import path
from karapace_like.explanation.excerpts import make_printable
from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import InvalidSchemaError, Strictness, UnparsedSchema
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.remote import Registered, Remote

_MAX_ID = 2**31 - 1


class Hit(msgspec.Struct, frozen=True):
    """A place at which a word stands."""

    subject: str
    version: int
    kind: str
    """`id`, `subject`, `text`, or the kind of an element, such as `field`."""
    place: str
    """The name of the element, or empty."""

    @property
    def sentence(self) -> str:
        """One line that describes the place."""
        return make_printable(f"{self.subject} version {self.version}: {self.kind} {self.place}".rstrip())


async def list_subjects(remote: Remote, pattern: str | None, *, deleted: bool) -> list[str]:
    """Return the subjects that match a pattern, in order; also soft-deleted ones on request."""
    query = {"deleted": "true"} if deleted else {}
    subjects: list[str] = await remote.client.ask("GET", path("subjects"), **query)
    return sorted(subject for subject in subjects if pattern is None or fnmatchcase(subject, pattern))


async def list_versions(remote: Remote, subject: str, *, deleted: bool) -> list[int]:
    """Return the versions of the subject; also soft-deleted ones on request. Raises RefusedError."""
    query = {"deleted": "true"} if deleted else {}
    versions: list[int] = await remote.client.ask("GET", path("subjects", subject, "versions"), **query)
    return versions


async def fetch_registration(remote: Remote, subject: str, version: int | str) -> Mapping[str, Any]:
    """Return a version as the registry describes it; raises RefusedError."""
    registration: Mapping[str, Any] = await remote.client.ask("GET", path("subjects", subject, "versions", version))
    return registration


async def delete_versions(remote: Remote, subject: str, version: int | str | None, *, permanently: bool) -> list[int]:
    """Delete a version, or all of the subject, and return their numbers; raises RefusedError.

    A permanent deletion includes the soft one that has to come before it.
    """
    where = path("subjects", subject) if version is None else path("subjects", subject, "versions", version)
    numbers = await list_versions(remote, subject, deleted=permanently)
    live = await remote.client.setting(path("subjects", subject, "versions")) or []
    if not permanently or (live if version is None else version in {"latest", *live}):
        numbers = _as_list(await remote.client.ask("DELETE", where))
        if version == "latest":
            where = path("subjects", subject, "versions", numbers[0])
    if permanently:
        numbers = _as_list(await remote.client.ask("DELETE", where, permanent="true"))
    return numbers


def _as_list(answer: Any) -> list[int]:
    return answer if isinstance(answer, list) else [answer]


async def find_word(remote: Remote, word: str) -> list[Hit]:
    """Return the places of a word: a schema id, or a part of names and texts of the latest versions, in any case."""
    hits: list[Hit] = []
    if word.isdecimal() and int(word) <= _MAX_ID:
        holders = await remote.client.setting(path("schemas", "ids", word, "versions")) or []
        hits += [Hit(holder["subject"], holder["version"], "id", word) for holder in holders]
    subjects = sorted(await remote.list_subjects())
    latest = await remote.ask_each("Reading schemas", subjects, lambda subject: remote.fetch_version(subject, "latest"))
    for version in latest.values():
        if version is not None:
            hits += await _find_in_version(remote, version, word.casefold())
    return hits


async def _find_in_version(remote: Remote, version: Registered, word: str) -> list[Hit]:
    hits: list[Hit] = []
    if word in version.subject.casefold():
        hits.append(Hit(version.subject, version.version, "subject", ""))
    text = version.schema.text.casefold()
    if word.rpartition(".")[2] not in text:
        return hits
    try:
        source = (await remote.resolve(version)).source
        parsed = formats.parse(UnparsedSchema(version.schema.type, source.text), source.dependencies, Strictness.STORED)
        elements = FORMATS[version.schema.type].list_elements(parsed, source.text)
    except InvalidSchemaError:
        elements = ()
    named = [
        Hit(version.subject, version.version, element.kind, element.title or element.name)
        for element in elements
        # A full name, or the end of one, such as `shop.Order` and `Order.id`; texts have its parts only.
        if word in element.name.casefold() or ("." in word and f".{element.title}".casefold().endswith(f".{word}"))
    ]
    return hits + (named or ([Hit(version.subject, version.version, "text", "")] if word in text else []))


def show_text(registration: Mapping[str, Any]) -> str:
    """Return the schema in a layout for people."""
    text = str(registration["schema"]).rstrip("\n")
    if registration.get("schemaType", "AVRO") == "PROTOBUF":
        return text
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text


def check_version(version: str) -> int | str:
    """Return a version number or `latest`; raises ToolError."""
    if version == "latest":
        return version
    if version.isdecimal() and 0 < int(version) <= _MAX_ID:
        return int(version)
    raise ToolError(f"{version!r} is not a version: expected `latest` or a number from 1.")

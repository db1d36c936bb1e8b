"""A registry that runs elsewhere, as commands on files see it: versions with all that they refer to, and settings.

Reading is done for many subjects at once; what is judged afterwards needs no network.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.schema import compatibility, references
from karapace_like.schema.files import Source
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    Reference,
    SchemaType,
    Subject,
    UnparsedSchema,
    Version,
)
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.errors import ToolError

T = TypeVar("T")
K = TypeVar("K")

_GLOBAL_SETTING_MISSING = {404, 405}


class Registered(NamedTuple):
    """A version of a subject in the registry."""

    subject: str
    version: int
    schema: UnparsedSchema
    properties: Mapping[str, Any]
    """Of its metadata."""


class Standard(NamedTuple):
    """What the registry asks of a subject's next version."""

    level: CompatibilityLevel | None = None
    policy: CompatibilityPolicy | None = None
    group: str | None = None
    """The metadata property whose value divides the versions into groups."""


Progress = Callable[[str, int, int], None]
"""(what is done, how many are done, of how many)"""


class Remote:
    """The registry behind a client; what was read once is not asked for again."""

    def __init__(self, client: RegistryClient, progress: Progress = lambda *_: None) -> None:
        self.client = client
        self._progress = progress
        self._versions: dict[tuple[str, int], Registered | None] = {}

    async def greet(self) -> None:
        """Raise ToolError unless a registry answers: of another server, every subject would seem to be new."""
        types = await self.client.setting(path("schemas", "types"))
        if not isinstance(types, list) or SchemaType.AVRO not in types:
            raise ToolError(f"What answers at {self.client.url} is no schema registry. Look at the path in --registry.")

    async def each(self, what: str, keys: Sequence[K], ask: Callable[[K], Awaitable[T]]) -> dict[K, T]:
        """The answer for each key; all are asked at once, and `what` is being done meanwhile."""
        done = 0

        async def counted(key: K) -> T:
            nonlocal done
            answer = await ask(key)
            done += 1
            self._progress(what, done, len(keys))
            return answer

        return dict(zip(keys, await asyncio.gather(*map(counted, keys)), strict=True))

    async def subjects(self) -> list[str]:
        """Every subject that is not deleted."""
        found: list[str] = await self.client.ask("GET", path("subjects"))
        return found

    async def numbers(self, subject: str) -> list[int]:
        """The subject's versions in ascending order; none for one that is not there."""
        found: list[int] | None = await self.client.setting(path("subjects", subject, "versions"))
        return found or []

    async def version(self, subject: str, number: int | str) -> Registered | None:
        """A version, or `latest`; None if it is not there."""
        key = (subject, number) if isinstance(number, int) else None
        if key is None or key not in self._versions:
            # A reference may lead to a version that is deleted by now.
            query = {"referenceFormat": "qualified"} | ({} if key is None else {"deleted": "true"})
            found = await self._ask_or_none("GET", path("subjects", subject, "versions", number), **query)
            registered = None if found is None else _registered(found)
            if key is None:
                return registered
            self._versions[key] = registered
        return self._versions[key]

    async def versions(self, subject: str, *, every: bool) -> list[Registered]:
        """The subject's versions in ascending order, or only the latest."""
        wanted: Sequence[int | str] = await self.numbers(subject) if every else ["latest"]
        found = await asyncio.gather(*(self.version(subject, number) for number in wanted))
        return [each for each in found if each is not None]

    async def earlier(self, registered: Registered) -> Earlier:
        """The version with the texts that it refers to; raises InvalidSchemaError if one is missing."""
        await self._read_references([registered])
        texts = references.closure(registered.schema, self.known)
        name = f"{registered.subject} version {registered.version}"
        paths = {each: f"{name}, {each}" for each in texts}
        return Earlier(registered.schema.type, Source(registered.schema.text, texts), {**paths, "": name})

    async def _read_references(self, start: Iterable[Registered]) -> None:
        """All that they refer to, near and far."""
        seen: set[tuple[str, int]] = set()
        pending = list(start)
        while pending:
            wanted = {(each.subject, int(each.version)) for found in pending for each in found.schema.references} - seen
            seen |= wanted
            found = await asyncio.gather(*(self.version(*each) for each in sorted(wanted)))
            pending = [each for each in found if each is not None]

    def known(self, reference: Reference) -> UnparsedSchema | None:
        """A version that has been read before; None if it is not there."""
        found = self._versions.get((reference.subject, int(reference.version)))
        return None if found is None else found.schema

    async def standard(self, subject: str) -> Standard:
        """What holds for the subject's next version."""
        found = await self._ask_or_none("GET", path("config", subject), defaultToGlobal="true")
        if found is None:  # Karapace knows no subject here that has no version yet
            found = await self._ask_or_none("GET", path("config")) or {}
        level = found.get("compatibilityLevel")
        policy = found.get("compatibilityPolicy")
        return Standard(
            level and CompatibilityLevel(level),
            CompatibilityPolicy(policy) if policy in set(CompatibilityPolicy) else None,
            found.get("compatibilityGroup"),
        )

    async def own_level(self, subject: str | None) -> str | None:
        """The level that is set for the subject itself, or for all; None if there is none."""
        found = await self._ask_or_none("GET", path("config", *_part(subject))) or {}
        level: str | None = found.get("compatibilityLevel")
        return level

    async def own_mode(self, subject: str | None) -> str | None:
        """The mode that is set for the subject itself, or for all; None if there is none."""
        found = await self._ask_or_none("GET", path("mode", *_part(subject))) or {}
        mode: str | None = found.get("mode")
        return mode

    async def look_up(self, subject: str, body: Mapping[str, Any], *, normalize: bool) -> int | None:
        """The version of the subject that has this schema; None if there is none."""
        query = {"normalize": "true"} if normalize else {}
        found = await self._ask_or_none("POST", path("subjects", subject), body, **query)
        return None if found is None else int(found["version"])

    async def referrers(self, registered: Registered) -> list[tuple[str, int]]:
        """(subject, version) of what refers to a version."""
        where = path("subjects", registered.subject, "versions", registered.version, "referencedby")
        ids = await self.client.setting(where) or []
        found = await asyncio.gather(*(self.client.setting(path("schemas", "ids", each, "versions")) for each in ids))
        return sorted({(each["subject"], each["version"]) for users in found for each in users or ()})

    async def _ask_or_none(self, method: str, where: str, body: Any = None, **query: str) -> Any:
        try:
            return await self.client.ask(method, where, body, **query)
        except RefusedError as error:
            if error.status in _GLOBAL_SETTING_MISSING:
                return None
            raise


class RegistryBaseline:
    """A registry's versions of some subjects, read beforehand."""

    def __init__(self, name: str, standards: Mapping[str, Standard], earlier: Mapping[str, Sequence[Earlier]]) -> None:
        self.name = name
        self._standards = standards
        self._earlier = earlier

    def level(self, subject: str) -> CompatibilityLevel | None:
        """The registry's."""
        return self._standards[subject].level

    def policy(self, subject: str) -> CompatibilityPolicy | None:
        """The registry's."""
        return self._standards[subject].policy

    def versions(self, subject: str, *, every: bool) -> Sequence[Earlier]:
        """The subject's versions, as they were read."""
        found = self._earlier[subject]
        return found if every else found[-1:]


async def registry_baseline(
    remote: Remote, subjects: Sequence[str], level_of: Callable[[str], CompatibilityLevel | None]
) -> RegistryBaseline:
    """What the subjects are to be compared with; `level_of` says what holds in place of the registry's own level."""
    standards = await remote.each("Reading levels", subjects, remote.standard)

    async def earlier(subject: str) -> list[Earlier]:
        standard = standards[subject]
        level = level_of(subject) or standard.level or CompatibilityLevel.BACKWARD
        every = compatibility.is_transitive(level) or standard.group is not None
        found = await remote.versions(subject, every=every)
        # Files have no metadata, so they are in the group of those that have none, either.
        counted = [each for each in found if standard.group is None or standard.group not in each.properties]
        return [await remote.earlier(each) for each in counted]

    found = await remote.each("Reading versions", subjects, earlier)
    return RegistryBaseline(remote.client.url, standards, found)


def _part(subject: str | None) -> Sequence[str]:
    return () if subject is None else (subject,)


def _registered(found: Mapping[str, Any]) -> Registered:
    listed = tuple(
        Reference(each["name"], Subject(each["subject"]), Version(each["version"]))
        for each in found.get("references") or ()
    )
    schema = UnparsedSchema(SchemaType(found.get("schemaType", "AVRO")), found["schema"], listed)
    properties = (found.get("metadata") or {}).get("properties") or {}
    return Registered(found["subject"], found["version"], schema, properties)

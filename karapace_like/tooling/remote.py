"""A running registry, as commands on files use it: versions with their references, and settings.

Many subjects are read concurrently; the comparison afterwards needs no network.
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
from karapace_like.tooling.suspension import SuspendedLevel, find_suspended_level

T = TypeVar("T")
K = TypeVar("K")

_GLOBAL_SETTING_MISSING = {404, 405}


class Registered(NamedTuple):
    """A version of a subject in the registry."""

    subject: str
    version: int
    schema: UnparsedSchema
    metadata: Mapping[str, Any] | None = None
    rule_set: Mapping[str, Any] | None = None

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties of its metadata."""
        properties: Mapping[str, Any] = (self.metadata or {}).get("properties") or {}
        return properties


class SubjectRules(NamedTuple):
    """The registry's rules for the next version of a subject."""

    level: CompatibilityLevel | None = None
    policy: CompatibilityPolicy | None = None
    group: str | None = None
    """The metadata property whose value divides the versions into groups."""


ReportProgress = Callable[[str, int, int], None]
"""(label of the work, items done, items in total)"""


class Remote:
    """The registry behind a client, with a cache of versions."""

    def __init__(self, client: RegistryClient, progress: ReportProgress = lambda *_: None) -> None:
        self.client = client
        self._progress = progress
        self._versions: dict[tuple[str, int], Registered | None] = {}
        self.suspended: dict[str, SuspendedLevel] = {}
        """The levels that interrupted runs have left to be restored, of the subjects whose level was read."""

    async def check_is_registry(self) -> None:
        """Raise ToolError unless a registry answers: behind another server, every subject would look new."""
        types = await self.client.setting(path("schemas", "types"))
        if not isinstance(types, list) or SchemaType.AVRO not in types:
            raise ToolError(f"The server at {self.client.url} is not a schema registry. Check the path in --registry.")

    async def ask_each(self, what: str, keys: Sequence[K], ask: Callable[[K], Awaitable[T]]) -> dict[K, T]:
        """Return the result of `ask` for each key; all run concurrently, and `what` labels their progress."""
        done = 0

        async def fetch_and_count(key: K) -> T:
            nonlocal done
            result = await ask(key)
            done += 1
            self._progress(what, done, len(keys))
            return result

        return dict(zip(keys, await asyncio.gather(*map(fetch_and_count, keys)), strict=True))

    async def list_subjects(self) -> list[str]:
        """Return every subject that is not deleted."""
        subjects: list[str] = await self.client.ask("GET", path("subjects"))
        return subjects

    async def list_version_numbers(self, subject: str) -> list[int]:
        """Return the version numbers of the subject in ascending order; none for an unknown subject."""
        numbers: list[int] | None = await self.client.setting(path("subjects", subject, "versions"))
        return numbers or []

    async def fetch_version(self, subject: str, number: int | str) -> Registered | None:
        """Return a version, or `latest`; None if it does not exist."""
        key = (subject, number) if isinstance(number, int) else None
        if key is None or key not in self._versions:
            # A reference can lead to a version that has been deleted.
            query = {"referenceFormat": "qualified"} | ({} if key is None else {"deleted": "true"})
            response = await self._ask_or_none("GET", path("subjects", subject, "versions", number), **query)
            registered = None if response is None else _convert(response)
            if key is None:
                return registered
            self._versions[key] = registered
        return self._versions[key]

    async def fetch_versions(self, subject: str, *, every: bool) -> list[Registered]:
        """Return the versions of the subject in ascending order, or only the latest."""
        wanted: Sequence[int | str] = await self.list_version_numbers(subject) if every else ["latest"]
        versions = await asyncio.gather(*(self.fetch_version(subject, number) for number in wanted))
        return [version for version in versions if version is not None]

    async def resolve(self, registered: Registered) -> Earlier:
        """Return the version with the texts of its references; raises InvalidSchemaError if one is missing."""
        await self.read_references([registered])
        referred: list[tuple[Reference, UnparsedSchema]] = []

        def look_up(reference: Reference) -> UnparsedSchema | None:
            schema = self.find_cached_version(reference)
            if schema is not None:
                referred.append((reference, schema))
            return schema

        texts = references.closure(registered.schema, look_up)
        # Named as the version itself is where it is compared, so that a report has a shared problem once.
        paths = {
            reference.name: f"{reference.subject} version {reference.version}"
            for reference, schema in referred
            if schema.text == texts[reference.name]
        }
        paths[""] = f"{registered.subject} version {registered.version}"
        return Earlier(registered.schema.type, Source(registered.schema.text, texts), paths)

    async def read_references(self, start: Iterable[Registered]) -> dict[tuple[str, int], Registered]:
        """Read all direct and indirect references into the cache; return those that exist."""
        seen: set[tuple[str, int]] = set()
        pending = list(start)
        known: dict[tuple[str, int], Registered] = {}
        while pending:
            wanted = {
                (reference.subject, int(reference.version))
                for version in pending
                for reference in version.schema.references
            } - seen
            seen |= wanted
            versions = await asyncio.gather(*(self.fetch_version(*place) for place in sorted(wanted)))
            pending = [version for version in versions if version is not None]
            known |= {(version.subject, version.version): version for version in pending}
        return known

    def find_cached_version(self, reference: Reference) -> UnparsedSchema | None:
        """Return a version in the cache; None if it does not exist."""
        cached = self._versions.get((reference.subject, int(reference.version)))
        return None if cached is None else cached.schema

    async def fetch_rules(self, subject: str) -> SubjectRules:
        """Return the rules for the next version of the subject."""
        response = await self._ask_or_none("GET", path("config", subject), defaultToGlobal="true")
        if response is None:  # Karapace rejects a subject without versions
            response = await self._ask_or_none("GET", path("config")) or {}
        level = await self._find_level_in_force(subject, response.get("compatibilityLevel"))
        policy = response.get("compatibilityPolicy")
        return SubjectRules(
            CompatibilityLevel(level) if level else None,
            CompatibilityPolicy(policy) if policy in set(CompatibilityPolicy) else None,
            response.get("compatibilityGroup"),
        )

    async def fetch_level(self, subject: str | None) -> str | None:
        """Return the level of the subject itself, or the global one; None if none is set."""
        response = await self._ask_or_none("GET", path("config", *_part(subject))) or {}
        level: str | None = response.get("compatibilityLevel")
        if subject is not None and level == CompatibilityLevel.NONE:
            await self._find_suspension(subject)
        return self.suspended[subject].level if subject is not None and subject in self.suspended else level

    async def _find_suspension(self, subject: str) -> None:
        suspended = await find_suspended_level(self.client, subject)
        if suspended is not None:
            self.suspended[subject] = suspended

    async def _find_level_in_force(self, subject: str, level: str | None) -> str | None:
        """Return the level, or the one that an interrupted run has left to be restored."""
        if level != CompatibilityLevel.NONE:
            return level
        await self._find_suspension(subject)
        if subject not in self.suspended:
            return level
        return self.suspended[subject].level or await self.fetch_level(None)

    async def fetch_config(self, subject: str | None) -> dict[str, Any]:
        """Return the fields of the subject's own config, or of the global one, but the level; empty if none is set."""
        response: dict[str, Any] = await self._ask_or_none("GET", path("config", *_part(subject))) or {}
        return {name: value for name, value in response.items() if name != "compatibilityLevel"}

    async def fetch_mode(self, subject: str | None) -> str | None:
        """Return the mode of the subject itself, or the global one; None if none is set."""
        response = await self._ask_or_none("GET", path("mode", *_part(subject))) or {}
        mode: str | None = response.get("mode")
        return mode

    async def look_up(self, subject: str, body: Mapping[str, Any], *, normalize: bool) -> int | None:
        """Return the version of the subject with this schema; None if there is none."""
        query = {"normalize": "true"} if normalize else {}
        response = await self._ask_or_none("POST", path("subjects", subject), body, **query)
        return None if response is None else int(response["version"])

    async def list_referrers(self, registered: Registered) -> list[tuple[str, int]]:
        """Return (subject, version) of each schema that refers to a version."""
        where = path("subjects", registered.subject, "versions", registered.version, "referencedby")
        ids = await self.client.setting(where) or []
        responses = await asyncio.gather(
            *(self.client.setting(path("schemas", "ids", schema_id, "versions")) for schema_id in ids)
        )
        return sorted({(user["subject"], user["version"]) for users in responses for user in users or ()})

    async def _ask_or_none(self, method: str, where: str, body: Any = None, **query: str) -> Any:
        try:
            return await self.client.ask(method, where, body, **query)
        except RefusedError as error:
            if error.status in _GLOBAL_SETTING_MISSING:
                return None
            raise


class RegistryBaseline:
    """Versions of some subjects, read from a registry in advance."""

    def __init__(self, name: str, rules: Mapping[str, SubjectRules], earlier: Mapping[str, Sequence[Earlier]]) -> None:
        self.name = name
        self._rules = rules
        self._earlier = earlier

    def level(self, subject: str) -> CompatibilityLevel | None:
        """Return the setting of the registry."""
        return self._rules[subject].level

    def policy(self, subject: str) -> CompatibilityPolicy | None:
        """Return the setting of the registry."""
        return self._rules[subject].policy

    def versions(self, subject: str, *, every: bool) -> Sequence[Earlier]:
        """Return the versions that were read, or only the latest."""
        earlier = self._earlier[subject]
        return earlier if every else earlier[-1:]


async def read_registry_baseline(
    remote: Remote, subjects: Sequence[str], level_of: Callable[[str], CompatibilityLevel | None]
) -> RegistryBaseline:
    """Read the versions to compare with; `level_of` returns a level that replaces the registry's own, or None."""
    rules_of = await remote.ask_each("Reading levels", subjects, remote.fetch_rules)

    async def read_earlier(subject: str) -> list[Earlier]:
        rules = rules_of[subject]
        level = level_of(subject) or rules.level or CompatibilityLevel.BACKWARD
        every = compatibility.is_transitive(level) or rules.group is not None
        versions = await remote.fetch_versions(subject, every=every)
        # Files have no metadata, so they belong to the group of the versions without the property.
        counted = [version for version in versions if rules.group is None or rules.group not in version.properties]
        return [await remote.resolve(version) for version in counted]

    earlier_of = await remote.ask_each("Reading versions", subjects, read_earlier)
    return RegistryBaseline(remote.client.url, rules_of, earlier_of)


def _part(subject: str | None) -> Sequence[str]:
    return () if subject is None else (subject,)


def _convert(response: Mapping[str, Any]) -> Registered:
    listed = tuple(
        Reference(reference["name"], Subject(reference["subject"]), Version(reference["version"]))
        for reference in response.get("references") or ()
    )
    schema = UnparsedSchema(SchemaType(response.get("schemaType", "AVRO")), response["schema"], listed)
    return Registered(
        response["subject"], response["version"], schema, response.get("metadata"), response.get("ruleSet")
    )

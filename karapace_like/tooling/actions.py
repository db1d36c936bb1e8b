"""The changes of a plan: each one as a sentence, as JSON, and as requests to a registry.

`planning.py` decides which changes are needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.tooling.suspension import restore_level, suspend_level
from karapace_like.tooling.workspace import SchemaFile, Workspace

_GLOBAL = "all subjects"
PolicyFields = Mapping[str, Any]
"""A topic policy as the API has it, without what has its default."""


class PlannedReference(msgspec.Struct, frozen=True):
    """A reference of a schema to register."""

    name: str
    subject: str
    version: int | None
    """None: the version that the same plan registers."""


class ApplyState(msgspec.Struct):
    """The state of a plan in execution."""

    workspace: Workspace
    versions: dict[str, int] = {}
    """Subject -> its registered version."""
    moves_keys: bool = False
    """Whether policies are set that move keys to other partitions."""


class Register(msgspec.Struct, frozen=True, tag_field="action", tag="register"):
    """A new version of a subject."""

    subject: str
    file: str
    references: Sequence[PlannedReference] = ()
    normalize: bool = False
    metadata: Mapping[str, Any] | None = None
    rule_set: Mapping[str, Any] | None = None
    accepts: Sequence[str] = ()
    """The rules that the version breaks on purpose: the subject's level is suspended for the registration."""

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        targets = [
            f"version {reference.version} of {reference.subject}"
            if reference.version
            else f"the new version of {reference.subject}"
            for reference in self.references
        ]
        refers = f", refers to {' and '.join(targets)}" if targets else ""
        breaks = f", although it breaks {' and '.join(self.accepts)}" if self.accepts else ""
        return f"+ register {self.subject} ({self.file}){refers}{breaks}"

    def make_body(self, file: SchemaFile, versions: Mapping[str, int]) -> dict[str, Any]:
        """Return the body of the registration or a look-up; `versions` are those of the references, by name."""
        references = [
            {
                "name": reference.name,
                "subject": reference.subject.removeprefix(_find_context(self.subject)),
                "version": versions[reference.name],
            }
            for reference in self.references
        ]
        further = {"references": references or None, "metadata": self.metadata, "ruleSet": self.rule_set}
        return {
            "schemaType": file.type,
            "schema": file.text,
            **{name: value for name, value in further.items() if value is not None},
        }

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:
        """Register the schema and return its version and id; a schema that exists keeps them."""
        versions = {
            reference.name: reference.version or progress.versions[reference.subject] for reference in self.references
        }
        body = self.make_body(progress.workspace.files[self.file], versions)
        query = {"normalize": "true"} if self.normalize else {}
        register = _register_break if self.accepts else _register
        response = await register(client, self.subject, body, query)
        if "version" not in response:  # Karapace returns the id only
            response = await client.ask("POST", path("subjects", self.subject), body, **query)
        progress.versions[self.subject] = response["version"]
        return f"version {response['version']}, id {response['id']}"


async def _register(
    client: RegistryClient, subject: str, body: Mapping[str, Any], query: Mapping[str, str]
) -> dict[str, Any]:
    response: dict[str, Any] = await client.ask("POST", path("subjects", subject, "versions"), body, **query)
    return response


async def _register_break(
    client: RegistryClient, subject: str, body: Mapping[str, Any], query: Mapping[str, str]
) -> dict[str, Any]:
    """Register a schema that breaks its level: by force, or while the level is suspended, where there is no force."""
    try:
        return await _register(client, subject, body, {**query, "force": "true"})
    except RefusedError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
    async with suspend_level(client, subject):
        return await _register(client, subject, body, query)


class SetLevel(msgspec.Struct, frozen=True, tag_field="action", tag="set-compatibility"):
    """A change of the compatibility level of a subject, or of the global one."""

    subject: str | None
    before: str | None
    after: str | None
    """None: the setting is removed, and the global one applies."""

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        return _describe_setting("compatibility", self.subject, self.before, self.after)

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:  # noqa: ARG002 - every action's signature
        """Set or remove the setting."""
        await _set(client, path("config", *([self.subject] if self.subject else [])), "compatibility", self.after)
        return ""


class SetConfig(msgspec.Struct, frozen=True, tag_field="action", tag="set-config"):
    """A change of further fields of the config of a subject, or of the global one."""

    subject: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    """The fields that change; all others stay."""

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        fields = [
            f"{name} {_show(self.before[name]) if name in self.before else 'not set'} -> {_show(value)}"
            for name, value in self.after.items()
        ]
        return f"~ config of {self.subject or _GLOBAL}: {', '.join(fields)}"

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:  # noqa: ARG002 - every action's signature
        """Set the fields."""
        await client.ask("PUT", path("config", *([self.subject] if self.subject else [])), self.after)
        return ""


class RestoreLevel(msgspec.Struct, frozen=True, tag_field="action", tag="restore-compatibility"):
    """The restoration of a level that an interrupted run suspended."""

    subject: str
    level: str | None
    """None: the setting is removed, and the global one applies."""

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        return f"{_describe_setting('compatibility', self.subject, 'NONE', self.level)}, which an interrupted run left"

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:  # noqa: ARG002 - every action's signature
        """Restore the level."""
        await restore_level(client, self.subject, self.level)
        return ""


class SetMode(msgspec.Struct, frozen=True, tag_field="action", tag="set-mode"):
    """A change of the mode of a subject, or of the global one."""

    subject: str | None
    before: str | None
    after: str | None
    """None: the setting is removed, and the global one applies."""

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        return _describe_setting("mode", self.subject, self.before, self.after)

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:  # noqa: ARG002 - every action's signature
        """Set or remove the setting."""
        await _set(client, path("mode", *([self.subject] if self.subject else [])), "mode", self.after)
        return ""


class Delete(msgspec.Struct, frozen=True, tag_field="action", tag="delete"):
    """A soft deletion of all versions of a subject; their ids stay readable."""

    subject: str
    versions: Sequence[int]

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        count = f"{len(self.versions)} versions" if len(self.versions) > 1 else "1 version"
        return f"- delete {self.subject} ({count}, softly)"

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:  # noqa: ARG002 - every action's signature
        """Delete the subject; the registry rejects this while another subject refers to it."""
        await client.ask("DELETE", path("subjects", self.subject))
        return ""


class SetPolicy(msgspec.Struct, frozen=True, tag_field="action", tag="set-policy"):
    """A new policy, or a change of one."""

    name: str
    before: PolicyFields | None
    """None: there is none."""
    after: PolicyFields

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        before, after = dict(_flatten(self.before or {})), dict(_flatten(self.after))
        if self.before is None:
            settings = [f"{place} = {_show(value)}" for place, value in after.items()]
            return f"+ policy of {self.name}: {', '.join(settings) or 'every record is accepted'}"
        changes = [
            f"{place} {_show(before.get(place, '(default)'))} -> {_show(after.get(place, '(default)'))}"
            for place in sorted({*before, *after})
            if before.get(place) != after.get(place)
        ]
        return f"~ policy of {self.name}: {', '.join(changes)}"

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:
        """Set the policy."""
        force = "true" if progress.moves_keys else None
        await client.ask("PUT", path("policies", self.name), self.after, force=force)
        return ""


class DeletePolicy(msgspec.Struct, frozen=True, tag_field="action", tag="delete-policy"):
    """The deletion of a policy."""

    name: str

    @property
    def sentence(self) -> str:
        """One line that describes the change."""
        return f"- policy of {self.name}"

    async def carry_out(self, client: RegistryClient, progress: ApplyState) -> str:
        """Delete the policy."""
        await client.ask("DELETE", path("policies", self.name), force="true" if progress.moves_keys else None)
        return ""


Action = Register | SetConfig | RestoreLevel | SetLevel | SetMode | Delete | SetPolicy | DeletePolicy
"""One change. `sentence` describes it, after `+`, `~` or `-`.

`carry_out` makes it and returns a few words about the outcome, or none; raises RefusedError, UnreachableError.
"""


def _find_context(subject: str) -> str:
    """Return the prefix of the subject's context, within which references need none; empty for the default context."""
    return subject[: subject.index(":", 1) + 1] if subject.startswith(":.") and ":" in subject[1:] else ""


def _show(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _flatten(fields: PolicyFields, place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping) and name != "metadata":
            yield from _flatten(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value


def _describe_setting(what: str, subject: str | None, before: str | None, after: str | None) -> str:
    return f"~ {what} of {subject or _GLOBAL}: {before or 'not set'} -> {after or 'not set'}"


async def _set(client: RegistryClient, where: str, field: str, value: str | None) -> None:
    if value is None:
        await client.ask("DELETE", where)
    else:
        await client.ask("PUT", where, {field: value})

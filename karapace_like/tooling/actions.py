"""The changes to a registry that a plan is made of: what each would do, in words and as JSON, and how it is done.

Who decides that they are needed is `planning.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from karapace_like.client.registry_client import RegistryClient, path
from karapace_like.tooling.workspace import SchemaFile, Workspace

_GLOBAL = "all subjects"


class PlannedReference(msgspec.Struct, frozen=True):
    """A reference of a schema that is to be registered."""

    name: str
    subject: str
    version: int | None
    """None: the one that the same plan registers."""


class Progress(msgspec.Struct):
    """What carrying out a plan needs to remember."""

    workspace: Workspace
    versions: dict[str, int] = {}
    """Subject -> the version that was registered."""


class Register(msgspec.Struct, frozen=True, tag_field="action", tag="register"):
    """A new version of a subject."""

    subject: str
    file: str
    references: Sequence[PlannedReference] = ()
    normalize: bool = False

    @property
    def sentence(self) -> str:
        """What it does."""
        told = [
            f"version {each.version} of {each.subject}" if each.version else f"the new version of {each.subject}"
            for each in self.references
        ]
        return f"+ register {self.subject} ({self.file})" + (f", refers to {' and '.join(told)}" if told else "")

    async def carry_out(self, client: RegistryClient, progress: Progress) -> str:
        """Registering what is there already changes nothing."""
        versions = {each.name: each.version or progress.versions[each.subject] for each in self.references}
        body = registration(progress.workspace.files[self.file], self.references, versions)
        query = {"normalize": "true"} if self.normalize else {}
        answer = await client.ask("POST", path("subjects", self.subject, "versions"), body, **query)
        if "version" not in answer:  # Karapace tells the id only
            answer = await client.ask("POST", path("subjects", self.subject), body, **query)
        progress.versions[self.subject] = answer["version"]
        return f"version {answer['version']}, id {answer['id']}"


class SetLevel(msgspec.Struct, frozen=True, tag_field="action", tag="set-compatibility"):
    """The compatibility level of a subject, or of all that have none of their own."""

    subject: str | None
    before: str | None
    after: str | None
    """None: what holds for all."""

    @property
    def sentence(self) -> str:
        """What it does."""
        return _setting("compatibility", self.subject, self.before, self.after)

    async def carry_out(self, client: RegistryClient, progress: Progress) -> str:  # noqa: ARG002 - every action's signature
        """Set or unset it."""
        await _set(client, path("config", *([self.subject] if self.subject else [])), "compatibility", self.after)
        return ""


class SetMode(msgspec.Struct, frozen=True, tag_field="action", tag="set-mode"):
    """The mode of a subject, or of all that have none of their own."""

    subject: str | None
    before: str | None
    after: str | None
    """None: what holds for all."""

    @property
    def sentence(self) -> str:
        """What it does."""
        return _setting("mode", self.subject, self.before, self.after)

    async def carry_out(self, client: RegistryClient, progress: Progress) -> str:  # noqa: ARG002 - every action's signature
        """Set or unset it."""
        await _set(client, path("mode", *([self.subject] if self.subject else [])), "mode", self.after)
        return ""


class Delete(msgspec.Struct, frozen=True, tag_field="action", tag="delete"):
    """All versions of a subject, softly: they stay readable by their ids."""

    subject: str
    versions: Sequence[int]

    @property
    def sentence(self) -> str:
        """What it does."""
        told = f"{len(self.versions)} versions" if len(self.versions) > 1 else "1 version"
        return f"- delete {self.subject} ({told}, softly)"

    async def carry_out(self, client: RegistryClient, progress: Progress) -> str:  # noqa: ARG002 - every action's signature
        """Refused by the registry while something refers to it."""
        await client.ask("DELETE", path("subjects", self.subject))
        return ""


Action = Register | SetLevel | SetMode | Delete
"""One change. `sentence` says what it does, with `+`, `~` or `-` in front.

`carry_out` does it and answers a few words about the outcome, maybe none; raises RefusedError, UnreachableError.
"""


def registration(
    file: SchemaFile, references: Sequence[PlannedReference], versions: Mapping[str, int]
) -> dict[str, Any]:
    """The body of a request about a schema; `versions` are those of the references, by name."""
    body: dict[str, Any] = {"schemaType": file.type, "schema": file.text}
    if references:
        body["references"] = [
            {"name": each.name, "subject": each.subject, "version": versions[each.name]} for each in references
        ]
    return body


def _setting(what: str, subject: str | None, before: str | None, after: str | None) -> str:
    return f"~ {what} of {subject or _GLOBAL}: {before or 'not set'} -> {after or 'not set'}"


async def _set(client: RegistryClient, where: str, field: str, value: str | None) -> None:
    if value is None:
        await client.ask("DELETE", where)
    else:
        await client.ask("PUT", where, {field: value})

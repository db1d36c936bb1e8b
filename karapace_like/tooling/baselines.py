"""What schemas are compared with: the same subjects as other files have them, or had them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from karapace_like.schema.files import Source
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, SchemaType
from karapace_like.tooling.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier version of a schema."""

    type: SchemaType
    source: Source
    paths: Mapping[str, str]
    """What to call each document of the source in messages."""


class Baseline(Protocol):
    """Where earlier versions come from."""

    name: str
    """What it is called in messages, such as `origin/main`."""

    def level(self, subject: str) -> CompatibilityLevel | None:
        """The level that holds there for the subject; None where it has no say."""
        ...

    def policy(self, subject: str) -> CompatibilityPolicy | None:
        """The policy that holds there for the subject; None where it has no say."""
        ...

    def versions(self, subject: str, *, every: bool) -> Sequence[Earlier]:
        """The subject's versions in ascending order, or only the latest; raises InvalidSchemaError."""
        ...


class FilesBaseline:
    """Other files: one version of each subject."""

    def __init__(self, name: str, workspace: Workspace) -> None:
        self.name = name
        self._workspace = workspace

    def level(self, subject: str) -> CompatibilityLevel | None:  # noqa: ARG002 - files beside the new ones say it
        """Nothing: what holds for the new files is in their own settings."""
        return None

    def policy(self, subject: str) -> CompatibilityPolicy | None:  # noqa: ARG002 - as above
        """Nothing."""
        return None

    def versions(self, subject: str, *, every: bool) -> Sequence[Earlier]:  # noqa: ARG002 - there is no other
        """The file's text, if there is one; raises InvalidSchemaError."""
        file = self._workspace.subjects.get(subject)
        if file is None:
            return []
        linked = self._workspace.link(file)
        paths = {document: f"{self.name}:{path}" for document, path in linked.paths.items()}
        return [Earlier(file.type, linked.source, paths)]

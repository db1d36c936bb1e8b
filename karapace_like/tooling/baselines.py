"""Earlier versions that schemas are compared with: other files, or a registry (`remote.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from karapace_like.schema.files import Source
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, SchemaType
from karapace_like.schema.sharing import SharedReferences
from karapace_like.tooling.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier version of a schema."""

    type: SchemaType
    source: Source
    paths: Mapping[str, str]
    """Document of the source -> its name in messages."""
    shared: SharedReferences | None = None
    """What the versions of one source have in common."""


class Baseline(Protocol):
    """A source of earlier versions."""

    name: str
    """Its name in messages, such as `origin/main`."""

    def level(self, subject: str) -> CompatibilityLevel | None:
        """Return the configured level of the subject; None if the source configures no levels."""
        ...

    def policy(self, subject: str) -> CompatibilityPolicy | None:
        """Return the configured policy of the subject; None if the source configures no policies."""
        ...

    def versions(self, subject: str, *, every: bool) -> Sequence[Earlier]:
        """Return the versions of the subject in ascending order, or only the latest; raises InvalidSchemaError."""
        ...


class FilesBaseline:
    """Other files, with one version of each subject."""

    def __init__(self, name: str, workspace: Workspace) -> None:
        self.name = name
        self.workspace = workspace

    def level(self, subject: str) -> CompatibilityLevel | None:  # noqa: ARG002 - the settings of the new files apply
        """Return None: the settings of the new files apply."""
        return None

    def policy(self, subject: str) -> CompatibilityPolicy | None:  # noqa: ARG002 - as above
        """Return None: the settings of the new files apply."""
        return None

    def versions(self, subject: str, *, every: bool) -> Sequence[Earlier]:  # noqa: ARG002 - files hold one version
        """Return the version in the subject's file, or none; raises InvalidSchemaError."""
        file = self.workspace.subjects.get(subject)
        if file is None:
            return []
        linked = self.workspace.link(file)
        paths = {document: f"{self.name}:{path}" for document, path in linked.paths.items()}
        return [Earlier(file.type, linked.source, paths, linked.shared)]

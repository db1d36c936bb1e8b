"""What a mirror has written into its target, kept in a file beside the command, so that a restart knows its own."""

import os
from pathlib import Path
from typing import Self

import msgspec

from karapace_like.backup import associations
from karapace_like.backup.errors import ArchiveError
from karapace_like.process.file_modes import open_private
from karapace_like.registry.associations import Association
from karapace_like.registry.store import Store

_FORMAT = "karapace-like mirror"
_VERSION = 1


class MirrorState(msgspec.Struct, frozen=True):
    """What the mirror wrote, or was about to write."""

    places: list[tuple[str, int, int]] = []
    """(subject, version, id), as the target has them."""
    configs: list[str | None] = []
    """Scopes."""
    modes: list[tuple[str | None, str]] = []
    """Scope and mode: those of the source, for the promotion."""
    items: dict[str, list[str]] = {}
    """Kind -> names of the associations, keys and policies."""
    associations: dict[str, Association] = {}
    """Those of the source, for the promotion, by name."""
    is_promoted: bool = False
    format: str = _FORMAT
    version: int = _VERSION

    @classmethod
    def of(cls, wanted: Store, items: dict[str, list[str]]) -> Self:
        """Return the state after a whole round; `items` are those of the mirror."""
        return cls(
            [(stored.subject, stored.version, stored.id) for stored in wanted.all_versions()],
            list(wanted.configs),
            [(scope, mode.value) for scope, mode in wanted.modes.items()],
            items,
            associations.identify(wanted),
        )

    def extend(self, wanted: Store, items: dict[str, list[str]]) -> "MirrorState":
        """Return the state of a round that begins: what was written, and what is about to be."""
        new = MirrorState.of(wanted, items)
        return MirrorState(
            list(dict.fromkeys([*self.places, *new.places])),
            list(dict.fromkeys([*self.configs, *new.configs])),
            new.modes,
            {kind: list(dict.fromkeys([*self.items.get(kind, ()), *items[kind]])) for kind in items}
            | {kind: names for kind, names in self.items.items() if kind not in items},
            new.associations,
        )

    def promote(self) -> "MirrorState":
        """Return the state of a mirror that has ended."""
        return msgspec.structs.replace(self, is_promoted=True)


class StateFile:
    """The file; it is replaced whole, and only the operator can read it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> MirrorState:
        """Return the state; an empty one if there is no file. Raises ArchiveError for another file."""
        try:
            state = msgspec.json.decode(self.path.read_bytes(), type=MirrorState)
        except FileNotFoundError:
            return MirrorState()
        except (OSError, msgspec.MsgspecError) as error:
            raise ArchiveError(f"{self.path} cannot be read as the state of a mirror: {error}") from error
        if (state.format, state.version) != (_FORMAT, _VERSION):
            raise ArchiveError(f"{self.path} is no state of a mirror that this program reads.")
        return state

    def write(self, state: MirrorState) -> None:
        """Replace the file; it is on the disk when this returns. Raises ArchiveError."""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        try:
            with open_private(temporary) as file:
                file.write(msgspec.json.encode(state))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise ArchiveError(f"{self.path} cannot be written: {error.strerror or error}") from error
        finally:
            temporary.unlink(missing_ok=True)

"""The permissions of the files that this program makes: they hold records, schemas and configuration."""

import os
from pathlib import Path
from typing import BinaryIO

_OTHERS = 0o077


def keep_files_private() -> None:
    """Make every file and folder from now on, also those of child processes, readable by this user only."""
    os.umask(_OTHERS)


def open_private(path: Path) -> BinaryIO:
    """Open a new file for writing that only this user may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 & ~_OTHERS), "wb")

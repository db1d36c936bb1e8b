"""`karapace-like export`: a backup of a running registry."""

from pathlib import Path
from typing import Any

import click

from karapace_like.backup import archive
from karapace_like.backup.errors import ArchiveError
from karapace_like.cli.backup_source import read_state, select_context
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import registry_options
from karapace_like.cli.source_access import topic_options

_EXAMPLES = """\b
Examples:
  karapace-like export registry.jsonl --registry http://localhost:8081
  karapace-like export eu.jsonl --registry https://registry.example.org --context .eu
  karapace-like export registry.jsonl --bootstrap-uri localhost:9092
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@registry_options(required=False)
@topic_options
@click.option("--context", help="Export only this context, such as .eu; a dot means the default context.")
@format_option
def export(*, file: Path, context: str | None, form: str, **source: Any) -> None:
    """Write all schemas, configs, modes and associations of a running registry to FILE.

    The registry is read through its API (--registry) or from its topic (--bootstrap-uri), which needs no registry. The
    same state gives the same file, byte for byte. An existing FILE is replaced when the new one is complete; only you
    may read it.

    Exit codes: 0 written, 2 error.
    """
    try:
        archive.check_writable(file)
        store = select_context(read_state(source, ProgressBar()), context, None)
        count = archive.write(file, store)
    except ArchiveError as error:
        raise CannotTellError(str(error)) from error
    print_value({"records": count, "file": str(file)}, f"{count} records written to {file}", form)

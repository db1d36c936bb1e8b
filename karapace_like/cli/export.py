"""`karapace-like export`: a backup of a running registry, or a folder of them."""

import time
from pathlib import Path
from typing import Any

import click

from karapace_like.backup import archive
from karapace_like.backup.archive_folder import ArchiveFolder
from karapace_like.backup.errors import ArchiveError
from karapace_like.cli.backup_source import read_state, select_context
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import registry_options
from karapace_like.cli.source_access import topic_options
from karapace_like.registry.store import Store

_EXAMPLES = """\b
Examples:
  karapace-like export registry.jsonl --registry http://localhost:8081
  karapace-like export eu.jsonl --registry https://registry.example.org --context .eu
  karapace-like export registry.jsonl --bootstrap-uri localhost:9092
  karapace-like export /backup --keep 168 --every 3600 --registry http://localhost:8081
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@registry_options(required=False)
@topic_options
@click.option("--context", help="Export only this context, such as .eu; a dot means the default context.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="FILE is a folder: write an archive named by the time into it unless the newest is equal, and keep so many.",
)
@click.option(
    "--every",
    "interval",
    type=click.FloatRange(min=1),
    help="With --keep: seconds between two exports, until a signal ends the command.",
)
@format_option
def export(
    *, file: Path, context: str | None, keep: int | None, interval: float | None, form: str, **source: Any
) -> None:
    """Write all schemas, configs, modes and associations of a running registry to FILE; with --keep, it is a folder.

    The registry is read through its API (--registry) or from its topic (--bootstrap-uri), which needs no registry. The
    same state gives the same file, byte for byte. An existing FILE is replaced when the new one is complete; only you
    may read it.

    Exit codes: 0 written, or equal to the newest in the folder, 2 error. With --every, a failed export is tried again
    after the interval; only the first one ends the command.
    """
    if interval is not None and keep is None:
        raise click.UsageError("--every needs --keep, which says how many archives stay.")
    if keep is not None:
        _export_into_folder(ArchiveFolder(file, keep), source, context, interval, form)
        return
    if file.is_dir():
        raise click.UsageError(
            f"{str(file)!r} is a directory. Name a file, or say with --keep how many archives it keeps."
        )
    try:
        archive.check_writable(file)
        count = archive.write(file, _read(source, context))
    except ArchiveError as error:
        raise CannotTellError(str(error)) from error
    print_value({"records": count, "file": str(file)}, f"{count} records written to {file}", form)


def _read(source: dict[str, Any], context: str | None) -> Store:
    return select_context(read_state(source, ProgressBar()), context, None)


def _export_into_folder(
    folder: ArchiveFolder, source: dict[str, Any], context: str | None, interval: float | None, form: str
) -> None:
    is_first = True
    while True:
        try:
            folder.check_writable()
            path = folder.add(_read(source, context), time.time())
        except (ArchiveError, click.ClickException) as error:
            failure = error if isinstance(error, click.ClickException) else CannotTellError(str(error))
            if is_first or interval is None:
                raise failure from error
            click.echo(f"{failure.format_message()} Trying again in {interval:.0f} s.", err=True)
        else:
            sentence = "Unchanged since the newest archive" if path is None else f"Written to {path}"
            print_value({"file": None if path is None else str(path)}, sentence, form)
        if interval is None:
            return
        is_first = False
        time.sleep(interval)

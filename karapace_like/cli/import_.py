"""`karapace-like import`: restores a backup into a registry with its ids and versions."""

import sys
from pathlib import Path
from typing import Any

import click

from karapace_like.backup.errors import ChangingError, ForeignContentError
from karapace_like.backup.restoring import Outcome, Restoration
from karapace_like.cli.backup_source import read_archive, select_context
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_some_lines, print_value
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import open_registry, registry_options
from karapace_like.cli.source_access import run
from karapace_like.registry.store import Store

_EXAMPLES = """\b
Examples:
  karapace-like import registry.jsonl --registry http://localhost:8081
  karapace-like import registry.jsonl --registry http://localhost:8081 --context .eu --as .copy
"""


@click.command("import", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@registry_options(required=True)
@click.option("--context", help="Import only this context of the backup, such as .eu; a dot means the default context.")
@click.option("--as", "to", metavar="CONTEXT", help="With --context: its name in the registry.")
@format_option
def import_(*, file: Path, context: str | None, to: str | None, form: str, **target: Any) -> None:
    """Restore FILE into a registry whose contexts of the same names are empty; ids and versions are kept.

    FILE was written by `export` or by Karapace (a file, or the directory of version 3). The contexts are in import mode
    meanwhile and get the modes of the backup at the end. The same command resumes an interrupted import.

    Exit codes: 0 restored, 1 restored in part, 2 error.
    """
    store = select_context(read_archive(file), context, to)
    try:
        outcome = run(_restore(store, target))
    except ForeignContentError as error:
        print_some_lines(error.differing)
        raise CannotTellError(
            "Nothing was imported: the registry has versions that are not in the backup. Delete them permanently, or "
            "import into another context with --context and --as."
        ) from error
    except ChangingError as error:
        raise CannotTellError(str(error)) from error
    counts = f"{outcome.registered} versions registered, {outcome.deleted} soft-deleted, {outcome.settings} configs set"
    if outcome.associated:
        counts += f", {outcome.associated} associations created"
    print_value(outcome, counts, form)
    if outcome.refused:
        print_some_lines(outcome.refused)
        click.echo(f"The registry rejected {len(outcome.refused)} items of the backup", err=True)
        sys.exit(1)


async def _restore(store: Store, target: dict[str, Any]) -> Outcome:
    async with open_registry(target["registry"], target) as remote:
        return await Restoration(remote.client, store, ProgressBar()).run()

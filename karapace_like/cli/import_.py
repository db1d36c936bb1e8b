"""`karapace-like import`: a backup into a registry, with its ids and versions."""

import sys
from pathlib import Path
from typing import Any

import click

from karapace_like.backup.errors import ChangingError, ForeignContentError
from karapace_like.backup.restoring import Outcome, Restoration
from karapace_like.cli.backup_source import archive_state, context_alone
from karapace_like.cli.outcome import CannotTellError
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import reached, registry_options
from karapace_like.cli.source_access import run
from karapace_like.registry.store import Store

_SHOWN = 20


_EXAMPLES = """\b
Examples:
  karapace-like import registry.jsonl --registry http://localhost:8081
  karapace-like import registry.jsonl --registry http://localhost:8081 --context .eu --as .copy
"""


@click.command("import", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@registry_options(required=True)
@click.option("--context", help="Only this context of the backup, such as .eu; the default context is a dot.")
@click.option("--as", "to", metavar="CONTEXT", help="With --context: under this name.")
def import_(*, file: Path, context: str | None, to: str | None, **target: Any) -> None:
    """Restore FILE into a registry that is empty, or in the contexts of FILE is: ids and versions are kept.

    FILE is what `export` has written, or a backup of Karapace (its file, or the directory of version 3). While it runs,
    the contexts are in import mode; afterwards they have the modes of the backup. An import that was interrupted, at
    any point, goes on when the same command is given again.

    Exit codes: 0 restored, 1 not all of it, 2 could not be done.
    """
    store = context_alone(archive_state(file), context, to)
    try:
        outcome = run(_restored(store, target))
    except ForeignContentError as error:
        _list(error.found)
        raise CannotTellError(
            "Nothing was imported: the registry has versions that are not in the backup. Delete them for good, or "
            "import into another context: --context and --as."
        ) from error
    except ChangingError as error:
        raise CannotTellError(str(error)) from error
    click.echo(
        f"{outcome.registered} versions registered, {outcome.deleted} soft-deleted, {outcome.settings} configs set"
    )
    if outcome.refused:
        _list(outcome.refused)
        click.echo(f"The registry refused {len(outcome.refused)} of the backup's contents", err=True)
        sys.exit(1)


async def _restored(store: Store, target: dict[str, Any]) -> Outcome:
    async with reached(target["registry"], target) as remote:
        return await Restoration(remote.client, store, ProgressBar()).run()


def _list(found: list[str] | tuple[str, ...] | Any) -> None:
    for line in found[:_SHOWN]:
        click.echo(line, err=True)
    if len(found) > _SHOWN:
        click.echo(f"... and {len(found) - _SHOWN} more", err=True)

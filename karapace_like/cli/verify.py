"""`karapace-like verify`: whether a backup equals a registry."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from karapace_like.backup.differences import differences
from karapace_like.backup.state import in_context
from karapace_like.cli.backup_source import archive_state, context_alone, state_of
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import registry_options
from karapace_like.cli.source_access import topic_options

_EXAMPLES = """\b
Examples:
  karapace-like verify registry.jsonl --registry http://localhost:8081
  karapace-like verify registry.jsonl --bootstrap-uri localhost:9092 --json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@registry_options(required=False)
@topic_options
@click.option("--context", help="Only this context of the backup, such as .eu; the default context is a dot.")
@click.option("--as", "to", metavar="CONTEXT", help="With --context: its name in the registry.")
@click.option("--json", "as_json", is_flag=True, help="Differences as a JSON list, for programs.")
def verify(*, file: Path, context: str | None, to: str | None, as_json: bool, **source: Any) -> None:
    """Compare FILE with a registry (--registry) or its topic (--bootstrap-uri), and list what differs.

    Compared are subjects, versions, ids, schemas with references, metadata and rules, soft deletions, configs and
    modes; times are not.

    Exit codes: 0 equal, 1 different, 2 could not be told.
    """
    backup = context_alone(archive_state(file), context, to)
    registry = state_of(source, ProgressBar())
    if context is not None:
        registry = in_context(registry, to or context, to or context)
    found = list(differences(backup, registry))
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found], indent=2))
    else:
        for each in found:
            click.echo(str(each))
        click.echo(f"{len(found)} differences" if found else "Equal", err=bool(found))
    if found:
        sys.exit(1)

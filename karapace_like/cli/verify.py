"""`karapace-like verify`: compares a backup with a registry."""

import sys
from pathlib import Path
from typing import Any

import click

from karapace_like.backup.differences import find_differences
from karapace_like.backup.state import extract_context
from karapace_like.cli.backup_source import read_archive, read_state, select_context
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import registry_options
from karapace_like.cli.source_access import topic_options

_EXAMPLES = """\b
Examples:
  karapace-like verify registry.jsonl --registry http://localhost:8081
  karapace-like verify registry.jsonl --bootstrap-uri localhost:9092 --format json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@registry_options(required=False)
@topic_options
@click.option(
    "--context", help="Compare only this context of the backup, such as .eu; a dot means the default context."
)
@click.option("--as", "to", metavar="CONTEXT", help="With --context: its name in the registry.")
@format_option
def verify(*, file: Path, context: str | None, to: str | None, form: str, **source: Any) -> None:
    """Compare FILE with a registry (--registry) or its topic (--bootstrap-uri), and list the differences.

    The comparison covers subjects, versions, ids, schemas with references, metadata and rules, soft deletions, configs,
    modes and associations, but no times.

    Exit codes: 0 equal, 1 different, 2 error.
    """
    backup = select_context(read_archive(file), context, to)
    registry = read_state(source, ProgressBar(), {*backup.configs, *backup.modes})
    if context is not None:
        registry = extract_context(registry, to or context, to or context)
    differences = list(find_differences(backup, registry))
    print_value([difference._asdict() for difference in differences], "\n".join(map(str, differences)), form)
    if form == "text":
        click.echo(f"{len(differences)} differences" if differences else "Equal", err=bool(differences))
    if differences:
        sys.exit(1)

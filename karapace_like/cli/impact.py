"""`karapace-like impact`: who would be affected by schemas in files."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from karapace_like.cli.outcome import failures_told, open_paths, paths_argument, settings_option
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.impact import Impact
from karapace_like.tooling.impact import impact as impact_of
from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like impact schemas/address.avsc --registry http://localhost:8081
"""


@click.command(epilog=_EXAMPLES)
@paths_argument
@registry_options(required=True)
@settings_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def impact(
    *, paths: Sequence[Path], settings: Path | None, as_json: bool, registry: str, **credentials: str | None
) -> None:
    """Tell which versions and which other subjects of a registry schemas in files would break.

    PATHS are files or folders; all below the current folder if none is named. Every registered version of their
    subjects is looked at, and the latest version of every subject that refers to one of them, near or far, as if it
    referred to the file instead.

    Exit codes: 0 nothing breaks at its level, 1 something does, 2 could not tell.
    """

    async def work(remote: Remote) -> list[Impact]:
        chosen = opened.workspace.selected(opened.paths, referring=False)
        return [await impact_of(remote, subject, opened.workspace.link(file)) for subject, file in chosen]

    with failures_told():
        opened = open_paths(paths, settings)
        try:
            found = ask_registry(work, registry, credentials)
        except InvalidSchemaError as error:
            raise ToolError(f"One of the schemas cannot be read: {error}") from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo("\n".join(each.text() for each in found), nl=False)
    sys.exit(1 if any(each.breaks for each in found) else 0)

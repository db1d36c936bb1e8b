"""`karapace-like impact`: the registered versions and subjects that schema files would break."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import open_paths, paths_argument, report_failures, settings_option
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.impact import Impact, assess_impact
from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like impact schemas/address.avsc --registry http://localhost:8081
"""


@click.command(epilog=_EXAMPLES)
@paths_argument
@registry_options(required=True)
@settings_option
@format_option
def impact(
    *, paths: Sequence[Path], settings: Path | None, form: str, registry: str, **credentials: str | None
) -> None:
    """List the registered versions and subjects that schema files would break.

    PATHS are files or folders; by default, the current folder. Each file is compared with every registered version of
    its subject. The latest version of each subject that refers to one of these, directly or indirectly, is checked as
    if it referred to the file instead.

    Exit codes: 0 nothing breaks at its level, 1 something breaks, 2 error.
    """

    async def work(remote: Remote) -> list[Impact]:
        chosen = opened.workspace.select(opened.paths, referring=False)
        return [await assess_impact(remote, subject, opened.workspace.link(file)) for subject, file in chosen]

    with report_failures():
        opened = open_paths(paths, settings)
        try:
            impacts = ask_registry(work, registry, credentials)
        except InvalidSchemaError as error:
            raise ToolError(f"One of the schemas cannot be read: {error}") from error
    print_value(impacts, "\n".join(assessed.text() for assessed in impacts).removesuffix("\n"), form)
    sys.exit(1 if any(assessed.breaks for assessed in impacts) else 0)

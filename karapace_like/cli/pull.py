"""`karapace-like pull`: the schemas and settings of a registry become files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.pulling import pull as pull_files
from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like pull schemas --registry http://localhost:8081
  karapace-like pull shop --subject 'shop.*' --registry https://registry.example.org
"""


@click.command(epilog=_EXAMPLES)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--subject",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Only matching subjects, without the global settings. May be repeated.",
)
@registry_options(required=True)
@format_option
def pull(*, folder: Path, patterns: Sequence[str], form: str, registry: str, **credentials: str | None) -> None:
    """Write the schemas and settings of a registry to FOLDER, which is new or empty.

    Each subject becomes a file with its latest schema, at the place where other schemas expect it; levels, modes,
    metadata, rules and other settings go to karapace-like.toml. Earlier versions that a schema refers to go to the
    folder `versions`. `plan` in the folder shows no changes afterwards.

    Exit codes: 0 written, 1 written in part, 2 error.
    """

    async def work(remote: Remote) -> tuple[Mapping[str, str], Sequence[str]]:
        return await pull_files(remote, patterns)

    with report_failures():
        _check_folder(folder)
        files, faults = ask_registry(work, registry, credentials)
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
    outcome = {"folder": str(folder), "files": list(files), "warnings": list(faults)}
    print_value(outcome, f"{len(files) - 1} schemas and karapace-like.toml written to {folder}", form)
    for fault in faults:
        click.echo(f"Warning: {fault}", err=True)
    if faults:
        raise click.exceptions.Exit(1)


def _check_folder(folder: Path) -> None:
    if folder.exists() and any(path.name != ".git" for path in folder.iterdir()):
        raise ToolError(f"{folder} is not empty. Name a new folder: files of another state would mix with these.")

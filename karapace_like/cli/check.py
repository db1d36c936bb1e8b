"""`karapace-like check`: whether the schemas in files may follow the versions before them."""

from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import failures_told, finish, output_option, paths_argument, settings_option
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.tooling.checking import Judge
from karapace_like.tooling.opening import open_baseline, open_workspace

_EXAMPLES = """\b
Examples:
  karapace-like check --against origin/main
  karapace-like check schemas/orders.avsc --against HEAD --level FULL
  karapace-like check new/ --against old/ --format github
"""


@click.command(epilog=_EXAMPLES)
@paths_argument
@click.option("--against", metavar="FOLDER|REVISION", help="What to compare with: a folder, or a Git revision.")
@click.option(
    "--level",
    type=click.Choice([each.value for each in CompatibilityLevel], case_sensitive=False),
    help="Compatibility level for all subjects.  [default: the settings file's, else BACKWARD]",
)
@settings_option
@output_option
def check(
    *,
    paths: Sequence[Path],
    against: str | None,
    level: str | None,
    settings: Path | None,
    outputs: Sequence[tuple[str, str | None]],
) -> None:
    """Check that schemas in files are compatible with the versions before them.

    PATHS are .avsc, .json and .proto files, or folders of them; all below the current folder if none is named. What
    they refer to is found among the files. A file's subject is its name without the suffix, unless
    karapace-like.toml says otherwise.

    Exit codes: 0 compatible, 1 incompatible, 2 could not tell.
    """
    if against is None:
        raise click.UsageError("Say what to compare with: --against FOLDER or --against REVISION (origin/main).")
    with failures_told():
        opened = open_workspace(paths, settings, against)
        judge = Judge(opened.workspace, open_baseline(opened, against), CompatibilityLevel(level) if level else None)
        finish(judge.report(opened.paths).below(opened.shown_root), outputs)

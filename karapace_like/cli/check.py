"""`karapace-like check`: whether the schemas in files may follow the versions before them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from karapace_like.cli.outcome import (
    failures_told,
    finish,
    open_paths,
    output_option,
    paths_argument,
    settings_option,
)
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.tooling.baselines import Baseline
from karapace_like.tooling.checking import Judge
from karapace_like.tooling.opening import Opened, open_baseline

if TYPE_CHECKING:
    from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like check --against origin/main
  karapace-like check --registry https://registry.example.org
  karapace-like check schemas/orders.avsc --against HEAD --level FULL
  karapace-like check new/ --against old/ --format github
"""


@click.command(epilog=_EXAMPLES)
@paths_argument
@click.option("--against", metavar="FOLDER|REVISION", help="What to compare with: a folder, or a Git revision.")
@click.option(
    "--level",
    type=click.Choice([each.value for each in CompatibilityLevel], case_sensitive=False),
    help="Compatibility level for all subjects.  [default: the settings file's, else the registry's, else BACKWARD]",
)
@registry_options(required=False)
@settings_option
@output_option
def check(
    *,
    paths: Sequence[Path],
    against: str | None,
    level: str | None,
    settings: Path | None,
    outputs: Sequence[tuple[str, str | None]],
    registry: str | None,
    **credentials: str | None,
) -> None:
    """Check that schemas in files are compatible with the versions before them.

    PATHS are .avsc, .json and .proto files, or folders of them; all below the current folder if none is named. What
    they refer to is found among the files. A file's subject is its name without the suffix, unless
    karapace-like.toml says otherwise.

    They are compared with the same subjects in another folder or in a Git revision (--against), or with those that a
    registry has (--registry), by the registry's own rules.

    Exit codes: 0 compatible, 1 incompatible, 2 could not tell.
    """
    said = click.get_current_context().get_parameter_source("registry")
    if against is not None and said is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("Compare with one thing at a time: leave out --against or --registry.")
    if against is None and registry is None:
        raise click.UsageError(
            "Say what to compare with: --against FOLDER, --against REVISION (origin/main), or --registry URL."
        )
    all_levels = CompatibilityLevel(level.upper()) if level else None
    with failures_told():
        opened = open_paths(paths, settings, against)

        def level_of(subject: str) -> CompatibilityLevel | None:
            return all_levels or opened.workspace.project.level(subject)

        baseline = (
            open_baseline(opened, against)
            if against is not None
            else _of_registry(opened, level_of, str(registry), credentials)
        )
        judge = Judge(opened.workspace, baseline, level_of)
        finish(judge.report(opened.paths).below(opened.shown_root), outputs)


def _of_registry(
    opened: Opened,
    level_of: Callable[[str], CompatibilityLevel | None],
    registry: str,
    credentials: Mapping[str, str | None],
) -> Baseline:
    async def read(remote: "Remote") -> Baseline:
        from karapace_like.tooling.remote import registry_baseline  # noqa: PLC0415 - brings an HTTP client

        subjects = [subject for subject, _ in opened.workspace.selected(opened.paths)]
        return await registry_baseline(remote, subjects, level_of)

    return ask_registry(read, registry, credentials)

"""`karapace-like check`: the compatibility of schema files with earlier versions."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from karapace_like.cli.outcome import (
    finish,
    open_paths,
    output_option,
    paths_argument,
    report_failures,
    settings_option,
)
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.schema.changes import ChangeCategory
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.tooling.baselines import Baseline
from karapace_like.tooling.checking import Judge
from karapace_like.tooling.opening import Opened, open_baseline
from karapace_like.tooling.removals import find_removals
from karapace_like.tooling.report import Severity

if TYPE_CHECKING:
    from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like check --against origin/main
  karapace-like check --registry https://registry.example.org
  karapace-like check schemas/orders.avsc --against HEAD --level FULL
  karapace-like check --against https://github.com/acme/schemas.git#main --deleted error
  karapace-like check --against origin/main --use json
  karapace-like check new/ --against old/ --format github
"""


@click.command(epilog=_EXAMPLES)
@paths_argument
@click.option(
    "--against",
    metavar="PLACE",
    help="Folder, Git revision, archive (.tar.gz, .zip, ...) or URL#REVISION of a Git repository to compare with.",
)
@click.option(
    "--deleted",
    type=click.Choice(["error", "warning", "ignore"]),
    help="Severity of schemas that --against has and the files have not, under this subject or at all.  "
    "[default: from the settings file, or warning]",
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in CompatibilityLevel], case_sensitive=False),
    help="Compatibility level of all subjects.  [default: from the settings file, the registry, or BACKWARD]",
)
@click.option(
    "--use",
    "category",
    type=click.Choice([category.value for category in ChangeCategory]),
    help="What changes of Protobuf schemas keep beyond the registry's rules: the meaning of bytes (wire), of JSON, too "
    "(json), and the source code that uses them (source).  [default: from the settings file, or nothing]",
)
@registry_options(required=False)
@settings_option
@output_option
def check(
    *,
    paths: Sequence[Path],
    against: str | None,
    deleted: str | None,
    level: str | None,
    category: str | None,
    settings: Path | None,
    outputs: Sequence[tuple[str, str | None]],
    registry: str | None,
    **credentials: str | None,
) -> None:
    """Check schema files for compatibility with earlier versions.

    PATHS are .avsc, .json and .proto files, or folders of them; by default, the current folder. References between
    files are resolved. The subject of a file is its name without the suffix, unless karapace-like.toml sets another.

    The earlier versions come from another folder, a Git revision, here or elsewhere, or an archive (--against), or from
    a registry (--registry). The rules are those of the registry, and those of the category that --use names.

    Exit codes: 0 compatible, 1 incompatible, 2 error.
    """
    origin = click.get_current_context().get_parameter_source("registry")
    if against is not None and origin is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--against and --registry exclude each other: leave one of them out.")
    if against is None and registry is None:
        raise click.UsageError(
            "Name the earlier versions: --against FOLDER, --against REVISION (such as origin/main), --against ARCHIVE, "
            "--against URL#REVISION or --registry URL."
        )
    all_levels = CompatibilityLevel(level.upper()) if level else None
    with report_failures():
        opened = open_paths(paths, settings, against)
        use = ChangeCategory(category) if category else opened.workspace.project.check.use

        def level_of(subject: str) -> CompatibilityLevel | None:
            return all_levels or opened.workspace.project.level(subject)

        if against is None:
            versions = _read_registry(opened, level_of, str(registry), credentials)
            judge = Judge(opened.workspace, versions, level_of, category=use)
        else:
            files = open_baseline(opened, against)
            if not files.workspace.subjects:
                click.echo(f"Note: {files.name} has no schemas: every schema here is new, and passes.", err=True)
            removals = find_removals(files.workspace, opened.workspace)
            severity = deleted or opened.workspace.project.deleted
            reported = None if severity == "ignore" else Severity(severity)
            judge = Judge(opened.workspace, files, level_of, removals, reported, use)
        finish(judge.check_paths(opened.paths).below(opened.shown_root), outputs)


def _read_registry(
    opened: Opened,
    level_of: Callable[[str], CompatibilityLevel | None],
    registry: str,
    credentials: Mapping[str, str | None],
) -> Baseline:
    async def read(remote: "Remote") -> Baseline:
        from karapace_like.tooling.remote import read_registry_baseline  # noqa: PLC0415 - brings an HTTP client

        subjects = [subject for subject, _ in opened.workspace.select(opened.paths)]
        return await read_registry_baseline(remote, subjects, level_of)

    return ask_registry(read, registry, credentials)

"""`karapace-like plan`: the changes that bring a registry to the state of a folder; `apply` makes them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from karapace_like.cli.outcome import open_paths, report_failures, settings_option
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, open_registry, registry_options
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.opening import Opened
from karapace_like.tooling.planning import Plan, Planner
from karapace_like.tooling.pulling import read_promotion
from karapace_like.tooling.remote import Remote
from karapace_like.tooling.rendering import render
from karapace_like.tooling.report import Report, Verdict

C = TypeVar("C", bound=Callable[..., object])

_EXAMPLES = """\b
Examples:
  karapace-like plan --registry http://localhost:8081
  karapace-like plan --registry http://localhost:8081 --delete 'shop.*' --out plan.json
  karapace-like plan --from staging --to prod --subject 'shop.*'
"""


def folder_options(command: C) -> C:
    """Add the options that `plan` and `apply` share, so that both make the same plan."""
    for option in (
        click.option(
            "--delete",
            "delete",
            multiple=True,
            metavar="PATTERN",
            help="Delete matching subjects without a file, and unset their settings. May be repeated.",
        ),
        click.option(
            "--from",
            "source",
            metavar="URL|PROFILE",
            help="Take the schemas and levels of another registry instead of those of FOLDER: a promotion.",
        ),
        click.option(
            "--subject",
            "patterns",
            multiple=True,
            metavar="PATTERN",
            help="With --from: only matching subjects. May be repeated.",
        ),
        settings_option,
        registry_options(required=True, names=("--registry", "--to")),
        click.argument(
            "folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
        ),
    ):
        command = option(command)
    return command


@click.command(epilog=_EXAMPLES)
@folder_options
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to save the plan in, for `apply --plan`."
)
@format_option
@click.option("--fail-on-changes", is_flag=True, help="Exit with 1 if the registry is not in that state; finds drift.")
def plan(
    *,
    folder: Path,
    source: str | None,
    patterns: Sequence[str],
    settings: Path | None,
    delete: Sequence[str],
    out: Path | None,
    form: str,
    fail_on_changes: bool,
    registry: str,
    **credentials: str | None,
) -> None:
    """Show the changes that `apply` would make to bring a registry to the state that FOLDER describes.

    The schemas of the folder are registered as the latest versions of their subjects; a schema that an earlier version
    has already is listed, since only a deletion of the later ones rolls back to it. Levels and modes come from
    karapace-like.toml, and topic policies from its [policies]. Other subjects stay as they are, unless --delete matches
    them; so do other policies, which it matches by their names where there is a [policies]. For a folder below that of
    karapace-like.toml, the plan covers only its schemas and their references.

    Exit codes: 0 the plan can be applied, 1 a schema is incompatible, 2 error.
    """
    with report_failures():
        opened = open_state(folder, settings, source, patterns, registry, credentials)
        planned, report = make_plan(opened, delete, registry, credentials)
        print_plan(planned, report.below(opened.shown_root), form)
        if report.exit_code:
            sys.exit(report.exit_code)
        if out is not None:
            _save(out, planned)
    if fail_on_changes and planned.finds_drift:
        sys.exit(1)


def print_plan(planned: Plan, report: Report, form: str) -> None:
    """Print the problems that prevent the changes, if there are any, and then the changes."""
    problems = [case for case in report.cases if case.verdict is not Verdict.PASSED]
    text = planned.text().removesuffix("\n")
    if problems:
        text = f"{render(report, 'text')}\nWithout these problems, the plan is:\n{text}"
    print_value({"problems": problems, **msgspec.to_builtins(planned)}, text, form)


def open_state(
    folder: Path,
    settings: Path | None,
    source: str | None,
    patterns: Sequence[str],
    registry: str,
    credentials: Mapping[str, str | None],
) -> Opened:
    """Return the state to bring the registry to: of the folder, or of a source registry; raises ToolError."""
    if source is None:
        if patterns:
            raise click.UsageError("--subject needs --from: a folder is limited by naming a folder below it.")
        return open_paths([folder], settings)

    async def work(target: Remote) -> Opened:
        async with open_registry(source, credentials) as remote:
            return Opened(Path.cwd(), await read_promotion(remote, target, patterns), [])

    return ask_registry(work, registry, credentials)


def make_plan(
    opened: Opened, delete: Sequence[str], registry: str, credentials: Mapping[str, str | None]
) -> tuple[Plan, Report]:
    """Return the plan and the compatibility report of its schemas; raises ToolError."""

    async def work(remote: Remote) -> tuple[Plan, Report]:
        return await Planner(remote, opened.workspace).make_plan(opened.paths, delete)

    return ask_registry(work, registry, credentials)


def _save(out: Path, planned: Plan) -> None:
    try:
        out.write_text(planned.json(), encoding="utf-8")
    except OSError as error:
        raise ToolError(f"The plan cannot be saved as {out}: {error.strerror}.") from error

"""`karapace-like plan`: what would make a registry what a folder says; `apply` does it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

from karapace_like.cli.outcome import failures_told, finish, open_paths, settings_option
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.opening import Opened
from karapace_like.tooling.planning import Plan, Planner
from karapace_like.tooling.remote import Remote
from karapace_like.tooling.report import Report

C = TypeVar("C", bound=Callable[..., object])

_EXAMPLES = """\b
Examples:
  karapace-like plan --registry http://localhost:8081
  karapace-like plan --registry http://localhost:8081 --delete 'shop.*' --out plan.json
"""


def folder_options(command: C) -> C:
    """What `plan` and `apply` have in common, so that a plan is the same for both."""
    for option in (
        click.option(
            "--delete",
            "delete",
            multiple=True,
            metavar="PATTERN",
            help="Delete subjects that match and that no file has, and unset what no file sets. May be repeated.",
        ),
        settings_option,
        registry_options(required=True),
        click.argument(
            "folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
        ),
    ):
        command = option(command)
    return command


@click.command(epilog=_EXAMPLES)
@folder_options
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `apply --plan`.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--fail-on-changes", is_flag=True, help="Exit with 1 if there is anything to do: the registry drifted.")
def plan(
    *,
    folder: Path,
    settings: Path | None,
    delete: Sequence[str],
    out: Path | None,
    as_json: bool,
    fail_on_changes: bool,
    registry: str,
    **credentials: str | None,
) -> None:
    """Show what `apply` would do to make a registry what FOLDER says.

    The folder's schemas become the subjects' latest versions; levels and modes are those of karapace-like.toml. What
    the folder does not mention stays, unless --delete names it. Of a folder below that of karapace-like.toml, only its
    schemas and what they refer to are looked at.

    Exit codes: 0 it can be applied, 1 a schema is incompatible, 2 could not tell.
    """
    with failures_told():
        opened = open_paths([folder], settings)
        found, report = planned(opened, delete, registry, credentials)
        click.echo(found.json() if as_json else found.text(), nl=False)
        if report.exit_code:
            finish(report.below(opened.shown_root), ())
        if out is not None:
            _save(out, found)
    if fail_on_changes and found.actions:
        sys.exit(1)


def planned(
    opened: Opened, delete: Sequence[str], registry: str, credentials: Mapping[str, str | None]
) -> tuple[Plan, Report]:
    """The plan, and the verdict on the schemas in it; raises ToolError."""

    async def work(remote: Remote) -> tuple[Plan, Report]:
        return await Planner(remote, opened.workspace).whole(opened.paths, delete)

    return ask_registry(work, registry, credentials)


def _save(out: Path, found: Plan) -> None:
    try:
        out.write_text(found.json(), encoding="utf-8")
    except OSError as error:
        raise ToolError(f"The plan cannot be saved as {out}: {error.strerror}.") from error

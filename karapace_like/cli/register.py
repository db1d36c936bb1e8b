"""`karapace-like register`: schema files become versions in a registry."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import open_paths, paths_argument, report_failures, settings_option
from karapace_like.cli.plan import print_plan
from karapace_like.cli.printing import format_option, print_report, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.execution import Change, carry_out
from karapace_like.tooling.planning import Plan, Planner
from karapace_like.tooling.remote import Remote
from karapace_like.tooling.report import Report

_EXAMPLES = """\b
Examples:
  karapace-like register --registry http://localhost:8081 --dry-run
  karapace-like register schemas/orders.avsc --registry https://registry.example.org
"""


@click.command(epilog=_EXAMPLES)
@paths_argument
@registry_options(required=True)
@settings_option
@click.option("--dry-run", is_flag=True, help="Show the registrations without making them.")
@format_option
def register(
    *,
    paths: Sequence[Path],
    settings: Path | None,
    dry_run: bool,
    form: str,
    registry: str,
    **credentials: str | None,
) -> None:
    """Register schema files, after the files that they refer to.

    PATHS are files or folders; by default, the current folder. Schemas that are already registered are skipped. Nothing
    is registered if a schema breaks the compatibility level of its subject; the report is that of `check`.

    Exit codes: 0 registered, 1 a schema is incompatible, 2 error.
    """

    async def work(remote: Remote) -> Report:
        planner = Planner(remote, opened.workspace)
        subjects = [subject for subject, _ in opened.workspace.select(opened.paths)]
        actions, report = await planner.plan_schemas(subjects, lambda _: None)
        plan = Plan([*planner.list_repairs(), *actions])
        if report.exit_code == 0 and dry_run:
            print_plan(plan, report, form)
        elif report.exit_code == 0:
            made = await carry_out(remote, opened.workspace, plan, show)
            print_value(made, f"{len(actions)} registered, the rest already exists", form)
        return report

    def show(change: Change) -> None:
        if form == "text":
            click.echo(change.sentence)

    with report_failures():
        opened = open_paths(paths, settings)
        report = ask_registry(work, registry, credentials)
        if report.exit_code:
            print_report(report.below(opened.shown_root), form)
            sys.exit(report.exit_code)

"""`karapace-like apply`: brings a registry, and the topic policies of its service, to the state of a folder."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.confirmation import confirm
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.plan import folder_options, make_plan, open_state, print_plan
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.execution import Change, carry_out
from karapace_like.tooling.planning import read_plan
from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like apply --registry http://localhost:8081
  karapace-like apply --registry http://localhost:8081 --delete 'shop.*' --plan plan.json --yes
  karapace-like apply --from staging --to prod --subject 'shop.*'
"""


@click.command(epilog=_EXAMPLES)
@folder_options
@click.option(
    "--plan",
    "saved",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Apply this saved plan; fail without a change if it is out of date.",
)
@click.option("--move-keys", is_flag=True, help="Also change policies so that keys move to other partitions.")
@click.option("--yes", is_flag=True, help="Apply without confirmation.")
@click.option(
    "--parallel",
    type=click.IntRange(1, 32),
    default=1,
    show_default=True,
    help="Changes at a time. One that needs another one waits for it.",
)
@format_option
def apply(
    *,
    folder: Path,
    source: str | None,
    patterns: Sequence[str],
    settings: Path | None,
    delete: Sequence[str],
    saved: Path | None,
    move_keys: bool,
    yes: bool,
    parallel: int,
    form: str,
    registry: str,
    **credentials: str | None,
) -> None:
    """Bring a registry to the state that FOLDER describes, by the changes that `plan` shows.

    Changes are made in the order of the plan, and each is shown when it is made; JSON and YAML list them at the end.
    The first rejected change ends the command; a second run makes the rest.

    Exit codes: 0 applied, 1 a schema is incompatible and nothing was changed, 2 error.
    """
    with report_failures():
        opened = open_state(folder, settings, source, patterns, registry, credentials)
        plan, report = make_plan(opened, delete, registry, credentials)
        if report.exit_code:
            print_plan(plan, report.below(opened.shown_root), form)
            sys.exit(report.exit_code)
        if form == "text" and not (yes and plan.actions):  # with --yes, each change is shown once: when it is made
            click.echo(plan.text(), nl=False)
        for superseded in plan.superseded if form != "text" or (yes and plan.actions) else ():
            click.echo(superseded.sentence, err=True)
        if saved is not None and read_plan(saved.read_bytes(), str(saved)) != plan:
            raise ToolError(
                f"The plan {saved} is out of date: the files or the registry have changed, or --delete differs. "
                "Nothing was changed; make a new plan."
            )
        if plan.actions:
            confirm("Apply these changes?", yes=yes)

        def show(change: Change) -> None:
            if form == "text":
                click.echo(f"done: {change.sentence}")

        async def work(remote: Remote) -> list[Change]:
            return await carry_out(remote, opened.workspace, plan, show, parallel=parallel, moves_keys=move_keys)

        made = ask_registry(work, registry, credentials) if plan.actions else []
        print_value(made, "", form)

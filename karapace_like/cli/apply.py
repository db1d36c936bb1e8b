"""`karapace-like apply`: a folder as the desired state of a registry's subjects, levels and modes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import failures_told, finish, open_paths
from karapace_like.cli.plan import folder_options, planned
from karapace_like.cli.registry_access import ask_registry
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.planning import carry_out, read_plan
from karapace_like.tooling.remote import Remote

_EXAMPLES = """\b
Examples:
  karapace-like apply --registry http://localhost:8081
  karapace-like apply --registry http://localhost:8081 --delete 'shop.*' --plan plan.json --yes
"""


@click.command(epilog=_EXAMPLES)
@folder_options
@click.option(
    "--plan",
    "saved",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Do this saved plan or nothing: refuse if it is no longer what there is to do.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(
    *,
    folder: Path,
    settings: Path | None,
    delete: Sequence[str],
    saved: Path | None,
    yes: bool,
    registry: str,
    **credentials: str | None,
) -> None:
    """Make a registry what FOLDER says, by the changes that `plan` shows.

    They are done in the order shown. The first that is refused ends it; run again, it goes on where it stopped.

    Exit codes: 0 done, 1 a schema is incompatible and nothing was done, 2 could not tell, or the registry refused.
    """
    with failures_told():
        opened = open_paths([folder], settings)
        found, report = planned(opened, delete, registry, credentials)
        click.echo(found.text(), nl=False)
        if report.exit_code:
            finish(report.below(opened.shown_root), ())
        if saved is not None and read_plan(saved.read_bytes(), str(saved)) != found:
            raise ToolError(
                f"This is not what {saved} says: the files or the registry have changed since, or --delete differs. "
                "Nothing was done; make a new plan."
            )
        if not found.actions:
            return
        _ask(yes=yes)

        async def work(remote: Remote) -> None:
            await carry_out(remote, opened.workspace, found, lambda line: click.echo(f"done: {line}"))

        ask_registry(work, registry, credentials)


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ToolError("Nothing was done: there is nobody to ask. Add --yes to do it.")
    if not click.confirm("Do it?"):
        raise ToolError("Nothing was done.")

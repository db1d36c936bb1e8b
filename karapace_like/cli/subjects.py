"""`karapace-like subjects`: the subjects of a registry."""

import click

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.browsing import list_subjects

_EXAMPLES = """\b
Examples:
  karapace-like subjects --registry http://localhost:8081
  karapace-like subjects 'shop.*' --format json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("pattern", required=False)
@click.option("--deleted", is_flag=True, help="List soft-deleted subjects as well.")
@registry_options(required=True)
@format_option
def subjects(*, pattern: str | None, deleted: bool, form: str, registry: str, **credentials: str | None) -> None:
    """List the subjects of a registry, or those that match PATTERN (with * and ?).

    Exit codes: 0 listed, 2 error.
    """
    with report_failures():
        names = ask_registry(lambda remote: list_subjects(remote, pattern, deleted=deleted), registry, credentials)
    print_value(names, "\n".join(names), form)

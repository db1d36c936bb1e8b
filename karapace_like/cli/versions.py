"""`karapace-like versions`: the versions of a subject."""

import click

from karapace_like.cli.arguments import subject_argument
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.browsing import list_versions

_EXAMPLES = """\b
Examples:
  karapace-like versions orders --registry http://localhost:8081
  karapace-like versions orders --deleted --format yaml
"""


@click.command(epilog=_EXAMPLES)
@subject_argument
@click.option("--deleted", is_flag=True, help="List soft-deleted versions as well.")
@registry_options(required=True)
@format_option
def versions(*, subject: str, deleted: bool, form: str, registry: str, **credentials: str | None) -> None:
    """List the versions of SUBJECT.

    Exit codes: 0 listed, 2 error, such as an unknown subject.
    """
    with report_failures():
        numbers = ask_registry(lambda remote: list_versions(remote, subject, deleted=deleted), registry, credentials)
    print_value(numbers, "\n".join(map(str, numbers)), form)

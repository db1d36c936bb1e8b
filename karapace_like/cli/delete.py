"""`karapace-like delete`: removes versions from a registry."""

import click

from karapace_like.cli.arguments import subject_argument
from karapace_like.cli.confirmation import confirm
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.browsing import check_version, delete_versions

_EXAMPLES = """\b
Examples:
  karapace-like delete orders --version 3 --registry http://localhost:8081
  karapace-like delete orders --permanent --yes
"""


@click.command(epilog=_EXAMPLES)
@subject_argument
@click.option("--version", help="Version number, or `latest`.  [default: all versions]")
@click.option("--permanent", is_flag=True, help="Remove the versions for good, not only softly.")
@click.option("--yes", is_flag=True, help="Delete without confirmation.")
@registry_options(required=True)
@format_option
def delete(
    *,
    subject: str,
    version: str | None,
    permanent: bool,
    yes: bool,
    form: str,
    registry: str,
    **credentials: str | None,
) -> None:
    """Delete SUBJECT or one of its versions. A soft deletion keeps the ids readable.

    Exit codes: 0 deleted, 2 error, such as a version that others refer to.
    """
    with report_failures():
        number = None if version is None else check_version(version)
        what = subject if number is None else f"version {number} of {subject}"
        confirm(f"Delete {what}{' for good' if permanent else ''}?", yes=yes)
        numbers = ask_registry(
            lambda remote: delete_versions(remote, subject, number, permanently=permanent), registry, credentials
        )
    print_value(numbers, f"Deleted version {', '.join(map(str, numbers))} of {subject}", form)

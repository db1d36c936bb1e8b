"""`karapace-like show`: a schema in a registry."""

import click

from karapace_like.cli.arguments import subject_argument
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.browsing import check_version, fetch_registration, show_text

_EXAMPLES = """\b
Examples:
  karapace-like show orders --registry http://localhost:8081
  karapace-like show orders --version 3 --format json
"""


@click.command(epilog=_EXAMPLES)
@subject_argument
@click.option("--version", default="latest", show_default=True, help="Version number, or `latest`.")
@registry_options(required=True)
@format_option
def show(*, subject: str, version: str, form: str, registry: str, **credentials: str | None) -> None:
    """Show the schema of SUBJECT; JSON and YAML have its id, version, references, metadata and rules as well.

    Exit codes: 0 shown, 2 error, such as an unknown subject.
    """
    with report_failures():
        number = check_version(version)
        registration = ask_registry(lambda remote: fetch_registration(remote, subject, number), registry, credentials)
    print_value(registration, show_text(registration), form)

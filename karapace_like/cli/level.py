"""`karapace-like level`: the compatibility level of a subject, or the global one."""

import click

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.settings import LEVEL, read_setting, write_setting

_EXAMPLES = """\b
Examples:
  karapace-like level orders --registry http://localhost:8081
  karapace-like level orders --set FULL
  karapace-like level orders --unset
"""


@click.command(epilog=_EXAMPLES)
@click.argument("subject", required=False)
@click.option("--set", "value", metavar="VALUE", type=click.Choice(LEVEL.choices, case_sensitive=False), help="Set it.")
@click.option("--unset", is_flag=True, help="Remove the subject's own, so that the global one applies.")
@registry_options(required=True)
@format_option
def level(
    *, subject: str | None, value: str | None, unset: bool, form: str, registry: str, **credentials: str | None
) -> None:
    """Show, set or unset the compatibility level of SUBJECT; without SUBJECT, the global one.

    Exit codes: 0 shown or set, 2 error.
    """
    if value is not None and unset:
        raise click.UsageError("--set and --unset exclude each other: leave one of them out.")
    with report_failures():
        if value is not None or unset:
            ask_registry(lambda remote: write_setting(remote, LEVEL, subject, value), registry, credentials)
        setting = ask_registry(lambda remote: read_setting(remote, LEVEL, subject), registry, credentials)
    print_value(setting, setting.sentence, form)

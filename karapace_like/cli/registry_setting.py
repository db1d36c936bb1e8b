"""The commands on one setting of a registry, `level` and `mode`, which differ in the setting only."""

import click

from karapace_like.cli.arguments import NON_EMPTY
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.settings import SettingKind, read_setting, write_setting

_EXAMPLES = """\b
Examples:
  karapace-like {command} orders --registry http://localhost:8081
  karapace-like {command} orders --set {value}
  karapace-like {command} orders --unset
"""
_HELP = """Show, set or unset the {title} of SUBJECT; without SUBJECT, the global one.

Exit codes: 0 shown or set, 2 error.
"""


def make_setting_command(kind: SettingKind, command: str, title: str, example: str) -> click.Command:
    """Return the command that shows and changes a setting; `example` is one of its values."""

    @click.command(
        command,
        help=_HELP.format(title=title),
        epilog=_EXAMPLES.format(command=command, value=example),
    )
    @click.argument("subject", required=False, type=NON_EMPTY)
    @click.option(
        "--set", "value", metavar="VALUE", type=click.Choice(kind.choices, case_sensitive=False), help="Set it."
    )
    @click.option("--unset", is_flag=True, help="Remove the subject's own, so that the global one applies.")
    @registry_options(required=True)
    @format_option
    def change_setting(
        *, subject: str | None, value: str | None, unset: bool, form: str, registry: str, **credentials: str | None
    ) -> None:
        if value is not None and unset:
            raise click.UsageError("--set and --unset exclude each other: leave one of them out.")
        with report_failures():
            if value is not None or unset:
                ask_registry(lambda remote: write_setting(remote, kind, subject, value), registry, credentials)
            setting = ask_registry(lambda remote: read_setting(remote, kind, subject), registry, credentials)
        print_value(setting, setting.sentence, form)

    return change_setting

"""`karapace-like tail`: the records that arrive in a topic."""

import click

from karapace_like.cli.printing import format_option
from karapace_like.cli.record_reading import reading_options, show_records
from karapace_like.cli.registry_access import proxy_options
from karapace_like.tooling.topics import Selection

_EXAMPLES = """\b
Examples:
  karapace-like tail orders --proxy http://localhost:8082
  karapace-like tail orders --last 10 --count 20 --format json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("topic")
@click.option(
    "--last", type=click.IntRange(min=0), default=0, help="Begin with so many earlier records of each partition."
)
@reading_options
@proxy_options
@format_option
def tail(
    *,
    topic: str,
    last: int,
    count: int | None,
    partition: int | None,
    key_format: str | None,
    value_format: str,
    form: str,
    proxy: str,
    **credentials: str | None,
) -> None:
    """Show the records that arrive in TOPIC, read through a REST proxy, until Ctrl-C or --count.

    Exit codes: 0 ended by --count, 2 error, 130 ended by Ctrl-C.
    """
    selection = Selection(partition, last=last, follows=True)
    show_records(topic, selection, (key_format, value_format), count, form, proxy, credentials)

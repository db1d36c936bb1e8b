"""`karapace-like consume`: the records that a topic has."""

import click

from karapace_like.cli.printing import format_option
from karapace_like.cli.record_reading import reading_options, show_records
from karapace_like.cli.registry_access import proxy_options
from karapace_like.tooling.topics import Selection

_EXAMPLES = """\b
Examples:
  karapace-like consume orders --proxy http://localhost:8082
  karapace-like consume orders --partition 0 --offset 120 --value-format avro --format json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("topic")
@click.option(
    "--offset", type=click.IntRange(min=0), help="First offset of each partition.  [default: the first record]"
)
@reading_options
@proxy_options
@format_option
def consume(
    *,
    topic: str,
    offset: int | None,
    count: int | None,
    partition: int | None,
    key_format: str | None,
    value_format: str,
    form: str,
    proxy: str,
    **credentials: str | None,
) -> None:
    """Show the records that TOPIC has now, read through a REST proxy: partition, offset, key and value.

    Nothing is committed. JSON has one record a line.

    Exit codes: 0 shown, 2 error.
    """
    selection = Selection(partition, offset)
    show_records(topic, selection, (key_format, value_format), count, form, proxy, credentials)

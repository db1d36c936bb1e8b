"""`karapace-like tail`: the records that arrive in a topic."""

import click

from karapace_like.cli.arguments import topic_argument
from karapace_like.cli.record_reading import Reading, reading_options, show_records
from karapace_like.tooling.topics import Selection

_EXAMPLES = """\b
Examples:
  karapace-like tail orders --proxy http://localhost:8082
  karapace-like tail orders --last 10 --count 20 --format json
"""


@click.command(epilog=_EXAMPLES)
@topic_argument
@click.option(
    "--last", type=click.IntRange(min=0), default=0, help="Begin with so many earlier records of each partition."
)
@reading_options
def tail(*, topic: str, last: int, reading: Reading) -> None:
    """Show the records that arrive in TOPIC, read through a REST proxy or from Kafka, until Ctrl-C or --count.

    Exit codes: 0 ended by --count, 2 error, 130 ended by Ctrl-C.
    """
    show_records(topic, Selection(reading.partition, last=last, follows=True), reading)

"""`karapace-like consume`: the records that a topic has."""

import click

from karapace_like.cli.arguments import topic_argument
from karapace_like.cli.record_reading import Reading, reading_options, show_records
from karapace_like.tooling.topics import Selection

_EXAMPLES = """\b
Examples:
  karapace-like consume orders --proxy http://localhost:8082
  karapace-like consume orders --partition 0 --offset 120 --value-format avro --format json
  karapace-like consume orders --bootstrap-servers kafka-1:9092 --registry http://registry:8081
"""


@click.command(epilog=_EXAMPLES)
@topic_argument
@click.option(
    "--offset", type=click.IntRange(min=0), help="First offset of each partition.  [default: the first record]"
)
@reading_options
def consume(*, topic: str, offset: int | None, reading: Reading) -> None:
    """Show the records that TOPIC has now, read through a REST proxy or from Kafka: partition, offset, key and value.

    Nothing is committed. JSON has one record a line.

    Exit codes: 0 shown, 2 error.
    """
    show_records(topic, Selection(reading.partition, offset), reading)

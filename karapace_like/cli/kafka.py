"""`karapace-like kafka`: the embedded Kafka in the foreground."""

import signal
from contextlib import suppress
from pathlib import Path

import click

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster, default_data_folder

_EXAMPLES = """\b
Examples:
  karapace-like kafka --ephemeral
  karapace-like kafka --brokers 3 --port 9092 --data /var/tmp/kafka
"""


@click.command(epilog=_EXAMPLES)
@click.option("--brokers", type=click.IntRange(min=1), default=1, show_default=True, help="How many, in one cluster.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Of the first broker, the others follow.  [default: free ones]"
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder to keep the data in.  [default: ~/.local/state/karapace-like/kafka]",
)
@click.option("--ephemeral", is_flag=True, help="Keep no data.")
def kafka(*, brokers: int, port: int | None, data: Path | None, ephemeral: bool) -> None:
    """Run a real Apache Kafka for trials and tests, until Ctrl-C.

    Prints `host:port,...` to standard output when it is ready to use, and progress to standard error. Takes
    Kafka from KAFKA_HOME, or fetches it once by Maven; needs Java 17 or newer.

    Exit codes: 0 ended by a signal, 1 could not start or was stopped by a failure, 2 wrong options.
    """
    if ephemeral and data:
        raise click.UsageError("--ephemeral keeps no data: leave out --data.")
    # Both signals interrupt whatever is under way, be it Maven, and the broker is ended on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        try:
            with Cluster(
                brokers=brokers,
                port=port,
                data=None if ephemeral else data or default_data_folder(),
                progress=lambda line: click.echo(line, err=True),
            ) as cluster:
                click.echo(cluster.bootstrap_servers)
                cluster.watch()
        except BrokerError as exc:
            raise click.ClickException(str(exc)) from exc

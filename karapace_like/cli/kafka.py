"""`karapace-like kafka`: the embedded Kafka in the foreground."""

import signal
from contextlib import suppress
from pathlib import Path

import click

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster, default_data_folder
from karapace_like.process.file_modes import keep_files_private

_EXAMPLES = """\b
Examples:
  karapace-like kafka --ephemeral
  karapace-like kafka --brokers 3 --port 9092 --data /var/tmp/kafka
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--brokers", type=click.IntRange(min=1), default=1, show_default=True, help="Number of brokers in the cluster."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the first broker; the others use the next ones.  [default: free ports]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of the data.  [default: ~/.local/state/karapace-like/kafka]",
)
@click.option("--ephemeral", is_flag=True, help="Delete the data at the end.")
def kafka(*, brokers: int, port: int | None, data: Path | None, ephemeral: bool) -> None:
    """Run an embedded Apache Kafka for trials and tests, until Ctrl-C.

    The command prints `host:port,...` to standard output when the brokers are ready, and progress to standard error.
    Kafka comes from KAFKA_HOME, or once from Maven. Java 17 or newer is needed.

    Exit codes: 0 ended by a signal, 1 failed, 2 wrong options.
    """
    if ephemeral and data:
        raise click.UsageError("--ephemeral and --data exclude each other: leave one of them out.")
    keep_files_private()
    # Both signals interrupt the current step, such as Maven; leaving the block then ends the brokers.
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

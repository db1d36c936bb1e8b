"""`karapace-like serve`: the registry and the REST proxy."""

import os
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import click

from karapace_like import config
from karapace_like.cli.outcome import CannotTellError
from karapace_like.config import ConfigError
from karapace_like.errors import KafkaFailure
from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster, default_data_folder
from karapace_like.workers.errors import WorkerFailedError

_EXAMPLES = """\b
Examples:
  karapace-like serve --dev
  karapace-like serve --bootstrap-uri kafka-1:9092,kafka-2:9092 --port 8081
  KARAPACE_LOG_LEVEL=WARNING karapace-like serve /etc/karapace.config.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dev", is_flag=True, help="Start an embedded Kafka beside it.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_data_folder,
    help="With --dev: folder of Kafka's data.  [default: ~/.local/state/karapace-like/kafka]",
)
@click.option("--ephemeral", is_flag=True, help="With --dev: keep no data.")
@click.option("--bootstrap-uri", help="Kafka's brokers: host:port,...")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The only port to listen on.  [default: 8081 and 8082]")
@click.option("--listeners", help="http://host:port,... instead of host and port.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that serve as one node.  [default: 1]")
@click.option("--log-level", type=click.Choice([each.value for each in config.LogLevel]), help="What is logged.")
def serve(*, file: Path | None, dev: bool, data: Path, ephemeral: bool, **flags: object) -> None:
    """Serve the schema registry and the Kafka REST proxy until Ctrl-C.

    Settings come from the JSON FILE, then from KARAPACE_* in the environment, then from these options;
    docs/configuration.md lists them.

    Exit codes: 0 ended by a signal, 1 could not start or was stopped by a failure, 2 wrong options or settings.
    """
    with ExitStack() as stack:
        try:
            if dev:
                kafka = Cluster(data=None if ephemeral else data, progress=_progress)
                flags["bootstrap_uri"] = stack.enter_context(kafka).bootstrap_servers
            settings, unknown = config.load(file=file, environment=os.environ, flags=flags)
            for name in unknown:
                _progress(f"Ignoring the setting {name}: it is not known")
            # A supervisor needs none of the modules that serve, and their memory.
            server = import_module(
                "karapace_like.workers.supervisor" if settings.workers > 1 else "karapace_like.serve"
            )
            server.run(settings, _progress)
        except ConfigError as error:
            raise CannotTellError(str(error)) from error
        except (BrokerError, WorkerFailedError) as error:
            raise click.ClickException(str(error)) from error
        except KafkaFailure as error:
            raise click.ClickException(error.message) from error
        except OSError as error:
            raise click.ClickException(f"Cannot listen: {error.strerror or error}") from error


def _progress(line: str) -> None:
    click.echo(line, err=True)

"""`karapace-like serve`: the registry and the REST proxy."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import click

from karapace_like import config
from karapace_like.background import BackgroundTaskError
from karapace_like.cli.failures import CannotTellError, find_failure
from karapace_like.config import ConfigError, Settings
from karapace_like.config.files import check_files
from karapace_like.config.warnings import find_warnings
from karapace_like.errors import KafkaFailure
from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster, default_data_folder
from karapace_like.process import logs
from karapace_like.process.file_modes import keep_files_private
from karapace_like.serve.listeners import ListenError, open_listeners
from karapace_like.workers.errors import WorkerFailedError

_EXAMPLES = """\b
Examples:
  karapace-like serve --dev
  karapace-like serve --bootstrap-uri kafka-1:9092,kafka-2:9092 --port 8081
  KARAPACE_LOG_LEVEL=WARNING karapace-like serve /etc/karapace.config.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dev", is_flag=True, help="Start an embedded Kafka as well.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --dev: folder of the embedded Kafka's data.  [default: ~/.local/state/karapace-like/kafka]",
)
@click.option("--ephemeral", is_flag=True, help="With --dev: delete the data at the end.")
@click.option("--bootstrap-uri", help="Kafka brokers: host:port,...")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The only port to listen on.  [default: 8081 and 8082]")
@click.option("--listeners", help="Addresses to listen on, instead of host and port: http://host:port,...")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes of this node.  [default: 1]")
@click.option(
    "--log-level",
    type=click.Choice([level.value for level in config.LogLevel]),
    help="Lowest level that is logged.  [default: INFO]",
)
def serve(*, file: Path | None, dev: bool, data: Path | None, ephemeral: bool, **flags: object) -> None:
    """Serve the schema registry and the Kafka REST proxy until Ctrl-C.

    Settings come from the JSON file FILE, then from KARAPACE_* in the environment, then from these options; a later one
    wins. `karapace-like config list` shows all settings.

    Exit codes: 0 ended by a signal, 1 failed, 2 wrong options or settings.
    """
    keep_files_private()
    _check_embedded_kafka(dev=dev, data=data, ephemeral=ephemeral, bootstrap_uri=flags["bootstrap_uri"])
    with _log_failure(), ExitStack() as stack:
        try:
            settings = _load_settings(file, flags)
            # Opened before Kafka is started, so that an address in use ends the start at once.
            sockets = open_listeners(settings.addresses)
            for listening in sockets:
                stack.callback(listening.socket.close)
            folder = None
            if dev:
                folder = None if ephemeral else data or default_data_folder()
                kafka = stack.enter_context(Cluster(data=folder, progress=logs.announce))
                settings = replace(settings, bootstrap_uri=kafka.bootstrap_servers)
            # The supervisor does without the memory of the modules that serve.
            server = import_module(
                "karapace_like.workers.supervisor" if settings.workers > 1 else "karapace_like.serve.process"
            )
            server.run(settings, sockets, logs.announce, folder)
        except ConfigError as error:
            raise CannotTellError(str(error)) from error
        except (BackgroundTaskError, BrokerError, ListenError, WorkerFailedError) as error:
            raise click.ClickException(str(error)) from error
        except KafkaFailure as error:
            raise click.ClickException(error.message) from error


def _check_embedded_kafka(*, dev: bool, data: Path | None, ephemeral: bool, bootstrap_uri: object) -> None:
    """Raise UsageError for options of the embedded Kafka that contradict each other."""
    if dev and bootstrap_uri is not None:
        raise click.UsageError(
            "--dev and --bootstrap-uri exclude each other: --dev starts a Kafka of its own. Leave one of them out."
        )
    if data is not None and ephemeral:
        raise click.UsageError("--data and --ephemeral exclude each other: leave one of them out.")
    for option, is_set in (("--data", data is not None), ("--ephemeral", ephemeral)):
        if is_set and not dev:
            raise click.UsageError(f"{option} is for the embedded Kafka: add --dev, or leave {option} out.")


def _load_settings(file: Path | None, flags: Mapping[str, object]) -> Settings:
    """Return the settings, and print what an operator should know about them; raises ConfigError."""
    reading = config.read(file=file, environment=os.environ, flags=flags)
    # First of all, so that faults are lines of the log, too; a log_format with a fault is the default here.
    logs.configure(reading.settings.log_level, reading.settings.log_format)
    settings = reading.require()
    check_files(reading)
    for sentence in config.explain_service_links(os.environ, config.ENVIRONMENT_PREFIX):
        logs.announce(sentence)
    for sentence in reading.unknown:
        logs.announce(f"Warning: {sentence} It is ignored.")
    for sentence in find_warnings(settings):
        logs.announce(f"Warning: {sentence}")
    return settings


@contextmanager
def _log_failure() -> Iterator[None]:
    """Have the message of a failure be a line of the log where that is JSON; the exit code stays."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        failure = find_failure(error)
        if failure is None or not logs.is_json():
            raise
        logs.announce(failure.format_message(), logging.ERROR)
        raise click.exceptions.Exit(failure.exit_code) from error

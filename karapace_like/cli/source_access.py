"""Access of commands to the schemas topic: the options, the settings, and the messages of failures."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from karapace_like import config
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.registry_access import registry_failures
from karapace_like.config import ConfigError, Settings
from karapace_like.errors import KafkaFailure
from karapace_like.tooling.errors import ToolError

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def topic_options(command: Command) -> Command:
    """Add `--bootstrap-uri`, `--topic-name` and `--config`, as `bootstrap_uri`, `topic_name` and `config_file`."""
    for option in reversed(
        (
            click.option("--bootstrap-uri", help="Kafka brokers, host:port,...: use the schemas topic itself."),
            click.option("--topic-name", help="With --bootstrap-uri: the schemas topic.  [default: _schemas]"),
            click.option(
                "--config",
                "config_file",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                help="JSON file of the service, for further Kafka settings; KARAPACE_* are read as well.",
            ),
        )
    ):
        command = option(command)
    return command


def load_settings(config_file: Path | None, **flags: str | None) -> Settings:
    """Return the settings as `serve` reads them, overridden by these options; raises CannotTellError."""
    try:
        return config.load(file=config_file, environment=os.environ, flags=flags)[0]
    except ConfigError as error:
        raise CannotTellError(str(error)) from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of the work; a failure becomes a message with exit code 2."""
    with report_failures(), registry_failures():
        return asyncio.run(_unwrap_group(work))


@contextmanager
def kafka_failures(settings: Settings) -> Iterator[None]:
    """Turn a KafkaFailure into a ToolError that names the brokers and the option to check."""
    try:
        yield
    except KafkaFailure as error:
        hint = (
            f"Check --topic-name: it is {settings.topic_name}."
            if error.name == "UNKNOWN_TOPIC_OR_PART"
            else "Check --bootstrap-uri, and the TLS and SASL settings in --config."
        )
        raise ToolError(f"Kafka at {settings.bootstrap_uri}: {error.message.rstrip('.')}. {hint}") from error


async def _unwrap_group(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of the work; of an exception group, raise the first exception."""
    try:
        return await work
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group

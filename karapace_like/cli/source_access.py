"""How commands reach the state of a registry: its topic beside its API, long work, and what is told of failures."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from karapace_like import config
from karapace_like.cli.outcome import CannotTellError, failures_told
from karapace_like.cli.registry_access import registry_failures
from karapace_like.config import ConfigError, Settings
from karapace_like.errors import KafkaFailure
from karapace_like.tooling.errors import ToolError

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def topic_options(command: Command) -> Command:
    """`--bootstrap-uri`, `--topic-name` and `--config`, as `bootstrap_uri`, `topic_name` and `config_file`."""
    for option in reversed(
        (
            click.option("--bootstrap-uri", help="Kafka's brokers, host:port,...: work on the schemas topic itself."),
            click.option("--topic-name", help="With --bootstrap-uri: the schemas topic.  [default: _schemas]"),
            click.option(
                "--config",
                "config_file",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                help="The service's JSON file, for what else it takes to reach Kafka; KARAPACE_* are read, too.",
            ),
        )
    ):
        command = option(command)
    return command


def settings_of(config_file: Path | None, **flags: str | None) -> Settings:
    """The service's settings, as `serve` would read them, with these options above them."""
    try:
        return config.load(file=config_file, environment=os.environ, flags=flags)[0]
    except ConfigError as error:
        raise CannotTellError(str(error)) from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """What the work answers; what stands in its way is told to the user, with exit code 2."""
    with failures_told(), registry_failures():
        return asyncio.run(_ungrouped(work))


@contextmanager
def kafka_failures(settings: Settings) -> Iterator[None]:
    """Raise ToolError that says which Kafka could not do what was asked, and what to look at."""
    try:
        yield
    except KafkaFailure as error:
        hint = (
            f"Look at --topic-name: it is {settings.topic_name}."
            if error.name == "UNKNOWN_TOPIC_OR_PART"
            else "Look at --bootstrap-uri, and at --config for what else it takes to reach it."
        )
        raise ToolError(f"Kafka at {settings.bootstrap_uri}: {error.message.rstrip('.')}. {hint}") from error


async def _ungrouped(work: Coroutine[Any, Any, T]) -> T:
    """The work, with the first failure of a group of tasks as the failure."""
    try:
        return await work
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group

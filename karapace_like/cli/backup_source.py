"""Where the state of a registry comes from: its API, or the topic."""

import asyncio
from pathlib import Path
from typing import Any

import click

from karapace_like.backup import registry_state
from karapace_like.backup.archive import read
from karapace_like.backup.errors import ArchiveError, ChangingError
from karapace_like.backup.state import in_context, store_of
from karapace_like.cli.outcome import CannotTellError
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import reached
from karapace_like.cli.source_access import kafka_failures, run, settings_of
from karapace_like.kafka import topic_log
from karapace_like.kafka_access import kafka_settings
from karapace_like.registry import names, records
from karapace_like.registry.store import Store


def state_of(source: dict[str, Any], progress: ProgressBar) -> Store:
    """The state of the registry that the options name; raises CannotTellError."""
    by_topic = source["bootstrap_uri"] is not None or source["config_file"] is not None
    if (source["registry"] is not None) == by_topic:
        raise click.UsageError("Say where the registry is: either --registry URL, or --bootstrap-uri HOST:PORT.")
    store = run(_state_of_topic(source, progress) if by_topic else _state_by_api(source, progress))
    if store.conflicts or store.unknown:
        click.echo(
            f"Warning: {store.conflicts} versions give an id to a second schema and {store.unknown} records are not "
            "understood; they are left out, as a registry does. `karapace-like doctor` tells more.",
            err=True,
        )
    return store


def archive_state(file: Path) -> Store:
    """The state in a backup; raises CannotTellError."""
    try:
        return read(file)
    except ArchiveError as error:
        raise CannotTellError(str(error)) from error


def context_alone(store: Store, context: str | None, to: str | None) -> Store:
    """The state, or that of one context alone, as another one if wanted; raises UsageError for what is no context."""
    if context is None:
        if to is not None:
            raise click.UsageError("--as needs --context: the one that is to have another name.")
        return store
    for name in filter(None, (context, to)):
        if not name.startswith(".") or ":" in name:
            raise click.UsageError(f"{name!r} is no context: it begins with a dot, such as .eu, and has no colon.")
    if not any(names.context_of(each.subject) == context for each in store.all_versions()):
        raise CannotTellError(
            f"There is nothing in the context {context}. There is: {', '.join(sorted(store.contexts))}"
        )
    return in_context(store, context, to or context)


async def _state_by_api(source: dict[str, Any], progress: ProgressBar) -> Store:
    try:
        async with reached(source["registry"], source) as remote:
            return await registry_state.read(remote.client, progress)
    except ChangingError as error:
        raise CannotTellError(str(error)) from error


async def _state_of_topic(source: dict[str, Any], progress: ProgressBar) -> Store:
    settings = settings_of(
        source["config_file"], bootstrap_uri=source["bootstrap_uri"], topic_name=source["topic_name"]
    )
    with kafka_failures(settings):
        found = await asyncio.to_thread(
            topic_log.read,
            kafka_settings(settings),
            settings.topic_name,
            lambda count: progress("Reading records", count, 0),
        )
    progress("Reading records", len(found), len(found))
    return store_of(records.decode(each.key, each.value) for each in found)

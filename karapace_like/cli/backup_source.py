"""Reads the state of a registry from its API or from its topic."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from karapace_like.backup import registry_state
from karapace_like.backup.archive import read
from karapace_like.backup.errors import ArchiveError, ChangingError
from karapace_like.backup.state import build_store, extract_context
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import open_registry
from karapace_like.cli.source_access import kafka_failures, load_settings, run
from karapace_like.config.kafka_access import make_kafka_settings
from karapace_like.kafka import topic_log
from karapace_like.registry import names, records
from karapace_like.registry.conflicts import find_conflicts_at_once
from karapace_like.registry.store import Store


def read_state(source: dict[str, Any], progress: ProgressBar, also: Iterable[str | None] = ()) -> Store:
    """Return the state of the registry that the options name; raises CannotTellError.

    `also` are places whose settings an API is asked for in any case: it does not list those without versions.
    """
    by_topic = source["bootstrap_uri"] is not None or source["config_file"] is not None
    if by_topic and _is_from_environment(source["registry"]):
        source = source | {"registry": None}
    if (source["registry"] is not None) == by_topic:
        raise click.UsageError("Name the registry: either --registry URL or --bootstrap-uri HOST:PORT.")
    store = run(_read_topic(source, progress) if by_topic else _read_api(source, progress, also))
    if store.unknown:
        click.echo(
            f"Warning: {store.unknown} records are not understood. They are left out, as a registry does; "
            "`karapace-like doctor` lists them.",
            err=True,
        )
    conflicts = find_conflicts_at_once(store)
    if conflicts:
        click.echo(
            f"Warning: {len(conflicts)} versions have an id that means another schema, such as: {conflicts[0]}. No "
            "import accepts them with that id; `karapace-like doctor --repair` gives each an id of its own.",
            err=True,
        )
    return store


def _is_from_environment(registry: str | None) -> bool:
    """Return whether the registry is that of the environment, which an option for the topic goes before."""
    context = click.get_current_context()
    is_environment = context.get_parameter_source("registry") is ParameterSource.ENVIRONMENT
    return is_environment and context.params["registry"] == registry


def read_archive(file: Path) -> Store:
    """Return the state in a backup; raises CannotTellError."""
    try:
        return read(file)
    except ArchiveError as error:
        raise CannotTellError(str(error)) from error


def check_contexts(context: str | None, to: str | None) -> None:
    """Raise UsageError for an invalid context, or for `--as` without `--context`."""
    if to is not None and context is None:
        raise click.UsageError("--as needs --context, which names the context to rename.")
    for name in filter(None, (context, to)):
        if not name.startswith(".") or ":" in name:
            raise click.UsageError(
                f"{name!r} is not a context. A context begins with a dot, such as .eu, and has no colon."
            )


def select_context(store: Store, context: str | None, to: str | None) -> Store:
    """Return the state, or that of one context alone, renamed to `to`; raises UsageError for an invalid context."""
    check_contexts(context, to)
    if context is None:
        return store
    if not any(names.context_of(stored.subject) == context for stored in store.all_versions()):
        raise CannotTellError(
            f"The context {context} is empty. Existing contexts: {', '.join(sorted(store.contexts))}."
        )
    return extract_context(store, context, to or context)


async def _read_api(source: dict[str, Any], progress: ProgressBar, also: Iterable[str | None]) -> Store:
    try:
        async with open_registry(source["registry"], source) as remote:
            return await registry_state.read(remote.client, progress, also)
    except ChangingError as error:
        raise CannotTellError(str(error)) from error


async def _read_topic(source: dict[str, Any], progress: ProgressBar) -> Store:
    settings = load_settings(
        source["config_file"], bootstrap_uri=source["bootstrap_uri"], topic_name=source["topic_name"]
    )
    with kafka_failures(settings):
        entries = await asyncio.to_thread(
            topic_log.read_topic,
            make_kafka_settings(settings),
            settings.topic_name,
            lambda count: progress("Reading records", count, 0),
        )
    progress("Reading records", len(entries), len(entries))
    return build_store(records.decode(entry.key, entry.value) for entry in entries)

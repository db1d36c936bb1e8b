"""`karapace-like doctor`: what is wrong with a schemas topic, and its repair when it is told."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import CannotTellError
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.source_access import kafka_failures, run, settings_of, topic_options
from karapace_like.config import Settings
from karapace_like.kafka import topic_log, topic_settings
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.schemas_writer import SchemasWriter
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka_access import kafka_settings
from karapace_like.leadership import Term
from karapace_like.registry import faults
from karapace_like.registry.faults import Fault
from karapace_like.registry.registry import MARK

_TIMEOUT = 30.0
"""Seconds that one request to the cluster may take."""


_EXAMPLES = """\b
Examples:
  karapace-like doctor --bootstrap-uri localhost:9092
  karapace-like doctor --config /etc/karapace.config.json --repair
"""


@click.command(epilog=_EXAMPLES)
@topic_options
@click.option("--group-id", help="The group of the registry's nodes.  [default: schema-registry]")
@click.option("--repair", is_flag=True, help="Put right what can be; without it nothing is changed.")
@click.option("--force", is_flag=True, help="With --repair: even while nodes of the registry run.")
def doctor(
    *,
    bootstrap_uri: str | None,
    topic_name: str | None,
    config_file: Path | None,
    group_id: str | None,
    repair: bool,
    force: bool,
) -> None:
    """Find what is wrong with a schemas topic, explain it, and repair it when told.

    A repair is one transaction, fenced as a primary's is: no other node's write can come between. While nodes run it is
    refused, since registries of other products, and nodes without fencing, cannot be fenced; --force goes on.

    Exit codes: 0 nothing is wrong (any more), 1 something is, 2 could not be told.
    """
    settings = settings_of(config_file, bootstrap_uri=bootstrap_uri, topic_name=topic_name, group_id=group_id)
    kafka = kafka_settings(settings)
    found = run(_examined(kafka, settings))
    _show(found)
    repairable = sum(each.is_repairable for each in found)
    if repair and repairable:
        run(_repaired(kafka, settings, force=force))
        found = run(_examined(kafka, settings))
        click.echo(f"{repairable} repaired, {len(found)} remain")
        for each in found:
            click.echo(f"  {each.kind}: {each.place}")
    elif repairable:
        click.echo(f"Nothing was changed. {repairable} of {len(found)} can be repaired: run it again with --repair")
    sys.exit(1 if found else 0)


async def _examined(kafka: KafkaSettings, settings: Settings) -> list[Fault]:
    progress = ProgressBar()
    with kafka_failures(settings):
        setup = await asyncio.to_thread(topic_settings.asked, kafka, settings.topic_name)
        entries = await asyncio.to_thread(
            topic_log.read, kafka, settings.topic_name, lambda count: progress("Reading records", count, 0)
        )
    progress("Reading records", len(entries), len(entries))
    return [*faults.examine_settings(**setup._asdict()), *faults.examine(entries)]


def _show(found: Sequence[Fault]) -> None:
    for each in found:
        click.echo(
            f"{each.kind}: {each.place}\n  {each.why}\n  {'repair' if each.is_repairable else 'by hand'}: {each.remedy}"
        )
    if not found:
        click.echo("Nothing is wrong")


async def _repaired(kafka: KafkaSettings, settings: Settings, *, force: bool) -> None:
    with kafka_failures(settings):
        nodes = await _nodes(kafka, settings)
    if nodes and not force:
        raise CannotTellError(
            f"Nothing was changed: {len(nodes)} nodes of the group {settings.group_id} are running. Stop them, or say "
            "--force where all of them fence each other (fencing=on, and no other product among them)."
        )
    with kafka_failures(settings):
        await asyncio.to_thread(_write, kafka, settings)


async def _nodes(kafka: KafkaSettings, settings: Settings) -> list[bytes]:
    group = Group(kafka, GroupSettings(id=settings.group_id))
    try:
        return await group.members()
    finally:
        await group.leave()


def _write(kafka: KafkaSettings, settings: Settings) -> None:
    """Take over as a new primary would, look again, and append what puts right what is there now."""
    topic = settings.topic_name
    if topic_settings.asked(kafka, topic).cleanup_policy != "compact":
        topic_settings.make_compacted(kafka, topic)
    writer = SchemasWriter(
        kafka,
        topic=topic,
        group_id=settings.group_id,
        mark=MARK,
        fencing=settings.fencing,
        timeout=_TIMEOUT,
        max_record_bytes=settings.producer_max_request_size,
    )
    try:
        writer.take_over(Term(number=0))
        batch = faults.repairs(faults.examine(topic_log.read(kafka, topic)))
        if batch:
            writer.append(batch)
            writer.mark()
    finally:
        writer.close()

"""`karapace-like doctor`: the diagnosis of a schemas topic, and its repair on request."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.source_access import kafka_failures, load_settings, run, topic_options
from karapace_like.config import Settings
from karapace_like.config.kafka_access import make_kafka_settings
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import topic_log, topic_settings
from karapace_like.kafka.epoch_fence.partition import PartitionLeader
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.log_topic_writer import LogTopicWriter
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import Term
from karapace_like.registry import faults
from karapace_like.registry.fault import Fault
from karapace_like.registry.registry import MARK

_SHOWN = 3
"""Faults of one kind in the short output."""
_TIMEOUT = 30.0
"""Deadline of one request to the cluster, in seconds."""


_EXAMPLES = """\b
Examples:
  karapace-like doctor --bootstrap-uri localhost:9092
  karapace-like doctor --bootstrap-uri localhost:9092 --verbose --format json
  karapace-like doctor --config /etc/karapace.config.json --repair
"""


@click.command(epilog=_EXAMPLES)
@topic_options
@click.option("--group-id", help="Kafka group of the registry's nodes.  [default: schema-registry]")
@click.option(
    "--repair", is_flag=True, help="Repair the faults that can be repaired; without this option nothing is changed."
)
@click.option("--force", is_flag=True, help="With --repair: repair even while nodes of the registry run.")
@click.option("--verbose", is_flag=True, help=f"List every fault, not only {_SHOWN} of each kind.")
@format_option
def doctor(
    *,
    bootstrap_uri: str | None,
    topic_name: str | None,
    config_file: Path | None,
    group_id: str | None,
    repair: bool,
    force: bool,
    verbose: bool,
    form: str,
) -> None:
    """Diagnose a schemas topic: find its faults, explain them, and repair them on request.

    A repair is one transaction that fences the primary, so that no other write can interleave. Registries of other
    products and nodes without fencing cannot be fenced; therefore a repair fails while nodes run, unless --force.

    Exit codes: 0 no faults, or none left, 1 faults, 2 error.
    """
    settings = load_settings(config_file, bootstrap_uri=bootstrap_uri, topic_name=topic_name, group_id=group_id)
    kafka = make_kafka_settings(settings)
    detected = run(_examine(kafka, settings))
    remaining = detected
    repairable = sum(fault.is_repairable for fault in detected)
    if repair and repairable:
        run(_repair(kafka, settings, force=force))
        remaining = run(_examine(kafka, settings))
    if form != "text":
        print_value(_list_faults(detected, remaining), "", form)
    else:
        _show_text(detected, shown=len(detected) if verbose else _SHOWN)
        if repair and repairable:
            click.echo(f"{repairable} repaired, {len(remaining)} remain")
            for fault in remaining:
                click.echo(f"  {fault.kind}: {fault.place}")
        elif repairable:
            click.echo(
                f"Nothing was changed. {repairable} of {len(detected)} can be repaired: run it again with --repair"
            )
    sys.exit(1 if remaining else 0)


async def _examine(kafka: KafkaSettings, settings: Settings) -> list[Fault]:
    progress = ProgressBar()
    with kafka_failures(settings):
        setup = await asyncio.to_thread(topic_settings.fetch_settings, kafka, settings.topic_name)
        entries = await asyncio.to_thread(
            topic_log.read_topic, kafka, settings.topic_name, lambda count: progress("Reading records", count, 0)
        )
    progress("Reading records", len(entries), len(entries))
    return [
        *faults.examine_settings(**setup._asdict()),
        *await _examine_transactions(kafka, settings.topic_name),
        *faults.examine(entries),
    ]


async def _examine_transactions(kafka: KafkaSettings, topic: str) -> list[Fault]:
    """Return the faults of open transactions; none where brokers do not list them (before 2.8, or without a right)."""
    leader = PartitionLeader(kafka, topic=topic, transactional_id="")
    try:
        await leader.connect()
        transactions = await leader.fetch_transactions()
    except KafkaFailure:
        return []
    finally:
        leader.disconnect()
    now = time.time()
    return [
        fault
        for transaction in transactions
        for fault in faults.examine_transaction(
            producer_id=transaction.producer_id, start=transaction.start, age=now - transaction.written
        )
    ]


def _group(detected: Sequence[Fault]) -> dict[str, list[Fault]]:
    """Return the faults by kind, the kinds in the order in which they were found."""
    groups: dict[str, list[Fault]] = {}
    for fault in detected:
        groups.setdefault(fault.kind, []).append(fault)
    return groups


def _show_text(detected: Sequence[Fault], shown: int) -> None:
    for kind, faults_of_kind in _group(detected).items():
        click.echo(f"{kind}: {len(faults_of_kind)}")
        for fault in faults_of_kind[:shown]:
            remedy = "repair" if fault.is_repairable else "by hand"
            click.echo(f"  {fault.place}\n    {fault.why}\n    {remedy}: {fault.remedy}")
        if len(faults_of_kind) > shown:
            click.echo(f"  and {len(faults_of_kind) - shown} more; --verbose lists them")
    if not detected:
        click.echo("No faults found")


def _list_faults(detected: Sequence[Fault], remaining: Sequence[Fault]) -> dict[str, object]:
    """Return the faults as they were found; `remains` marks those that are there after the repair."""
    left = {(fault.kind, fault.place) for fault in remaining}
    faults_shown = [
        {
            "kind": fault.kind,
            "place": fault.place,
            "why": fault.why,
            "remedy": fault.remedy,
            "repairable": fault.is_repairable,
            "remains": (fault.kind, fault.place) in left,
        }
        for fault in detected
    ]
    counts = {kind: len(faults_of_kind) for kind, faults_of_kind in _group(detected).items()}
    return {"counts": counts, "remaining": len(remaining), "faults": faults_shown}


async def _repair(kafka: KafkaSettings, settings: Settings, *, force: bool) -> None:
    with kafka_failures(settings):
        nodes = await _list_nodes(kafka, settings)
    if nodes and not force:
        raise CannotTellError(
            f"Nothing was changed: {len(nodes)} nodes of the group {settings.group_id} are running. Stop them, or add "
            "--force if all of them can be fenced (no other product among them, and none with fencing=off)."
        )
    with kafka_failures(settings):
        await asyncio.to_thread(_write, kafka, settings)


async def _list_nodes(kafka: KafkaSettings, settings: Settings) -> list[bytes]:
    group = Group(kafka, GroupSettings(id=settings.group_id))
    try:
        return await group.fetch_members()
    finally:
        await group.leave()


def _write(kafka: KafkaSettings, settings: Settings) -> None:
    """Take over as a new primary does, examine the topic again, and append the repairs."""
    topic = settings.topic_name
    if topic_settings.fetch_settings(kafka, topic).cleanup_policy != "compact":
        topic_settings.set_compaction(kafka, topic)
    writer = LogTopicWriter(
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
        batch = faults.repairs(faults.examine(topic_log.read_topic(kafka, topic)))
        if batch:
            writer.append(batch)
            writer.mark()
    finally:
        writer.close()

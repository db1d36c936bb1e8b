"""`karapace-like takeover`: watches a group of two products that share a topic, and says what may be stopped."""

import asyncio
import sys
import time
from pathlib import Path

import click

from karapace_like.cli.printing import format_option, print_item
from karapace_like.cli.source_access import kafka_failures, load_settings, run, topic_options
from karapace_like.client.registry_client import RefusedError, RegistryClient, UnreachableError
from karapace_like.config import Settings
from karapace_like.config.kafka_access import make_kafka_settings
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.takeover import Advice, Node, Stage, advise, list_nodes

_INTERVAL_SECONDS = 0.5

_EXAMPLES = """\b
Examples:
  karapace-like takeover --bootstrap-uri localhost:9092
  karapace-like takeover --bootstrap-uri localhost:9092 --back
  karapace-like takeover --bootstrap-uri localhost:9092 --once && systemctl stop karapace
  karapace-like takeover --bootstrap-uri localhost:9092 --format json
"""


@click.command(epilog=_EXAMPLES)
@topic_options
@click.option("--group-id", help="Kafka group of the registry's nodes.  [default: schema-registry]")
@click.option("--back", is_flag=True, help="Give back: the other product is to stay, karapace-like is to go.")
@click.option("--once", is_flag=True, help="Look once, and end with 0 only if a node may be stopped, or all is done.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up after so long.")
@click.option(
    "--group-only", is_flag=True, help="Judge by the group alone, where the nodes cannot be reached from here."
)
@format_option
def takeover(
    *,
    bootstrap_uri: str | None,
    topic_name: str | None,
    config_file: Path | None,
    group_id: str | None,
    back: bool,
    once: bool,
    timeout: float | None,
    group_only: bool,
    form: str,
) -> None:
    """Watch the group while karapace-like takes over from Karapace or Confluent Schema Registry, or gives back.

    The nodes of the group and the next step are printed whenever they change: which node to start, how a node of the
    product that is to stay becomes the primary, and which node is safe to stop. Nothing is changed.

    Exit codes: 0 only the product that is to stay is left (with --once: or a node may be stopped), 1 not yet, 2 error.
    """
    settings = load_settings(config_file, bootstrap_uri=bootstrap_uri, topic_name=topic_name, group_id=group_id)
    limit = 0.0 if once else timeout
    last = run(_watch(settings, to_ours=not back, limit=limit, asks_nodes=not group_only, form=form))
    sys.exit(0 if last is Stage.DONE or (once and last is Stage.STOP) else 1)


async def _watch(settings: Settings, *, to_ours: bool, limit: float | None, asks_nodes: bool, form: str) -> Stage:
    """Print each change until all is done or the limit has passed; return the last stage."""
    group = Group(make_kafka_settings(settings), GroupSettings(id=settings.group_id))
    deadline = None if limit is None else time.monotonic() + limit
    shown: tuple[list[Node] | None, Advice] | None = None
    try:
        while True:
            with kafka_failures(settings):
                nodes = list_nodes(await group.describe_members())
            advice = advise(nodes, to_ours=to_ours)
            if asks_nodes and advice.primary is not None:
                advice = await _check_primary(advice, advice.primary)
            if (nodes, advice) != shown:
                _show(nodes or [], advice, form)
                shown = nodes, advice
            if advice.stage is Stage.DONE or (deadline is not None and time.monotonic() >= deadline):
                return advice.stage
            await asyncio.sleep(_INTERVAL_SECONDS)
    finally:
        await group.leave()


async def _check_primary(advice: Advice, url: str) -> Advice:
    """The advice, or to wait, while the elected node does not accept writes yet."""
    try:
        async with RegistryClient(url) as client:
            answer = await client.setting("/master_available")  # Confluent does not have it
    except UnreachableError as error:
        return Advice(Stage.WAIT, f"{error}. Stop nothing, or add --group-only if it cannot be reached from here.")
    except RefusedError as error:
        return Advice(Stage.WAIT, f"The primary {url} answers: {error}. Stop nothing.")
    if isinstance(answer, dict) and answer.get("master_available") is False:
        return Advice(Stage.WAIT, f"{url} is elected and does not accept writes yet. Stop nothing.")
    return advice


def _show(nodes: list[Node], advice: Advice, form: str) -> None:
    value = {"nodes": [node._asdict() for node in nodes], "stage": advice.stage.value, "text": advice.text}
    print_item(value, "\n".join([*(f"  {node}" for node in nodes), f"{advice.stage}: {advice.text}"]), form)

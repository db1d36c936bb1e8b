"""What `consume` and `tail` share: their options, and the output of records."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_item
from karapace_like.cli.registry_access import ProxyAccess, ask_proxy, proxy_options
from karapace_like.tooling.topics import FORMATS, Selection, read_records

if TYPE_CHECKING:
    from karapace_like.client.proxy_client import ProxyClient

_READ_FORMATS = ("auto", *FORMATS)


@dataclass(frozen=True, slots=True)
class Reading:
    """What `consume` and `tail` are asked for alike."""

    access: ProxyAccess
    count: int | None
    partition: int | None
    key_format: str | None
    """None: that of values."""
    value_format: str
    form: str
    """That of the output."""


def reading_options(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that both commands have, and pass them to the command as `reading`."""

    @wraps(command)
    def with_reading(**arguments: Any) -> object:
        reading = Reading(**{field.name: arguments.pop(field.name) for field in fields(Reading)})
        return command(reading=reading, **arguments)

    decorated: Callable[..., object] = format_option(with_reading)
    decorated = proxy_options(decorated)
    for option in (
        click.option("--count", type=click.IntRange(min=1), help="End after so many records."),
        click.option("--partition", type=click.IntRange(min=0), help="Only this partition."),
        click.option(
            "--key-format", type=click.Choice(_READ_FORMATS), help="Format of keys.  [default: that of values]"
        ),
        click.option(
            "--value-format",
            type=click.Choice(_READ_FORMATS),
            default="auto",
            show_default=True,
            help="Format of values. `auto` recognises each; Confluent's and Karapace's proxies need another one.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def show_records(topic: str, selection: Selection, reading: Reading) -> None:
    """Print the records; raises ClickException."""

    async def work(client: "ProxyClient") -> None:
        shown = 0
        key_form = reading.key_format or reading.value_format
        records = read_records(client, topic, key_form, reading.value_format, selection)
        try:
            async for record in records:
                print_item(dict(record), _describe_record(record), reading.form)
                shown += 1
                if shown == reading.count:
                    return
        finally:
            await records.aclose()

    with report_failures():
        ask_proxy(work, reading.access)


def _describe_record(record: Mapping[str, Any]) -> str:
    parts = [json.dumps(record.get(name), ensure_ascii=False) for name in ("key", "value")]
    return " ".join([f"{record['partition']}:{record['offset']}", *parts])

"""What `consume` and `tail` share: their options, and the output of records."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import print_item
from karapace_like.cli.registry_access import ask_proxy
from karapace_like.tooling.topics import FORMATS, Selection, read_records

if TYPE_CHECKING:
    from karapace_like.client.proxy_client import ProxyClient

C = TypeVar("C", bound=Callable[..., object])

_READ_FORMATS = ("auto", *FORMATS)


def reading_options(command: C) -> C:
    """Add the options on formats and on the number of records."""
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
        command = option(command)
    return command


def show_records(
    topic: str,
    selection: Selection,
    formats: tuple[str | None, str],
    count: int | None,
    form: str,
    proxy: str,
    credentials: Mapping[str, str | None],
) -> None:
    """Print the records; `formats` are those of keys and of values. Raises ClickException."""

    async def work(client: "ProxyClient") -> None:
        shown = 0
        key_form, value_form = formats[0] or formats[1], formats[1]
        records = read_records(client, topic, key_form, value_form, selection)
        try:
            async for record in records:
                print_item(dict(record), _describe_record(record), form)
                shown += 1
                if shown == count:
                    return
        finally:
            await records.aclose()

    with report_failures():
        ask_proxy(work, proxy, credentials)


def _describe_record(record: Mapping[str, Any]) -> str:
    parts = [json.dumps(record.get(name), ensure_ascii=False) for name in ("key", "value")]
    return " ".join([f"{record['partition']}:{record['offset']}", *parts])

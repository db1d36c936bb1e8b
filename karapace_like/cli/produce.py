"""`karapace-like produce`: lines become records of a topic."""

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from karapace_like.cli.arguments import topic_argument
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ProxyAccess, ask_proxy, proxy_options
from karapace_like.tooling.topics import FORMATS, RecordForms, Written, parse_lines
from karapace_like.tooling.topics import produce as write_records

if TYPE_CHECKING:
    from karapace_like.client.proxy_client import ProxyClient

_EXAMPLES = """\b
Examples:
  echo '{"total": 5}' | karapace-like produce orders --proxy http://localhost:8082
  karapace-like produce orders orders.txt --value-format avro --schema order.avsc
  karapace-like produce orders orders.txt --key-format string --key-separator ';'
  karapace-like consume orders --format json | karapace-like produce copy --records
"""


@click.command(epilog=_EXAMPLES)
@topic_argument
@click.argument("file", type=click.File("rb"), default="-", required=False)
@click.option("--value-format", type=click.Choice(FORMATS), default="json", show_default=True, help="Format of values.")
@click.option("--key-format", type=click.Choice(FORMATS), help="Format of keys.  [default: that of values]")
@click.option("--key-separator", metavar="TEXT", help="What ends the key in a line.  [default: no keys]")
@click.option(
    "--records", "are_records", is_flag=True, help="Each line is a record, as `consume --format json` shows it."
)
@click.option(
    "--schema",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of the values' schema.  [default: the latest of the topic's subject]",
)
@click.option("--schema-id", type=click.IntRange(min=0), help="Id of the values' schema, instead of --schema.")
@click.option(
    "--key-schema",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of the keys' schema.  [default: the latest of the topic's subject]",
)
@click.option("--key-schema-id", type=click.IntRange(min=0), help="Id of the keys' schema, instead of --key-schema.")
@proxy_options
@format_option
def produce(
    *,
    topic: str,
    file: IO[bytes],
    value_format: str,
    key_format: str | None,
    key_separator: str | None,
    are_records: bool,
    schema: Path | None,
    schema_id: int | None,
    key_schema: Path | None,
    key_schema_id: int | None,
    form: str,
    access: ProxyAccess,
) -> None:
    """Write each line of FILE, or of standard input, to TOPIC through a REST proxy or straight to Kafka.

    A line is JSON, or text for the format `string`, or any bytes for `binary`.

    Exit codes: 0 written, 1 Kafka rejected some of the records, 2 error.
    """
    if are_records and key_separator is not None:
        raise click.UsageError("--records and --key-separator exclude each other: a record has its key.")
    forms = RecordForms(key_format or value_format, value_format, key_separator or None, are_records)
    schemas = _read_schema("value", schema, schema_id) | _read_schema("key", key_schema, key_schema_id)

    async def work(client: "ProxyClient") -> Written:
        return await write_records(client, topic, parse_lines(file, forms), forms, schemas)

    with report_failures():
        outcome = ask_proxy(work, access)
    for failed in outcome.failed:
        click.echo(f"Line {failed.line}: {failed.error} ({failed.error_code})", err=True)
    count = "1 record" if outcome.written == 1 else f"{outcome.written} records"
    print_value(outcome, f"{count} written to {topic}", form)
    sys.exit(1 if outcome.failed else 0)


def _read_schema(part: str, file: Path | None, schema_id: int | None) -> dict[str, Any]:
    """Return the field of the request that names the schema of keys or values; none without an option."""
    if file is not None and schema_id is not None:
        option = "--schema" if part == "value" else "--key-schema"
        raise click.UsageError(f"{option} and {option}-id exclude each other: leave one of them out.")
    if file is not None:
        return {f"{part}_schema": file.read_text(encoding="utf-8")}
    return {} if schema_id is None else {f"{part}_schema_id": schema_id}

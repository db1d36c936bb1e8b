"""What topic policies cost: the same records with and without one, in turns at one service.

    python -m benchmarks.contracts [--rounds 3] [--seconds 1] [--records 100 1]

It takes 24 rows x rounds x seconds: a bit more than a minute. CPU of the service for each record (or request of one),
the least of the rounds and their median. A ratio is that of two rows: what a policy costs beside the same
records without one, or sent in the schema's format.
"""

import argparse
import json
import urllib.request
from statistics import median
from typing import Any, NamedTuple

from benchmarks import codecs, generator
from benchmarks.generator import Found
from benchmarks.paths import BATCH, REGISTRY, Path, media_type, post
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_SCHEMAS: dict[str, Any] = {
    "avro": {"schema": json.dumps(codecs.AVRO)},
    "jsonschema": {"schema": json.dumps(codecs.JSON_SCHEMA), "schemaType": "JSON"},
    "protobuf": {"schema": codecs.PROTOBUF, "schemaType": "PROTOBUF"},
}


class Row(NamedTuple):
    """One way to write the records."""

    name: str
    embedded: str
    policy: dict[str, Any] | None
    beside: str
    """The row that it is compared with; its own name for one that others are compared with."""
    schema: str = ""
    """The format of the topic's schema; empty for none."""
    value: Any = codecs.PLAIN


def _list_rows() -> list[Row]:
    json_row = "json, no policy"
    rows = [
        Row(json_row, "json", None, json_row),
        Row("json, policy that allows everything", "json", {}, json_row),
        Row("json, observe refuse", "json", {"mode": "observe", "value": {"plain": "refuse"}}, json_row),
        Row("json, validate", "json", {"value": {"plain": "validate"}}, json_row, "jsonschema"),
    ]
    for name, value in (("avro", codecs.UNIONS), ("jsonschema", codecs.PLAIN), ("protobuf", codecs.PLAIN)):
        rows.append(Row(f"{name}, no policy", name, None, f"{name}, no policy", name, value))
        rows.append(Row(f"json, encode to {name}", "json", {"value": {"plain": "encode"}}, f"{name}, no policy", name))
        framed = {"value": {"framed": "subject"}}
        rows.append(Row(f"{name}, of the subject", name, framed, f"{name}, no policy", name, value))
    return rows


def main() -> None:
    """Print a table of Markdown."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=1.0, help="of one round")
    arguments.add_argument("--records", type=int, nargs="+", default=[BATCH, 1], help="of a request")
    wanted = arguments.parse_args()
    rows = _list_rows()
    print("| record | records a request | CPU us, least | median | ratio to |\n|---|---|---|---|---|")
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
        for count in wanted.records:
            paths = {row.name: _prepare(service.url, row, at, count) for at, row in enumerate(rows)}
            found: dict[str, list[Found]] = {row.name: [] for row in rows}
            for number in range(wanted.rounds):
                for name, path in paths.items() if number % 2 == 0 else reversed(paths.items()):
                    found[name].append(generator.run(service.pid, service.url, path, wanted.seconds))
            for row in rows:
                _print_row(row, count, found)


def _print_row(row: Row, count: int, found: dict[str, list[Found]]) -> None:
    least = {name: generator.least(runs).cpu_us for name, runs in found.items()}
    ratio = "" if row.beside == row.name else f"{least[row.name] / least[row.beside]:.2f} x {row.beside}"
    errors = sum(run.errors for run in found[row.name])
    failed = f" {errors} FAILED" if errors else ""
    middle = median(run.cpu_us for run in found[row.name])
    print(f"| {row.name} | {count} | {least[row.name]:.1f} | {middle:.1f} | {ratio}{failed} |", flush=True)


def _prepare(url: str, row: Row, at: int, count: int) -> Path:
    """Register the topic's schema, set its policy, and return the call."""
    topic = f"bench-contracts-{count}-{at}"
    fields: dict[str, Any] = {}
    if row.schema:
        body = json.dumps(_SCHEMAS[row.schema]).encode()
        registered = post(url, f"/subjects/{topic}-value/versions", body, REGISTRY)["id"]
        if row.embedded != "json":
            fields = {"value_schema_id": registered}
    if row.policy is not None:
        request = urllib.request.Request(
            f"{url}/policies/{topic}",
            json.dumps(row.policy).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=60).close()
    body = json.dumps({**fields, "records": [{"value": row.value}] * count}, separators=(",", ":")).encode()
    connections = 64 if count == 1 else 32
    return Path(row.name, "POST", f"/topics/{topic}", body, media_type(row.embedded), count, connections)


if __name__ == "__main__":
    main()

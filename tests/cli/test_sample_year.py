"""A repository of schemas through a year of changes, on two registries: each report is kept as an approved text.

`APPROVE=1 .venv/bin/python -m pytest tests/cli/test_sample_year.py` writes the text anew; review its difference.
"""

import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.command_line import Repository
from tests.service_process import ServiceProcess

APPROVED = Path(__file__).parent / "approved" / "sample-year.md"

ORDER = """\
{
  "type": "record", "name": "Order", "namespace": "shop", "doc": "What somebody bought.",
  "fields": [
    {"name": "id", "type": "long"},
    {"name": "to", "type": "Address"}
  ]
}
"""
ADDRESS = """\
{
  "type": "record", "name": "Address", "namespace": "shop", "doc": "A postal address.",
  "fields": [
    {"name": "street", "type": "string"}
  ]
}
"""
CUSTOMER = """\
{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "description": "Somebody who buys.",
  "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "maxLength": 100}
  }
}
"""
PARCEL = """\
syntax = "proto3";
package shop;

// What is sent.
message Parcel {
  int32 weight = 1;
  string label = 2;
}
"""
SETTINGS = """\
subject = "{{stem}}-value"
compatibility = "FULL"
{accept}
[subjects.address]
file = "common/address.avsc"
compatibility = "BACKWARD"

[profiles.staging]
registry = "{staging}"

[profiles.prod]
registry = "{prod}"
"""
ACCEPT = """
[[accept]]
subject = "parcel-value"
rule = "FIELD_SCALAR_KIND_CHANGED"
until = 2999-12-31
reason = "Weights were never written."
"""


class Year:
    """The repository with its history, and the report that grows."""

    def __init__(self, folder: Path, staging: str, prod: str) -> None:
        self._urls = {"staging": staging, "prod": prod}
        self.repository = Repository(folder, {".gitignore": "pulled/\n"})
        self._lines = ["# A year of a repository of schemas", "", "Written by tests/cli/test_sample_year.py."]

    @property
    def report(self) -> str:
        return "\n".join(self._lines) + "\n"

    def month(self, title: str) -> None:
        self._lines += ["", f"## {title}"]

    def settings(self, accept: str = "") -> dict[str, str]:
        return {"karapace-like.toml": SETTINGS.format(accept=accept, **self._urls)}

    def change(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.repository.folder / path).parent.mkdir(exist_ok=True)
            (self.repository.folder / path).write_text(text)

    def merge(self) -> None:
        self.repository.commit({})

    def run(self, command: str) -> None:
        """Run the command, and note what it shows and how it ends."""
        ended = self.repository.run(*shlex.split(command))
        shown = ended.out + ended.err
        for name, url in self._urls.items():
            shown = shown.replace(url, f"http://{name}")
        self._lines += ["", "```", f"$ karapace-like {command}", *shown.splitlines(), f"exit code {ended.code}", "```"]


@pytest.fixture
def year(kafka: Cluster, tmp_path: Path) -> Iterator[Year]:
    """The repository, and two registries in which nothing is."""
    with ExitStack() as stack:
        topics = [f"_schemas-{secrets.token_hex(6)}" for _ in range(2)]
        urls = [stack.enter_context(ServiceProcess(kafka.bootstrap_servers, topic_name=topic)).url for topic in topics]
        yield Year(tmp_path / "repository", *urls)


def begin(year: Year) -> None:
    year.month("January: the first schemas")
    year.change({"order.avsc": ORDER, "common/address.avsc": ADDRESS, "parcel.proto": PARCEL, **year.settings()})
    year.change({"customer.schema.json": CUSTOMER})
    year.run("lint --use basic")
    year.run("plan --registry staging")
    year.run("apply --yes --registry staging")
    year.merge()
    year.month("February: a compatible change")
    year.change(
        {"common/address.avsc": ADDRESS.replace('"}\n', '"},\n    {"name": "city", "type": "string", "default": ""}\n')}
    )
    year.run("check --against main")
    year.run("impact common/address.avsc --registry staging")
    year.run("apply --yes --registry staging")
    year.merge()


def break_and_accept(year: Year) -> None:
    year.month("March: a break")
    year.change({"parcel.proto": PARCEL.replace("int32 weight", "string weight")})
    year.run("check --against main")
    year.run("apply --yes --registry staging")
    year.month("April: the break is accepted")
    year.change(year.settings(ACCEPT))
    year.run("check --against main")
    year.run("apply --yes --registry staging")
    year.run("level parcel-value --registry staging")
    year.merge()


def rename_and_delete(year: Year) -> None:
    year.month("May: a renamed schema")
    year.repository.git("mv", "customer.schema.json", "buyer.schema.json")
    year.run("check --against main")
    year.run("check --against main --deleted error")
    year.run("apply --yes --registry staging")
    year.merge()
    year.month("June: deleted schemas")
    year.repository.git("rm", "--quiet", "order.avsc")
    year.run("check --against main")
    year.run("plan --registry staging --delete '*'")
    year.run("apply --yes --registry staging --delete '*'")
    year.run("subjects --registry staging")
    year.run("subjects --registry staging --deleted")
    year.merge()


def promote_and_roll_back(year: Year) -> None:
    year.month("July: promotion")
    year.run("plan --from staging --to prod")
    year.run("apply --yes --from staging --to prod")
    year.run("plan --from staging --to prod")
    year.month("August: a change that is regretted")
    parcel = PARCEL.replace("int32 weight", "string weight")
    year.change({"parcel.proto": parcel.replace("label = 2;\n", "label = 2;\n  int32 floors = 3;\n")})
    year.run("check --against main --use source")
    year.run("apply --yes --registry staging")
    year.merge()
    year.month("September: roll-back")
    year.repository.git("revert", "--no-edit", "HEAD")
    year.run("check --against HEAD~1 --use wire")
    year.run("check --registry staging")
    year.run("plan --registry staging")
    year.run("apply --yes --registry staging")
    year.run("plan --registry staging --fail-on-changes")
    year.run("delete parcel-value --version 3 --yes --registry staging")
    year.run("plan --registry staging")
    year.run("versions parcel-value --registry staging")
    year.run("plan --from staging --to prod")


def end(year: Year) -> None:
    year.month("October: mistakes")
    year.change({"parcel.proto": "message Parcel {\n"})
    year.run("check --against main")
    year.repository.git("checkout", "--quiet", ".")
    year.run("check --against main --level backwards")
    year.month("November: a deleted version in production")
    year.run("delete address --version 1 --yes --registry prod")
    year.run("versions address --registry prod")
    year.month("December: the files of a registry")
    year.run("pull pulled --registry prod")
    year.run("plan pulled --registry prod --config pulled/karapace-like.toml")


def test_the_reports_of_the_first_months_are_the_approved_ones(year: Year) -> None:
    begin(year)
    break_and_accept(year)
    assert APPROVED.read_text().startswith(year.report)


@pytest.mark.long
def test_the_reports_of_a_year_are_the_approved_ones(year: Year) -> None:
    begin(year)
    break_and_accept(year)
    rename_and_delete(year)
    promote_and_roll_back(year)
    end(year)
    if os.environ.get("APPROVE"):
        APPROVED.write_text(year.report)
    assert year.report == APPROVED.read_text()

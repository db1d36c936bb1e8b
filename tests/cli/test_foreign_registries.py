"""Every command that takes a registry, against one of each product: exit codes, and no bug is ever reported."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from karapace_like.backup import archive, key_archives
from karapace_like.cli import _COMMANDS
from karapace_like.kafka.cluster import Cluster
from tests.cli.foreign_registry import PRODUCTS, ForeignRegistry, serve_as
from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, ADDRESS_WITH_ZIP, ORDER, PARCEL, SIZE
from tests.command_line import Outcome, run, write
from tests.service_process import ServiceProcess

SETTINGS = '[subjects.order]\ncompatibility = "FULL"\n'
ACCEPT = '[[accept]]\nsubject = "*"\nrule = "READER_FIELD_MISSING_DEFAULT_VALUE"\nuntil = 2999-01-01\nreason = "x"\n'
MISSING = 2
"""The exit code where a product lacks a call that the command needs."""
WITHOUT_REGISTRY = {
    "serve": "it is one",
    "config": "about this service's settings",
    "kafka": "about Kafka",
    "lint": "about files",
    "rules": "about files",
    "doctor": "about a topic",
    "takeover": "about a group of nodes",
    "passwd": "about an authfile",
    "completion": "about a shell",
    "produce": "through a REST proxy",
    "consume": "through a REST proxy",
    "tail": "through a REST proxy",
}


class Registries:
    """A registry of a product, and an empty one of the same."""

    def __init__(self, product: str, registry: ForeignRegistry, other: str, folder: Path) -> None:
        self.product, self.url, self.calls = product, registry.url, registry.calls
        self.other, self.folder = other, folder

    def run(self, *arguments: object, registry: str | None = None) -> Outcome:
        options = [] if registry == "" else ["--registry", registry or self.url]
        return run(*arguments, *options, folder=self.folder)

    def expect(self, code: int, *arguments: object, registry: str | None = None) -> Outcome:
        ended = self.run(*arguments, registry=registry)
        assert ended.code == code, (arguments, ended)
        assert "Traceback" not in ended.err
        assert "This is a bug" not in ended.err
        return ended


@pytest.fixture(params=PRODUCTS)
def registries(request: pytest.FixtureRequest, kafka: Cluster, tmp_path: Path) -> Iterator[Registries]:
    product = request.param
    settings = {"api_dialect": PRODUCTS[product].dialect, "topic_name": f"_schemas-{secrets.token_hex(6)}"}
    with (
        ServiceProcess(kafka.bootstrap_servers, **settings) as service,
        ServiceProcess(kafka.bootstrap_servers, api_dialect=PRODUCTS[product].dialect) as other,
        serve_as(product, service.url) as registry,
        serve_as(product, other.url) as empty,
    ):
        write(tmp_path, {"order.avsc": ORDER, "address.avsc": ADDRESS, "karapace-like.toml": SETTINGS})
        write(tmp_path, {"parcel.proto": PARCEL, "common/size.proto": SIZE})
        yield Registries(product, registry, empty.url, tmp_path)


def register_and_read(registries: Registries) -> None:
    registries.expect(0, "plan")
    registries.expect(1, "plan", "--fail-on-changes")
    registries.expect(0, "apply", "--yes", "--parallel", 4)
    assert registries.expect(0, "plan").out == "No changes: the registry matches the files.\n"
    registries.expect(0, "register", "address.avsc")
    assert registries.expect(0, "subjects").out.split() == sorted(["address", "order", "parcel", "size"])
    assert registries.expect(0, "versions", "address").out == "1\n"
    assert "street" in registries.expect(0, "show", "address").out
    assert registries.expect(0, "show", "order", "--version", 1, "--format", "json").json()["references"]
    registries.expect(2, "show", "nobody")
    registries.expect(2, "versions", "nobody")
    assert "address" in registries.expect(0, "find", "street").out
    assert "address" in registries.expect(0, "find", "Address").out


def judge(registries: Registries) -> None:
    write(registries.folder, {"address.avsc": ADDRESS_WITH_CITY})
    registries.expect(0, "check")
    assert "order" in registries.expect(0, "impact", "address.avsc").out
    registries.expect(1, "diff", "address@1", "address.avsc")
    registries.expect(0, "apply", "--yes")
    assert registries.expect(0, "versions", "address").out == "1\n2\n"
    write(registries.folder, {"address.avsc": ADDRESS_WITH_ZIP})
    registries.expect(1, "check")
    registries.expect(1, "apply", "--yes")
    assert registries.run("register", "address.avsc").code == 1
    write(registries.folder, {"karapace-like.toml": SETTINGS + ACCEPT})
    registries.calls.clear()
    registries.expect(0, "apply", "--yes")
    # Without `force`, the level is suspended.
    assert ("PUT /config/address" in registries.calls) == (registries.product != "confluent")
    assert registries.expect(0, "versions", "address").out == "1\n2\n3\n"
    assert registries.expect(0, "level", "address").out == "BACKWARD (the global one)\n"


def set_and_delete(registries: Registries) -> None:
    registries.expect(0, "level", "order", "--set", "NONE")
    assert registries.expect(0, "level", "order").out == "NONE\n"
    registries.expect(0, "level", "order", "--unset")
    registries.expect(0, "level", "--set", "FORWARD")
    assert registries.expect(0, "level").out == "FORWARD\n"
    registries.expect(0, "level", "--set", "BACKWARD")
    registries.expect(0, "mode", "order")
    # Karapace has no modes that can be set.
    registries.expect(2 if registries.product == "karapace" else 0, "mode", "order", "--set", "READONLY")
    registries.expect(0, "mode", "order", "--unset")
    registries.expect(2, "delete", "address", "--version", 9, "--yes")
    registries.expect(0, "delete", "order", "--yes")
    registries.expect(0, "delete", "order", "--permanent", "--yes")
    assert "order" not in registries.expect(0, "subjects", "--deleted").out.split()


def copy(registries: Registries) -> None:
    registries.expect(0, "pull", "pulled")
    assert registries.expect(0, "plan", "pulled", "--config", "pulled/karapace-like.toml").out.startswith("No changes")
    # Redpanda does not list schemas, and Karapace has no mode in which a schema gets a certain id.
    export = registries.expect(MISSING if registries.product == "redpanda" else 0, "export", "backup.jsonl")
    if export.code:
        mirror = ["mirror", "--once", "--from", registries.url, "--to", registries.other]
        for ended in (export, registries.expect(MISSING, *mirror, registry="")):
            assert "The registry has no call GET /schemas" in ended.err
    else:
        registries.expect(0, "verify", "backup.jsonl")
        takes_ids = registries.product != "karapace"
        code = 0 if takes_ids else MISSING
        for ended in (
            registries.expect(code, "import", "backup.jsonl", registry=registries.other),
            registries.expect(
                code, "mirror", "--once", "--from", registries.url, "--to", registries.other, registry=""
            ),
        ):
            assert takes_ids or "The registry has no call PUT /mode" in ended.err


def manage_keys(registries: Registries) -> None:
    archive.write_entries(registries.folder / "keys.jsonl", key_archives.FORMAT, [])
    commands = (
        ["list"],
        ["export", "exported.jsonl"],
        ["verify", "keys.jsonl"],
        ["import", "keys.jsonl"],
        ["rotate", "nobody"],
        ["rewrap", "nobody"],
    )
    for command in commands:
        if registries.product != "confluent":
            assert re.search(
                "no (DEK registry|call GET /dek-registry/)", registries.expect(MISSING, "keys", *command).err
            )
        elif "nobody" in command:
            assert "nobody" in registries.expect(2, "keys", *command).err
        else:
            registries.expect(0, "keys", *command)


def promote(registries: Registries) -> None:
    registries.expect(0, "plan", "--from", registries.url, "--to", registries.other, registry="")
    registries.expect(0, "apply", "--yes", "--from", registries.url, "--to", registries.other, registry="")
    assert registries.expect(0, "subjects", registry=registries.other).out == registries.expect(0, "subjects").out


def test_schemas_are_registered_and_judged_on_every_product(registries: Registries) -> None:
    register_and_read(registries)
    judge(registries)


@pytest.mark.long
def test_all_commands_work_on_every_product(registries: Registries) -> None:
    register_and_read(registries)
    judge(registries)
    set_and_delete(registries)
    copy(registries)
    manage_keys(registries)
    promote(registries)
    (registries.folder / "parcel.proto").unlink()
    write(registries.folder, {"karapace-like.toml": f'exclude = ["pulled/*"]\n{SETTINGS}{ACCEPT}'})
    registries.expect(0, "apply", "--yes", "--delete", "par*")
    assert registries.expect(0, "subjects").out.split() == ["address", "order", "size"]


def test_every_command_is_tried_or_needs_no_registry() -> None:
    words = set(re.findall(r'"([a-z]+)"', Path(__file__).read_text()))
    assert set(_COMMANDS) - WITHOUT_REGISTRY.keys() <= words

"""Topic policies of a folder's settings: `plan` shows how the service differs, `apply` sets them, `pull` reads them."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.tooling import project
from tests.calling import call
from tests.cli.shop import ADDRESS, Shop
from tests.service_process import ServiceProcess

EMPTY = "No changes: the registry matches the files.\n"


@pytest.fixture(scope="module")
def policed(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service of its own, with one policy in a file."""
    name = secrets.token_hex(6)
    file = tmp_path_factory.mktemp("policies") / "policies.json"
    file.write_text('{"filed": {"mode": "observe", "value": {"plain": "refuse"}}}')
    topics = {"topic_name": f"_schemas-{name}", "topic_policies_topic": f"_policies-{name}"}
    with ServiceProcess(kafka.bootstrap_servers, **topics, topic_policies=file) as service:
        yield service


@pytest.fixture
def shop(tmp_path: Path, policed: ServiceProcess) -> Shop:
    shop = Shop(tmp_path, policed.url)
    shop.write({"address.avsc": ADDRESS})
    return shop


def find_policy(shop: Shop, name: str) -> Any:
    return call(shop.url, "GET", f"/policies/{name}")


def test_policies_are_planned_applied_and_pulled(shop: Shop) -> None:
    one, prefix, address = f"{shop.prefix}metrics", f"{shop.prefix}*", f"{shop.prefix}address"
    settings = f"""
[policies."{one}"]
value = {{plain = "encode", schema = {{subject = "{shop.prefix}address"}}, lenient_json = true}}

[policies."{prefix}"]
mode = "observe"
"""
    shop.settings(settings)
    planned = shop.run("plan")
    assert (planned.code, planned.out.splitlines()) == (
        0,
        [
            f"+ register {shop.prefix}address (address.avsc)",
            f"+ policy of {prefix}: mode = observe",
            f"+ policy of {one}: value.schema.subject = {address}, value.plain = encode, value.lenient_json = true",
        ],
    )
    assert shop.run("apply", "--yes").code == 0
    assert find_policy(shop, one)["value"]["schema"]["subject"] == f"{shop.prefix}address"
    assert shop.run("plan").out == EMPTY

    shop.settings(
        settings.replace('plain = "encode"', 'plain = "refuse", framed = "subject"').split(f'[policies."{prefix}')[0]
    )
    changes = [f"~ policy of {one}: value.framed (default) -> subject, value.plain encode -> refuse"]
    assert shop.run("plan").out.splitlines() == changes, "a policy without an entry stays"
    deletion = ("--delete", f"{shop.prefix}*")
    assert shop.run("plan", *deletion).out.splitlines() == [*changes, f"- policy of {prefix}"]
    applied = shop.run("apply", "--yes", *deletion)
    assert applied.out.splitlines() == [f"done: {change}" for change in (*changes, f"- policy of {prefix}")]
    assert [entry["name"] for entry in call(shop.url, "GET", "/policies")["data"]] == ["filed", one]

    assert shop.run("pull", "pulled").code == 0
    pulled = project.parse((shop.folder / "pulled" / "karapace-like.toml").read_bytes(), "")
    assert list(pulled.policies) == [one], "policies of the service's file are not its users'"
    assert shop.run("plan", "pulled").out == EMPTY
    call(shop.url, "DELETE", f"/policies/{one}")


def test_keys_move_only_if_that_is_said(shop: Shop) -> None:
    name = f"{shop.prefix}moved"
    shop.settings(f'[policies."{name}"]\nkey = {{plain = "encode", schema = {{subject = "{shop.prefix}address"}}}}\n')
    refused = shop.run("apply", "--yes")
    assert (refused.code, "1 of 2 changes are made" in refused.err, "partition" in refused.err) == (2, True, True), (
        refused
    )
    assert shop.run("apply", "--yes", "--move-keys").code == 0
    assert find_policy(shop, name)["key"]["plain"] == "encode"
    call(shop.url, "DELETE", f"/policies/{name}?force=true")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ('[policies.a]\nvalue = {plian = "encode"}', "unknown field `plian`"),
        (
            '[policies.a]\nvalue = {invalid = "dead_letter"}',
            "[policies.'a']: value.invalid is \"dead_letter\", which needs",
        ),
        ('[policies."a b"]\n', "[policies.'a b']: a policy is named like a topic"),
        ("[policies.filed]\n", "The registry rejected this change: ~ policy of filed: mode observe -> (default)"),
        (
            '[policies.a]\nvalue = {plain = "encode"}\n',
            "The registry rejected this change: + policy of a: value.plain = encode: value.schema: the registry has no",
        ),
    ],
)
def test_policies_that_cannot_be_are_refused(shop: Shop, settings: str, reason: str) -> None:
    shop.settings(settings)
    refused = shop.run("apply", "--yes")
    assert (refused.code, reason in refused.err) == (2, True), refused

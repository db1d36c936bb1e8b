"""`plan` and `apply --from REGISTRY --to REGISTRY`, and the profiles that name registries."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, ADDRESS_WITH_ZIP, MEDIA_TYPE, ORDER, PARCEL, SIZE, Shop
from tests.command_line import run
from tests.service_process import ServiceProcess


@pytest.fixture(scope="module")
def prod(kafka: Cluster) -> Iterator[str]:
    with ServiceProcess(kafka.bootstrap_servers, topic_name=f"_schemas-{secrets.token_hex(6)}") as service:
        yield service.url


@pytest.fixture
def staging(shop: Shop, prod: str) -> Shop:
    """A filled registry, and the folder whose settings name it and the other one."""
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS, "parcel.proto": PARCEL, "common/size.proto": SIZE})
    shop.settings(
        f'[subjects."{shop.prefix}order"]\ncompatibility = "FULL"\nmode = "READONLY"\n'
        f'[profiles.staging]\nregistry = "{shop.url}"\n[profiles.prod]\nregistry = "{prod}"\n'
    )
    assert run("apply", "--yes", "--registry", "staging", folder=shop.folder).code == 0
    return shop


def promote(shop: Shop, command: str, *arguments: str) -> list[str]:
    ended = run(
        command, "--from", "staging", "--to", "prod", "--subject", f"{shop.prefix}*", *arguments, folder=shop.folder
    )
    assert ended.code == 0, ended
    return shop.plain(ended.out)


def test_one_registry_is_brought_to_the_state_of_another(staging: Shop, prod: str) -> None:
    assert sorted(promote(staging, "plan")) == [
        "+ register address (address.avsc)",
        "+ register order (order.avsc), refers to the new version of address",
        "+ register parcel (parcel.proto), refers to the new version of size",
        "+ register size (common/size.proto)",
        "~ compatibility of order: not set -> FULL",
    ]
    promote(staging, "apply", "--yes")
    assert promote(staging, "plan") == ["No changes: the registry matches the files."]
    assert call(prod, "GET", f"/mode/{staging.prefix}order?defaultToGlobal=true") == {"mode": "READWRITE"}


def test_a_reference_to_a_version_that_the_target_lacks_is_refused(staging: Shop) -> None:
    staging.ask("PUT", f"/mode/{staging.prefix}order", {"mode": "READWRITE"})
    staging.write({"address.avsc": ADDRESS_WITH_CITY})
    assert staging.run("register", "address.avsc").code == 0
    body = {"schema": staging.version("address", 1)["schema"].replace('"street"', '"street2"')}
    staging.ask("PUT", f"/config/{staging.prefix}address", {"compatibility": "NONE"})
    staging.ask("POST", f"/subjects/{staging.prefix}address/versions", body)
    ended = run("plan", "--from", "staging", "--to", "prod", "--subject", f"{staging.prefix}*", folder=staging.folder)
    assert ended.code == 2
    assert f"version 2 of {staging.prefix}address, which is missing or another schema in the target" in ended.err


def test_what_the_target_cannot_read_is_not_promoted(staging: Shop, prod: str) -> None:
    promote(staging, "apply", "--yes")
    name = f"{staging.prefix}lone"
    call(prod, "POST", f"/subjects/{name}/versions", {"schema": ADDRESS}, content_type=MEDIA_TYPE)
    staging.ask("POST", f"/subjects/{name}/versions", {"schema": ADDRESS_WITH_ZIP})
    ended = run("apply", "--from", "staging", "--to", "prod", "--subject", name, "--yes", folder=staging.folder)
    assert ended.code == 1
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in ended.out


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ('registry = "http://127.0.0.1:9"', "No registry answers at http://127.0.0.1:9"),
        ('registry = "http://127.0.0.1:9"\ntoken-env = "NOT_SET"', "from the variable NOT_SET, which is not set"),
        ('url = "http://127.0.0.1:9"', "contains unknown field `url` - at `profiles"),
    ],
)
def test_a_wrong_profile_is_told(tmp_path: Path, profile: str, sentence: str) -> None:
    (tmp_path / "karapace-like.toml").write_text(f"[profiles.test]\n{profile}\n")
    ended = run("subjects", "--registry", "test", folder=tmp_path)
    assert (ended.code, sentence in ended.err) == (2, True), ended


def test_an_unknown_profile_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "karapace-like.toml").write_text('[profiles.staging]\nregistry = "http://127.0.0.1:9"\n')
    ended = run("subjects", "--registry", "stagin", folder=tmp_path)
    assert ended.code == 2
    assert "'stagin' is neither the URL of a registry nor a profile" in ended.err
    assert "Its profiles are staging." in ended.err


def test_patterns_need_a_source(shop: Shop) -> None:
    ended = shop.run("plan", "--subject", "a*")
    assert (ended.code, "--subject needs --from" in ended.err) == (2, True)

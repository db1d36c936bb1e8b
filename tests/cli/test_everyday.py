"""Everyday commands on a registry: `subjects`, `versions`, `show`, `find`, `delete`, `level`, `mode`."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.tooling.rendering.yaml import render_value
from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, ORDER, PARCEL, SIZE, Shop


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS, "parcel.proto": PARCEL, "common/size.proto": SIZE})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_CITY})
    assert shop.run("register").code == 0
    return shop


def test_subjects_and_versions_are_listed(filled: Shop) -> None:
    ended = filled.run("subjects", f"{filled.prefix}*")
    assert filled.plain(ended.out) == ["address", "order", "parcel", "size"]
    assert filled.run("versions", f"{filled.prefix}address").out == "1\n2\n"
    assert filled.run("delete", f"{filled.prefix}order", "--yes").code == 0
    assert filled.plain(filled.run("subjects", f"{filled.prefix}o*").out) == []
    assert filled.plain(filled.run("subjects", f"{filled.prefix}o*", "--deleted").out) == ["order"]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_every_command_speaks_json_and_yaml(filled: Shop, form: str) -> None:
    name = f"{filled.prefix}address"

    def run(*arguments: object) -> Any:
        ended = filled.run(*arguments, "--format", form)
        assert ended.code == 0, ended
        return json.loads(ended.out) if form == "json" else yaml.safe_load(ended.out)

    assert run("subjects", name) == [name]
    assert run("versions", name) == [1, 2]
    assert run("show", name) == filled.version("address")
    assert run("show", name, "--version", "1")["version"] == 1
    assert run("level", name, "--set", "full") == {"subject": name, "value": "FULL", "is_own": True}
    assert run("mode", name) == {"subject": name, "value": "READWRITE", "is_own": False}
    (hit,) = [each for each in run("find", "city") if each["subject"] == name]
    assert hit == {"subject": name, "version": 2, "kind": "field", "place": "shop.Address.city"}
    assert run("delete", f"{filled.prefix}parcel", "--yes") == [1]


def test_a_schema_is_shown_for_people(filled: Shop) -> None:
    ended = filled.run("show", f"{filled.prefix}address")
    assert ended.out == json.dumps(json.loads(filled.version("address")["schema"]), indent=2) + "\n"
    assert "message Size" in filled.run("show", f"{filled.prefix}size").out


def test_levels_and_modes_are_set_and_unset(filled: Shop) -> None:
    name = f"{filled.prefix}address"
    assert filled.run("level", name, "--set", "FULL").out == "FULL\n"
    assert filled.own_level("address") == "FULL"
    assert filled.run("level", name, "--unset").out.endswith(" (the global one)\n")
    assert filled.own_level("address") is None
    assert filled.run("level", name, "--unset").code == 0
    assert filled.run("mode", name, "--set", "READONLY").out == "READONLY\n"
    assert filled.run("mode", name, "--unset").out == "READWRITE (the global one)\n"
    assert filled.run("mode").out == "READWRITE\n"


def test_versions_are_deleted_softly_and_for_good(filled: Shop) -> None:
    name = f"{filled.prefix}address"
    filled.run("delete", f"{filled.prefix}order", "--permanent", "--yes")
    assert filled.run("versions", f"{filled.prefix}order", "--deleted").code == 2
    assert filled.run("delete", name, "--version", "latest", "--yes").out == f"Deleted version 2 of {name}\n"
    assert filled.run("versions", name, "--deleted").out == "1\n2\n"
    assert filled.run("delete", name, "--version", "2", "--permanent", "--yes").code == 0
    assert filled.run("versions", name, "--deleted").out == "1\n"
    assert filled.run("delete", name, "--permanent", "--yes").out == f"Deleted version 1 of {name}\n"
    assert filled.run("versions", name, "--deleted").code == 2


def test_a_word_and_an_id_are_found(filled: Shop) -> None:
    prefix = filled.prefix
    assert f"{prefix}order version 2: field shop.Order.id\n" in filled.run("find", "ID").out
    assert f"{prefix}size version 1: record " in filled.run("find", "size").out
    for word, place in (("shop.Order", "record shop.Order"), ("order.ID", "field shop.Order.id")):
        lines = [line for line in filled.run("find", word).out.splitlines() if line.startswith(prefix)]
        assert lines == [f"{prefix}order version 2: {place}"]
    assert f"{prefix}parcel version 1: text\n" in filled.run("find", "common/size.proto").out
    id_ = filled.version("order")["id"]
    assert f"{prefix}order version 2: id {id_}\n" in filled.run("find", id_).out
    nowhere = filled.run("find", "xyzzy")
    assert (nowhere.code, nowhere.out) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "no-such"], "Subject 'no-such' not found"),
        (["versions", "no-such"], "(40401)"),
        (["show", "x", "--version", "0"], "'0' is not a version: expected `latest` or a number from 1"),
        (["delete", "no-such", "--yes"], "(40401)"),
        (["delete", "x"], "Add --yes"),
        (["level", "x", "--set", "SOME"], "'SOME' is not one of"),
        (["level", "x", "--set", "FULL", "--unset"], "--set and --unset exclude each other"),
        (["subjects", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_a_mistake_is_told(shop: Shop, arguments: list[str], sentence: str) -> None:
    ended = shop.run(*arguments)
    assert (ended.code, sentence in ended.err) == (2, True), ended


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(["yes", "null", "1", "1.5", "a: b", "- a", "#", "~", "0x1", "2020-01-01", "a b", "on"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=10,
)


@pytest.mark.slow
@given(VALUES)
def test_yaml_means_what_was_written(value: Any) -> None:
    assert yaml.safe_load(render_value(value)) == value

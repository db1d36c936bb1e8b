"""`karapace-like pull`: whatever a registry holds, `plan` in the pulled folder shows no change."""

import json
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karapace_like.kafka.cluster import Cluster
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.tooling import project
from karapace_like.tooling.settings_text import render_settings
from tests.calling import call
from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, LENGTH, MEDIA_TYPE, NAME, ORDER, PARCEL, PERSON, SIZE, Shop
from tests.command_line import run
from tests.forms import count_examples
from tests.service_process import ServiceProcess

EMPTY = "No changes: the registry matches the files.\n"
LEVELS = ["BACKWARD", "FULL_TRANSITIVE", "NONE"]
RULES = {"domainRules": [{"name": "r", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": 'message.a != ""'}]}


def pull(shop: Shop, folder: str = "pulled") -> Path:
    ended = shop.run("pull", folder, "--subject", f"{shop.prefix}*")
    assert (ended.code, ended.err) == (0, ""), ended
    return shop.folder / folder


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def plan(url: str, folder: Path) -> str:
    ended = run("plan", "--registry", url, folder=folder)
    assert ended.code == 0, ended
    return ended.out


def test_what_was_registered_comes_back(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS, "parcel.proto": PARCEL, "common/size.proto": SIZE})
    shop.write({"person.json": PERSON, "common/name.json": NAME, "common/length.json": LENGTH})
    shop.settings(f'[subjects."{shop.prefix}order"]\ncompatibility = "FULL"\nmode = "READONLY"\n')
    assert shop.run("apply", "--yes").code == 0
    folder = pull(shop)
    assert [name.replace(shop.prefix, "") for name in files(folder)] == [
        "common/length.json",
        "common/name.json",
        "common/size.proto",
        "karapace-like.toml",
        "address.avsc",
        "order.avsc",
        "parcel.proto",
        "person.schema.json",
    ]
    assert plan(shop.url, folder) == EMPTY
    assert run("check", "--against", ".", folder=folder).code == 0
    text = (folder / f"{shop.prefix}order.avsc").read_text()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    assert "references" not in (folder / "karapace-like.toml").read_text(), "the files lead to each other"
    own = project.parse((folder / "karapace-like.toml").read_bytes(), "").subjects[f"{shop.prefix}order"]
    assert (own.compatibility, own.mode) == ("FULL", "READONLY")


def test_versions_that_are_not_the_latest_come_where_others_refer_to_them(shop: Shop) -> None:
    shop.write({"order.avsc": ORDER, "address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_CITY})
    assert shop.run("register", "address.avsc").code == 0
    shop.ask("DELETE", f"/subjects/{shop.prefix}order/versions/2")
    folder = pull(shop)
    assert f"versions/{shop.prefix}address-1.avsc" in files(folder)
    assert plan(shop.url, folder) == EMPTY
    address = folder / f"{shop.prefix}address.avsc"
    address.write_text(address.read_text().replace('"city"', '"town"'))
    ended = run("apply", "--yes", "--registry", shop.url, folder=folder)
    assert ended.code == 0, ended
    assert shop.version("address")["version"] == 3
    assert shop.version("order")["references"][0]["version"] == 1, "it keeps the version that it refers to"


def test_metadata_rules_and_further_settings_are_pulled_and_applied_elsewhere(shop: Shop) -> None:
    name = f"{shop.prefix}order"
    config = {"compatibility": "FULL", "compatibilityGroup": "major", "defaultMetadata": {"properties": {"a": "1"}}}
    shop.ask("PUT", f"/config/{name}", config)
    metadata = {"properties": {"owner": "né", "major": "2"}, "tags": {"a.*": ["PII"]}}
    shop.ask("POST", f"/subjects/{name}/versions", {"schema": ADDRESS, "metadata": metadata, "ruleSet": RULES})
    folder = pull(shop)
    assert plan(shop.url, folder) == EMPTY
    for suffix in ("", ".avsc"):
        path = folder / ("karapace-like.toml" if not suffix else f"{name}{suffix}")
        path.write_text(path.read_text().replace(name, f"{shop.prefix}copy"))
    (folder / f"{name}.avsc").rename(folder / f"{shop.prefix}copy.avsc")
    ended = run("apply", "--yes", "--registry", shop.url, folder=folder)
    assert ended.code == 0, ended
    assert "~ config of copy: compatibilityGroup not set -> major" in "\n".join(shop.plain(ended.out))
    copied, was = shop.version("copy"), shop.version("order")
    assert (copied["metadata"], copied["ruleSet"]) == (was["metadata"], was["ruleSet"])
    assert shop.ask("GET", f"/config/{shop.prefix}copy") == shop.ask("GET", f"/config/{name}")


def test_programs_learn_which_files_are_written(shop: Shop) -> None:
    shop.write({"size.proto": SIZE})
    assert shop.run("register").code == 0
    ended = shop.run("pull", "new", "--subject", f"{shop.prefix}*", "--format", "json")
    outcome = ended.json()
    assert (outcome["folder"], outcome["warnings"]) == ("new", [])
    assert sorted(outcome["files"]) == files(shop.folder / "new")


def test_only_a_new_folder_is_written(shop: Shop) -> None:
    shop.write({"there/mine.avsc": '"int"'})
    ended = shop.run("pull", "there")
    assert ended.code == 2
    assert "there is not empty. Name a new folder" in ended.err


def test_a_whole_registry_is_pulled_with_its_global_settings(filled: ServiceProcess, tmp_path: Path) -> None:
    ended = run("pull", "all", "--registry", filled.url, folder=tmp_path)
    assert ended.err == ""
    settings = (tmp_path / "all" / "karapace-like.toml").read_bytes()
    assert b"= []" not in settings
    own = project.parse(settings, "")
    assert (own.registry.compatibility, own.registry.mode) == ("FULL", "READWRITE")
    subjects = call(filled.url, "GET", "/subjects")
    assert any(subject.startswith(":.eu:") for subject in subjects)
    assert len(files(tmp_path / "all")) == len(subjects) + 1
    assert plan(filled.url, tmp_path / "all") == EMPTY


@pytest.fixture(scope="module")
def url(kafka: Cluster) -> Iterator[str]:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        yield service.url


WORDS = st.text("abcXYZ", min_size=1, max_size=3)
SUBJECTS = st.one_of(WORDS, st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6))
"""Plain ones, so that names clash, and ones that are no names of files."""


@st.composite
def versions(draw: st.DrawFn, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    """One registration, which may refer to earlier ones of its format."""
    type_ = draw(st.sampled_from(["AVRO", "JSON", "PROTOBUF"]))
    word = draw(WORDS)
    number = len(earlier)
    is_same = draw(st.booleans())
    used = [each for each in earlier if each["schemaType"] == type_][-draw(st.integers(0, 2)) or len(earlier) :]
    references = [{"name": each["name"], "subject": each["subject"], "version": each["version"]} for each in used]
    match type_:
        case "AVRO":
            fields: list[Any] = [{"name": word, "type": "int", "default": 1}]
            fields += [{"name": f"f{at}", "type": each["name"]} for at, each in enumerate(used)]
            name = f"N{number}"
            text = json.dumps({"type": "record", "name": name, "fields": fields})
        case "JSON":
            name = draw(st.sampled_from(["{}.json", "common/{}.json", "https://example.org/{}"])).format(f"n{number}")
            members = {f"f{at}": {"$ref": each["name"]} for at, each in enumerate(used)}
            text = json.dumps(
                {"properties": {word: {"default": 1.50}, **members}}, indent=draw(st.sampled_from([None, 3]))
            )
        case _:
            name = draw(st.sampled_from(["n{}.proto", "common/n{}.proto"])).format(number)
            imports = "".join(f'import "{each["name"]}";\n' for each in used)
            members_ = "".join(f"  N{each['number']} f{at} = {at + 2};\n" for at, each in enumerate(used))
            text = f'syntax = "proto3";\n{imports}\nmessage N{number} {{\n  int32 {word} = 1;\n{members_}}}\n'
    metadata = draw(st.sampled_from([None, {"properties": {"a": "b c"}}, {}]))
    return {"schemaType": type_, "schema": text, "references": references, "metadata": metadata, "name": name} | {
        "subject": draw(st.sampled_from([each["subject"] for each in earlier]) if earlier and is_same else SUBJECTS),
        "number": number,
    }


@given(data=st.data())
@settings(
    max_examples=count_examples(12, "PULL_EXAMPLES"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_after_a_pull_the_plan_is_empty(url: str, data: st.DataObject) -> None:
    prefix = f"pull-{secrets.token_hex(4)}."
    known: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(1, 8))):
        version = data.draw(versions(known))
        version["subject"] = prefix + version["subject"].removeprefix(prefix)
        subject = quote(version["subject"], safe="")
        body = {name: version[name] for name in ("schemaType", "schema", "references", "metadata") if version[name]}
        try:
            call(url, "PUT", f"/config/{subject}", {"compatibility": "NONE"}, content_type=MEDIA_TYPE)
            call(url, "POST", f"/subjects/{subject}/versions", body, content_type=MEDIA_TYPE)
            found = call(url, "POST", f"/subjects/{subject}", body, content_type=MEDIA_TYPE)
        except HTTPError as error:
            if error.code in {409, 422}:
                continue
            raise
        known.append({**version, "version": found["version"]})
        level = data.draw(st.sampled_from([*LEVELS, None]))
        call(
            url,
            "PUT" if level else "DELETE",
            f"/config/{subject}",
            level and {"compatibility": level},
            content_type=MEDIA_TYPE,
        )
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "pulled")
        ended = run("pull", folder, "--subject", f"{prefix}*", "--registry", url)
        assert (ended.code, ended.err) == (0, ""), (ended, known)
        if known:
            assert plan(url, folder) == EMPTY, known


TABLES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)


@given(
    config=st.dictionaries(st.text(max_size=5), TABLES, max_size=4),
    subject=st.text(max_size=5),
    mode=st.text(max_size=9),
)
def test_settings_are_read_as_they_were_written(config: dict[str, Any], subject: str, mode: str) -> None:
    written = project.Project(
        compatibility=CompatibilityLevel.FULL,
        subjects={subject: project.SubjectSettings(mode=mode, metadata=config, config=config)},
        registry=project.GlobalSettings(config=config),
        versions=[project.VersionSettings("a", 1, "b", references=[project.ReferenceSettings("n", subject)])],
    )
    assert project.parse(render_settings(written).encode(), "") == written

"""Intended problems: `[[accept]]` in the settings, comments for `lint`; until their last day, and in every report."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, ADDRESS_WITH_ZIP, ORDER, Shop
from tests.command_line import Outcome, run, write

RULE = "READER_FIELD_MISSING_DEFAULT_VALUE"


def accept(subject: str = "*", rule: str = RULE, until: str = "9999-12-31", more: str = "") -> str:
    return f'[[accept]]\nsubject = "{subject}"\nrule = "{rule}"\nuntil = {until}\nreason = "Agreed with all."\n{more}'


def check(folder: Path, settings: str, form: str = "text") -> Outcome:
    """A break of two subjects, with these settings."""
    write(folder / "old", {"address.avsc": ADDRESS, "order.avsc": ORDER})
    write(folder / "new", {"address.avsc": ADDRESS_WITH_ZIP, "order.avsc": ORDER, "karapace-like.toml": settings})
    return run("check", "new", "--against", "old", "--format", form, folder=folder)


@pytest.mark.parametrize(
    ("entry", "failed"),
    [
        (accept(), []),
        (accept("address"), ["order"]),
        (accept("o*"), ["address"]),
        (accept("address") + accept("order"), []),
        (accept(rule="TYPE_MISMATCH"), ["address", "order"]),
        (accept(more='path = "/fields/1"'), ["order"]),
        (accept(more='path = "/fields/1*"'), []),
        (accept(until="2001-01-01"), ["address", "order"]),
    ],
)
def test_an_entry_accepts_the_problems_that_it_names(tmp_path: Path, entry: str, failed: list[str]) -> None:
    ended = check(tmp_path, entry, "json")
    assert [case["subject"] for case in ended.json()["cases"] if case["verdict"] == "failed"] == failed
    assert ended.code == (1 if failed else 0)


def test_an_expired_entry_is_a_problem_where_it_stands_even_if_nothing_breaks(tmp_path: Path) -> None:
    entry = accept("address", until="2001-01-01")
    write(tmp_path, {"address.avsc": ADDRESS, "other.avsc": '"int"', "karapace-like.toml": f"# Ours.\n{entry}"})
    ended = run("check", "--against", ".", folder=tmp_path)
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "karapace-like.toml:2:1: error: EXPIRED_ACCEPTANCE",
        (
            f"  {RULE} of address was accepted until 2001-01-01: remove the entry, or give it another day "
            "(Agreed with all.)"
        ),
        "      karapace-like.toml:2 | [[accept]]",
        "  address (address.avsc): failed, BACKWARD with .",
        "",
        "2 schemas: 1 passed, 1 failed",
    ]


@pytest.mark.parametrize(
    ("command", "rule"),
    [(["check", "--against", "."], RULE), (["lint"], "field-names"), (["lint", "--fix"], "field-names")],
)
def test_an_expired_entry_of_no_subject_fails_where_it_stands(tmp_path: Path, command: list[str], rule: str) -> None:
    settings = accept("gone", rule, until="2001-01-01") + accept("later", rule) + accept("other", "TYPE_MISMATCH")
    write(tmp_path, {"other.avsc": '"int"', "karapace-like.toml": settings})
    ended = run(*command, "--format", "json", folder=tmp_path)
    assert ended.code == 1
    failed = [(case["path"], case["problems"]) for case in ended.json()["cases"] if case["verdict"] == "failed"]
    assert [(path, len(problems), problems[0]["place"]["line"]) for path, problems in failed] == [
        ("karapace-like.toml", 1, 1)
    ]
    assert run(*command, "other.avsc", folder=tmp_path).code == 0, "entries of others are not looked at"


def test_every_report_shows_what_is_accepted(tmp_path: Path) -> None:
    settings = accept()
    assert "  accepted until 9999-12-31: Agreed with all." in check(tmp_path, settings).out.splitlines()
    assert check(tmp_path, settings).out.endswith("2 schemas: 2 passed (2 problems accepted)\n")
    for form in ("github", "markdown"):
        assert "[accepted until 9999-12-31: Agreed with all.]" in check(tmp_path, settings, form).out
    assert check(tmp_path, settings, "github").out.count("::notice file=new/address.avsc") == 1
    (result,) = check(tmp_path, settings, "sarif").json()["runs"][0]["results"]
    assert result["suppressions"] == [
        {"kind": "external", "justification": "accepted until 9999-12-31: Agreed with all."}
    ]
    suite = ET.fromstring(check(tmp_path, settings, "junit").out)[0]
    assert suite.get("failures") == "0"
    assert all("Agreed with all." in (case.findtext("system-out") or "") for case in suite)
    problem = check(tmp_path, settings, "json").json()["cases"][0]["problems"][0]
    assert (problem["severity"], problem["path"]) == ("note", "/fields/1")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (accept(rule="NO_SUCH"), "there is no rule 'NO_SUCH' that can be accepted"),
        (accept(rule="INVALID_SCHEMA"), "there is no rule 'INVALID_SCHEMA' that can be accepted"),
        (accept().replace("until = 9999-12-31\n", ""), "missing required field `until` - at `accept[0]`"),
        (accept(until='"soon"'), "at `accept[0].until`: expected a day such as 2030-06-30, without quotes"),
        (accept().replace("Agreed with all.", ""), "Expected `str` of length >= 1 - at `accept[0].reason`"),
        (accept(more="paths = 1"), "contains unknown field `paths` - at `accept[0]`"),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_it(tmp_path: Path, entry: str, sentence: str) -> None:
    ended = check(tmp_path, entry)
    assert ended.code == 2
    assert sentence in ended.err


PROTO = 'syntax = "proto3";\npackage a;\n\nmessage M {\n  %s\n  int32 aB = 1;%s\n}\n'
JSON = """\
{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "properties": {
    "first_name": {},
    "last_name": {},
    "someThing": {
      "$comment": "karapace-like: ignore field-names: The name is a law's."
    }
  }
}
"""


@pytest.mark.parametrize(
    ("above", "beside", "code"),
    [
        ("// karapace-like: ignore field-names: The partner's name.", "", 0),
        ("/* karapace-like: ignore type-doc, field-names until 9999-12-31: The partner's name. */", "", 0),
        ("", "  // karapace-like: ignore field-names: The partner's name.", 0),
        ("// karapace-like: ignore type-names: Another rule.", "", 1),
        ("// karapace-like: ignore field-names until 2001-01-01: Expired.", "", 1),
        ("// karapace-like: ignore field-names: Too far.\n\n", "", 1),
    ],
)
def test_a_comment_accepts_problems_of_its_line_and_the_next(
    tmp_path: Path, above: str, beside: str, code: int
) -> None:
    write(tmp_path, {"m.proto": PROTO % (above, beside)})
    ended = run("lint", "--strict", "--rule", "type-doc=off", "--format", "json", folder=tmp_path)
    assert ended.code == code, ended.out
    accepted = [problem["rule"] for problem in ended.json()["cases"][0]["problems"] if problem["accepted"]]
    assert accepted == ([] if code else ["field-names"])


def test_a_comment_of_a_json_schema_stands_in_the_object(tmp_path: Path) -> None:
    write(tmp_path, {"m.schema.json": JSON})
    assert run("lint", "--strict", folder=tmp_path).code == 0
    write(tmp_path, {"m.schema.json": JSON.replace("ignore field-names", "ignore type-doc")})
    assert run("lint", "--strict", folder=tmp_path).code == 1


def test_avro_takes_comments_and_attributes(tmp_path: Path) -> None:
    field = '{"name": "aB",%s "type": "int"}'
    fields = '{"name": "a_b", "type": "int"}, {"name": "b_c", "type": "int"}'
    record = f'{{"type": "record", "name": "a.R", "fields": [\n{fields},\n%s]}}'
    comment = "karapace-like: ignore field-names: As it is."
    for schema in (
        record % (f"// {comment}\n" + field % ""),
        record % (field % f' "$comment": {json.dumps(comment)},'),
    ):
        write(tmp_path, {"r.avsc": schema})
        assert run("lint", "--strict", folder=tmp_path).code == 0, schema


@pytest.mark.parametrize(
    ("comment", "sentence"),
    [
        ("// karapace-like: ignore field-names", "expected `karapace-like: ignore RULE until YYYY-MM-DD: REASON`"),
        ("// karapace-like: ignore field-names until then: No day.", "'then' is not a day"),
        ("// karapace-like: ignore field-nmes: Misspelt.", "There is no rule 'field-nmes'"),
        ("// karapace-like: ignore field-names until 2001-01-01: Old.", "field-names was accepted until 2001-01-01"),
    ],
)
def test_a_wrong_or_expired_comment_is_an_error_at_its_line(tmp_path: Path, comment: str, sentence: str) -> None:
    write(tmp_path, {"m.proto": PROTO % (comment, "")})
    ended = run("lint", folder=tmp_path)
    assert ended.code == 1
    assert "m.proto:5:6: error: " in ended.out
    assert sentence in ended.out


def test_settings_accept_problems_of_lint(tmp_path: Path) -> None:
    files = {"m.proto": PROTO % ("", ""), "karapace-like.toml": accept("m", "field-names", more='path = "#/M/1"')}
    write(tmp_path, files)
    assert run("lint", "--strict", folder=tmp_path).code == 0
    write(tmp_path, {"karapace-like.toml": accept("m", "field-names", "2001-01-01")})
    ended = run("lint", folder=tmp_path)
    assert (ended.code, "EXPIRED_ACCEPTANCE" in ended.out) == (1, True)


@pytest.mark.parametrize("level", ["BACKWARD", "FULL_TRANSITIVE", None])
@pytest.mark.parametrize("command", [["apply", "--yes"], ["register"]])
def test_an_accepted_break_is_registered_and_the_level_is_as_before(
    shop: Shop, command: list[str], level: str | None
) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    if level:
        shop.ask("PUT", f"/config/{shop.prefix}address", {"compatibility": level})
    shop.write({"address.avsc": ADDRESS_WITH_ZIP})
    assert shop.run(*command).code == 1
    shop.settings(accept(f"{shop.prefix}address"))
    ended = shop.run(*command)
    assert ended.code == 0, ended
    assert f"+ register address (address.avsc), although it breaks {RULE}" in "\n".join(shop.plain(ended.out))
    assert shop.version("address")["version"] == 2
    assert shop.own_level("address") == level
    assert markers(shop) == []
    assert shop.run("plan").out == "No changes: the registry matches the files.\n"


@pytest.mark.parametrize("level", ["FULL", None])
def test_the_next_run_repairs_what_a_killed_one_has_left(shop: Shop, level: str | None) -> None:
    """The killed run has set its marker and the level NONE, and nothing else."""
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    marker = f"karapace-like-{'restore' if level else 'unset'}"
    shop.ask("PUT", f"/config/{shop.prefix}address.{marker}", {"compatibility": level or "NONE"})
    shop.ask("PUT", f"/config/{shop.prefix}address", {"compatibility": "NONE"})
    planned = f"~ compatibility of address: NONE -> {level or 'not set'}, which an interrupted run left"
    assert shop.plain(shop.run("plan").out) == [planned]
    shop.write({"address.avsc": ADDRESS_WITH_ZIP})
    for command in (["check"], ["register"], ["apply", "--yes"]):
        assert shop.run(*command).code == 1, "judged by the level that is to be restored"
    shop.write({"address.avsc": ADDRESS_WITH_CITY})
    ended = shop.run("register")
    assert ended.code == 0
    assert shop.plain(ended.out)[0] == planned
    assert shop.own_level("address") == level
    assert markers(shop) == []


def test_a_rejected_registration_leaves_the_level_as_it_was(shop: Shop) -> None:
    """The subject is closed: only the registration itself fails."""
    shop.write({"address.avsc": ADDRESS})
    assert shop.run("register").code == 0
    shop.write({"address.avsc": ADDRESS_WITH_ZIP})
    shop.settings(accept(f"{shop.prefix}address"))
    shop.ask("PUT", f"/config/{shop.prefix}address", {"compatibility": "FULL"})
    assert shop.run("plan", "--out", "plan.json").code == 0
    version = shop.version("address")["version"]
    shop.ask("PUT", f"/mode/{shop.prefix}address", {"mode": "READONLY"})
    ended = shop.run("register")
    assert ended.code == 2
    assert shop.level("address") == "FULL"
    assert shop.version("address")["version"] == version


def markers(shop: Shop) -> list[str]:
    return [suffix for suffix in ("restore", "unset") if shop.own_level(f"address.karapace-like-{suffix}")]

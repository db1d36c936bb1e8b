"""The forms of a report follow their standards, whatever names schemas and files have.

SARIF is held against the parts of its 2.1.0 standard that are used here, closed: a property that the standard does not
have at its place is found. JUnit has no standard: the rules are those that its readers have in common.
"""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from karapace_like.tooling.rule_catalogue import describe_rules
from tests.command_line import Outcome, run, write

_COUNT = {"type": "integer", "minimum": 1}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


_TEXT = _closed(["text"], text={"type": "string", "minLength": 1})
SARIF = _closed(
    ["version", "runs"],
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "minItems": 1,
        "items": _closed(
            ["tool"],
            tool=_closed(
                ["driver"],
                driver=_closed(
                    ["name"],
                    name={"type": "string"},
                    semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                    informationUri={"type": "string", "format": "uri"},
                    rules={
                        "type": "array",
                        "uniqueItems": True,
                        "items": _closed(
                            ["id"],
                            id={"type": "string"},
                            name={"type": "string"},
                            shortDescription=_TEXT,
                            fullDescription=_TEXT,
                            help=_TEXT,
                            helpUri={"type": "string", "format": "uri"},
                            defaultConfiguration=_closed([], level={"enum": ["none", "note", "warning", "error"]}),
                        ),
                    },
                ),
            ),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results={
                "type": "array",
                "items": _closed(
                    ["message"],
                    ruleId={"type": "string"},
                    ruleIndex={"type": "integer", "minimum": -1},
                    level={"enum": ["none", "note", "warning", "error"]},
                    message=_TEXT,
                    locations={
                        "type": "array",
                        "items": _closed(
                            [],
                            physicalLocation=_closed(
                                ["artifactLocation"],
                                artifactLocation=_closed([], uri={"type": "string", "format": "uri-reference"}),
                                region=_closed([], startLine=_COUNT, startColumn=_COUNT),
                            ),
                        ),
                    },
                    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
                    properties={"type": "object"},
                    suppressions={
                        "type": "array",
                        "items": _closed(
                            ["kind"], kind={"enum": ["inSource", "external"]}, justification={"type": "string"}
                        ),
                    },
                ),
            },
            invocations={
                "type": "array",
                "items": _closed(
                    ["executionSuccessful"], executionSuccessful={"type": "boolean"}, exitCode={"type": "integer"}
                ),
            },
        ),
    },
)
"""From https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, sections 3.13 to 3.30."""

NAMES = [
    "100%",
    "a,b:c",
    "two\nlines",
    "a\n::error::forged",
    "\x1b[31mred",
    "<b>&amp;",
    "\N{ZERO WIDTH SPACE}\ufffe",
    "| pipe `tick`",
    "ünïcode 🚀",
]
FOLDER = "a, b: 100% é #1"


def document(type_: str) -> str:
    return json.dumps({"type": "object", "properties": {name: {"type": type_} for name in NAMES}}, indent=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for side, type_ in (("old", "string"), ("new", "integer")):
        write(tmp_path, {f"{side}/{FOLDER}/names.schema.json": document(type_), f"{side}/good.avsc": '"int"'})
    write(tmp_path, {"new/broken.proto": "syntax"})
    return tmp_path


def check(folder: Path, form: str) -> Outcome:
    ended = run("check", "new", "--against", "old", "--format", form, folder=folder)
    assert ended.code == 1
    return ended


def lint(folder: Path, form: str) -> Outcome:
    return run("lint", "--rule", "type-doc=warning", "--format", form, folder=folder / "new")


def line_of(name: str) -> int:
    """Where the property stands in the file."""
    return document("integer").splitlines().index(f"  {json.dumps(name)}: {{") + 1


@pytest.mark.parametrize("report", [check, lint])
def test_sarif(folder: Path, report: Any) -> None:
    log = report(folder, "sarif").json()
    jsonschema.Draft202012Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    (run_,) = log["runs"]
    rules = [each["id"] for each in run_["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    assert all(
        {"helpUri", "fullDescription", "defaultConfiguration"} <= each.keys()
        for each in run_["tool"]["driver"]["rules"]
    )
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in run_["results"])
    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run_["results"]}
    assert all(re.fullmatch(r"[A-Za-z0-9._~/%-]+", each) for each in uris)
    assert any(each.endswith("a%2C%20b%3A%20100%25%20%C3%A9%20%231/names.schema.json") for each in uris)


@pytest.mark.parametrize("report", [check, lint])
def test_junit(folder: Path, report: Any) -> None:
    root = ET.fromstring(report(folder, "junit").out)
    assert (root.tag, [each.tag for each in root]) == ("testsuites", ["testsuite"])
    (suite,) = root
    cases = list(suite)
    assert {each.tag for each in cases} == {"testcase"}
    assert all(each.get("name") and each.get("classname") for each in cases)
    outcomes = [each.tag for case in cases for each in case]
    assert set(outcomes) <= {"failure", "error", "system-out"}
    assert int(suite.get("tests", "")) == len(cases)
    assert int(suite.get("failures", "")) == outcomes.count("failure")
    assert int(suite.get("errors", "")) == outcomes.count("error")
    assert sum(float(each.get("time", "")) for each in cases) == pytest.approx(float(suite.get("time", "")), abs=1e-4)
    assert all(float(each.get("time", "")) > 0 for each in cases)
    assert all(each.get("message") and each.get("type") for case in cases for each in case if each.tag != "system-out")


def test_github_annotations_are_one_line_each_and_forge_nothing(folder: Path) -> None:
    *commands, summary = check(folder, "github").out.splitlines()
    assert summary == "3 schemas: 1 passed, 1 failed, 1 unknown"
    pattern = re.compile(r"::error file=([^,:]+),line=(\d+),col=(\d+),title=([A-Z_]+)::(.*)")
    found = [pattern.fullmatch(each) for each in commands]
    assert all(found), commands
    named = "new/a%2C b%3A 100%25 é #1/names.schema.json"
    lines = sorted(int(each[2]) for each in found if each is not None and each[1] == named)
    assert lines == sorted(map(line_of, NAMES))


@pytest.mark.parametrize("form", ["text", "github", "markdown"])
def test_nothing_that_a_schema_says_becomes_a_line_of_its_own(folder: Path, form: str) -> None:
    """CI systems obey lines that begin with `::`, terminals obey escape sequences."""
    out = check(folder, form).out
    assert not [each for each in out.splitlines() if each.startswith("::error::")]
    assert "\x1b" not in out


def test_diff_says_it_in_lines_of_its_own(folder: Path) -> None:
    files = (f"{side}/{FOLDER}/names.schema.json" for side in ("old", "new"))
    ended = run("diff", *files, folder=folder)
    assert ended.code == 1
    assert sum(each.startswith("~ field ") for each in ended.out.splitlines()) == len(NAMES)
    assert not [each for each in ended.out.splitlines() if each.startswith(("::", "lines"))]


def test_problems_of_a_file_are_told_at_their_lines(folder: Path) -> None:
    case = next(each for each in check(folder, "json").json()["cases"] if each["subject"] == "names")
    assert {each["place"]["line"] for each in case["problems"]} == set(map(line_of, NAMES))
    assert {each["old"]["line"] for each in case["problems"]} == set(map(line_of, NAMES))


@pytest.mark.parametrize("report", [check, lint])
def test_yaml_says_what_json_says(folder: Path, report: Any) -> None:
    assert yaml.safe_load(report(folder, "yaml").out) == report(folder, "json").json()


@pytest.mark.parametrize("report", [check, lint])
def test_gitlab(folder: Path, report: Any) -> None:
    entries = report(folder, "gitlab").json()
    assert entries
    for entry in entries:
        assert entry.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["lines"]["begin"] >= 1
        assert not entry["location"]["path"].startswith(("/", "./"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def many(folder: Path, count: int) -> None:
    """So many schemas with a break each."""
    for at in range(count):
        write(folder, {f"old/s{at}.avsc": '"string"', f"new/s{at}.avsc": '"int"'})


def test_github_annotations_stay_within_what_github_shows(tmp_path: Path) -> None:
    many(tmp_path, 25)
    lines = check(tmp_path, "github").out.splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert lines[10] == "::group::15 more problems"
    assert len([line for line in lines if line.endswith(")") and ": error: TYPE_MISMATCH" in line]) == 15
    assert lines[-2:] == ["::endgroup::", "25 schemas: 25 failed"]


def test_markdown_fits_a_comment(tmp_path: Path) -> None:
    many(tmp_path, 400)
    text = check(tmp_path, "markdown").out
    assert len(text) < 65_536
    assert text.endswith("The report is cut here: the log has the rest.\n")
    assert text.count("```") % 2 == 0


def test_every_rule_of_a_report_has_a_page_that_exists() -> None:
    """Headings of pages are anchors in lower case."""
    docs = Path(__file__).parents[2] / "docs"
    pages = {path: (docs / path).read_text() for path in ("ci.md", "compatibility.md", "lint.md")}
    for name, rule in describe_rules().items():
        path, _, anchor = rule.page.rpartition("/docs/")[2].partition("#")
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
            for line in pages[path].splitlines()
            if line.startswith("#")
        }
        assert anchor in headings, name

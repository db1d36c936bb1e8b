"""`karapace-like rules`: the rules of schemas, tried on records."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.tooling.rule_tests import RuleReport, describe_step, run_file

_EXAMPLES = """\b
Examples:
  karapace-like rules test orders.rules.json
"""
_TEST_EXAMPLES = """\b
Examples:
  karapace-like rules test orders.rules.json
  karapace-like rules test rules/*.json --verbose
  karapace-like rules test rules/*.json --format json
"""


@click.group(epilog=_EXAMPLES)
def rules() -> None:
    """Try the rules of schemas on records.

    Exit codes: 0 all is as expected, 1 a rule or a record is not, 2 a file cannot be read.
    """


@rules.command("test", epilog=_TEST_EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--verbose", is_flag=True, help="Show each rule's outcome, and the record after it.")
@format_option
def test_command(*, files: Sequence[Path], verbose: bool, form: str) -> None:
    """Check rules, and try them on records.

    FILES are JSON: ruleSet, schema or schemaFile, schemaType, metadata, and tests, each with a record, and `becomes` or
    `fails`. The rules run in this process.

    Exit codes: 0 all is as expected, 1 a rule cannot run or a record becomes something else, 2 a file cannot be read.
    """
    with report_failures():
        reports = [(path, run_file(path)) for path in files]
    text = "\n".join(line for path, report in reports for line in _describe(path, report, verbose=verbose))
    print_value([_convert(path, report, verbose=verbose) for path, report in reports], text, form)
    raise click.exceptions.Exit(int(any(report.is_wrong for _, report in reports)))


def _convert(path: Path, report: RuleReport, *, verbose: bool) -> dict[str, Any]:
    """Return what `_describe` says as one value."""
    return {
        "path": str(path),
        "faults": [
            {"severity": "error" if fault.is_error else "warning", "rule": fault.rule, "message": fault.message}
            for fault in report.faults
        ],
        "tests": [
            {"name": name, "passed": problem is None, "problem": problem}
            | ({"rules": msgspec.to_builtins(result.rules)} if verbose else {})
            for name, problem, result in report.results
        ],
    }


def _describe(path: Path, report: RuleReport, *, verbose: bool) -> Iterator[str]:
    for fault in report.faults:
        severity = "error" if fault.is_error else "warning"
        yield f"{path}: {severity}: {fault.rule}: {fault.message}"
    for name, problem, result in report.results:
        yield f"{path}: {'ok' if problem is None else 'FAILED'}: {name}"
        if problem is not None:
            yield f"    {problem}"
        for step in result.rules if verbose else ():
            yield f"    {describe_step(msgspec.to_builtins(step))}"
            yield f"      {msgspec.json.encode(step.after).decode()}"

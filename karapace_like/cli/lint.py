"""`karapace-like lint`: the style of schema files."""

from collections.abc import Sequence
from pathlib import Path

import click

from karapace_like.cli.outcome import (
    finish,
    open_paths,
    output_option,
    paths_argument,
    report_failures,
    settings_option,
)
from karapace_like.cli.printing import print_value
from karapace_like.tooling.fixing import FIXABLE, fix_files
from karapace_like.tooling.lint_rules import CATEGORIES, RULES
from karapace_like.tooling.linting import Linter, check_rules

_EXAMPLES = """\b
Examples:
  karapace-like lint
  karapace-like lint schemas/ --rule field-doc=warning --rule type-doc=off
  karapace-like lint --use minimal
  karapace-like lint --list-rules
"""


def _print_rules(form: str) -> None:
    if form not in {"text", "json", "yaml"}:
        raise click.UsageError(f"--list-rules has no format {form}: choose from text, json, yaml.")
    rules = [
        {
            "name": rule.name,
            "severity": rule.default,
            "category": rule.category,
            "types": sorted(rule.types),
            "about": rule.about,
        }
        for rule in RULES.values()
    ]
    lines = (
        f"{rule.name:<18} {rule.default:<8} {rule.category or '':<9} {', '.join(sorted(rule.types)):<21} {rule.about}"
        for rule in RULES.values()
    )
    print_value(rules, "\n".join(lines), form)


@click.command(epilog=_EXAMPLES)
@paths_argument
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="NAME=SEVERITY",
    help="Severity of a rule: error, warning, note or off. May be repeated.",
)
@click.option(
    "--use",
    "category",
    type=click.Choice(list(CATEGORIES)),
    help="Category of rules: each includes those before it.  [default: from the settings file, or standard]",
)
@click.option("--fix", is_flag=True, help=f"Fix what has one right answer in the files: {', '.join(sorted(FIXABLE))}.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--list-rules", is_flag=True, help="List the rules with their default severities, categories and schema types."
)
@settings_option
@output_option
def lint(
    *,
    paths: Sequence[Path],
    rules: Sequence[str],
    category: str | None,
    fix: bool,
    strict: bool,
    list_rules: bool,
    settings: Path | None,
    outputs: Sequence[tuple[str, str | None]],
) -> None:
    """Check the style of schema files: names, documentation, defaults and order.

    PATHS are files or folders; by default, the current folder. The [lint] table of karapace-like.toml and --rule set
    severities.

    Exit codes: 0 no errors, 1 errors, 2 a schema or a setting cannot be read.
    """
    if list_rules:
        _print_rules(outputs[0][0] if outputs else "text")
        return
    with report_failures():
        overrides = {name: severity for name, _, severity in (setting.partition("=") for setting in rules)}
        check_rules(overrides, "--rule")
        opened = open_paths(paths, settings)
        linter = Linter(opened.workspace, overrides, strict=strict, category=category)
        if fix:
            fixed = fix_files(opened.root, opened.workspace.files, linter.report(opened.paths))
            for path in fixed:
                click.echo(f"Fixed: {opened.root.joinpath(path)}", err=True)
            opened = open_paths(paths, settings)
            linter = Linter(opened.workspace, overrides, strict=strict, category=category)
        finish(linter.report(opened.paths).below(opened.shown_root), outputs)

"""Options and outcomes that the commands on schemas share: output formats, reports and failures."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from karapace_like.cli.failures import CannotTellError
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.opening import Opened, open_workspace
from karapace_like.tooling.project import FILE_NAME
from karapace_like.tooling.rendering import FORMS, FROM_REPOSITORY, render
from karapace_like.tooling.report import Report

C = TypeVar("C", bound=Callable[..., object])


class _Output(click.ParamType[tuple[str, str | None]]):
    """FORMAT or FORMAT=FILE."""

    name = "FORMAT[=FILE]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | None]:
        form, _, file = value.partition("=")
        if form not in FORMS:
            self.fail(f"{form!r} is not a format. Choose from {', '.join(FORMS)}.", param, ctx)
        return form, file or None


paths_argument = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
settings_option = click.option(
    "--config",
    "settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings file.  [default: karapace-like.toml in this folder or the nearest one above, within the repository]",
)
output_option = click.option(
    "--format",
    "outputs",
    type=_Output(),
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"Output format: {', '.join(FORMS)}. May be repeated: --format text --format junit=report.xml.",
)


@contextmanager
def report_failures() -> Iterator[None]:
    """Turn a ToolError into a message and exit code 2."""
    try:
        yield
    except ToolError as error:
        raise CannotTellError(str(error)) from error


def open_paths(paths: Sequence[Path], settings: Path | None, against: str | None = None) -> Opened:
    """Return the schemas that `open_workspace` finds, with a note for each named file that is none."""
    opened = open_workspace(paths, settings, against)
    for path in opened.skipped:
        click.echo(
            f"Note: {path} is skipped. Schemas are .avsc and .proto files, and .json files with a $schema of "
            f"json-schema.org or the name *.schema.json, unless {FILE_NAME} excludes them.",
            err=True,
        )
    return opened


def _find_folder_in_repository() -> str:
    """Return the path of the current folder below the top of its repository; empty outside of one."""
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    return "" if top == here else here.relative_to(top).as_posix()


def finish(report: Report, outputs: Sequence[tuple[str, str | None]]) -> NoReturn:
    """Write the report in each requested format, and end the process with its exit code."""
    for form, file in outputs or [("text", None)]:
        shown = report.below(_find_folder_in_repository()) if form in FROM_REPOSITORY else report
        rendered = render(shown, form)
        if file is None:
            click.echo(rendered, nl=False)
            continue
        try:
            Path(file).write_text(rendered, encoding="utf-8")
        except OSError as error:
            raise ToolError(f"The report cannot be written to {file}: {error.strerror}.") from error
    sys.exit(report.exit_code)

"""What commands on schemas share: options for the output, and how a report and a failure end the process."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.opening import Opened, open_workspace
from karapace_like.tooling.project import FILE_NAME
from karapace_like.tooling.rendering import RENDERINGS
from karapace_like.tooling.report import Report

C = TypeVar("C", bound=Callable[..., object])


class CannotTellError(click.ClickException):
    """The command could not do its work; exit code 2, as for wrong arguments."""

    exit_code = 2


class _Output(click.ParamType[tuple[str, str | None]]):
    """FORMAT or FORMAT=FILE."""

    name = "FORMAT[=FILE]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | None]:
        form, _, file = value.partition("=")
        if form not in RENDERINGS:
            self.fail(f"{form!r} is no format. Choose from {', '.join(RENDERINGS)}.", param, ctx)
        return form, file or None


paths_argument = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
settings_option = click.option(
    "--config",
    "settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings file.  [default: karapace-like.toml here or in a folder above, up to the repository's top]",
)
output_option = click.option(
    "--format",
    "outputs",
    type=_Output(),
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"Output: {', '.join(RENDERINGS)}. May be repeated, with files: --format text --format junit=report.xml.",
)


@contextmanager
def failures_told() -> Iterator[None]:
    """What makes a command impossible is told in a sentence, with exit code 2."""
    try:
        yield
    except ToolError as error:
        raise CannotTellError(str(error)) from error


def open_paths(paths: Sequence[Path], settings: Path | None, against: str | None = None) -> Opened:
    """The schemas that are meant, as `open_workspace` finds them; what was named and is none is told."""
    found = open_workspace(paths, settings, against)
    for each in found.passed_over:
        click.echo(
            f"Note: {each} is passed over: it is no .avsc or .proto file, and no .json file that says $schema or is "
            f"called *.schema.json; or {FILE_NAME} leaves it out.",
            err=True,
        )
    return found


def finish(report: Report, outputs: Sequence[tuple[str, str | None]]) -> NoReturn:
    """Write the report in every form that was asked for, and end with its exit code."""
    for form, file in outputs or [("text", None)]:
        written = RENDERINGS[form](report)
        if file is None:
            click.echo(written, nl=False)
            continue
        try:
            Path(file).write_text(written, encoding="utf-8")
        except OSError as error:
            raise ToolError(f"The report cannot be written to {file}: {error.strerror}.") from error
    sys.exit(report.exit_code)

"""`karapace-like config`: the configuration of the service."""

import os
import re
import shlex
from pathlib import Path

import click
import msgspec

from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_value
from karapace_like.config import ENVIRONMENT_PREFIX, Group, Reading, describe_settings, read
from karapace_like.config.conversion import Conversion, convert_file
from karapace_like.config.description import Setting
from karapace_like.config.errors import ConfigError
from karapace_like.config.files import find_file_faults
from karapace_like.config.values import describe_type, format_value
from karapace_like.config.warnings import find_warnings

_EXAMPLES = """\b
Examples:
  karapace-like config check /etc/karapace.config.json
"""
_CHECK_EXAMPLES = """\b
Examples:
  karapace-like config check /etc/karapace.config.json
  KARAPACE_PORT=8081 karapace-like config check
"""
_SHOW_EXAMPLES = """\b
Examples:
  karapace-like config show
  karapace-like config show /etc/karapace.config.json --changed
"""
_LIST_EXAMPLES = """\b
Examples:
  karapace-like config list
  karapace-like config list consumer
"""
_CONVERT_EXAMPLES = """\b
Examples:
  karapace-like config convert karapace.config.json > registry.json
  karapace-like config convert /etc/schema-registry/schema-registry.properties
  karapace-like config convert kafka-rest.properties --format env > karapace.env
"""
_file_argument = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]"
)


@click.group(epilog=_EXAMPLES)
def config() -> None:
    """Work with configurations of the service; docs/configuration.md lists its settings.

    Exit codes: 0 done, 1 something is to be done by hand, 2 the configuration is wrong.
    """


@config.command("check", epilog=_CHECK_EXAMPLES)
@_file_argument
@format_option
def check_command(*, file: Path | None, form: str) -> None:
    """Check the settings in FILE and in KARAPACE_* of the environment, and the files that they name.

    Every error is reported, one a line. Unknown names and risks are warnings.

    Exit codes: 0 the service would start with them, 2 they are wrong.
    """
    reading = read(file=file, environment=os.environ)
    warnings = [*reading.unknown, *find_warnings(reading.settings)]
    faults = [fault.sentence for fault in (*reading.faults, *map(reading.locate, find_file_faults(reading.settings)))]
    if form == "text":
        for severity, sentences in (("Warning", warnings), ("Error", faults)):
            for sentence in sentences:
                click.echo(f"{severity}: {sentence}", err=True)
    text = "" if faults else f"The configuration is valid: {len(reading.origins)} settings are set."
    print_value({"errors": faults, "warnings": warnings, "settings": len(reading.origins)}, text, form)
    if faults:
        raise click.exceptions.Exit(2)


@config.command("show", epilog=_SHOW_EXAMPLES)
@_file_argument
@click.option("--changed", is_flag=True, help="Only settings that are set somewhere.")
@format_option
def show_command(*, file: Path | None, changed: bool, form: str) -> None:
    """Print the effective value of each setting and where it comes from; secrets are masked.

    Exit codes: 0 done, 2 the settings are wrong.
    """
    reading = _read_valid(file)
    shown = {
        setting.name: (format_value(getattr(reading.settings, setting.name)), reading.origins.get(setting.name))
        for setting in describe_settings()
        if setting.name in reading.origins or not changed
    }
    origins = {name: "default" if origin is None else f"from {origin}" for name, (_, origin) in shown.items()}
    values = {name: {"value": value, "origin": origins[name]} for name, (value, _) in shown.items()}
    print_value(values, "\n".join(f"{name} = {value}  ({origins[name]})" for name, (value, _) in shown.items()), form)


@config.command("list", epilog=_LIST_EXAMPLES)
@click.argument("part", required=False, default="")
@format_option
def list_command(*, part: str, form: str) -> None:
    """Print every setting with its type, default, meaning and an example; with PART only those whose name holds it.

    Exit codes: 0 done, 2 no setting has such a name.
    """
    settings = [setting for setting in describe_settings() if part in setting.name]
    if not settings:
        raise CannotTellError(f"No setting's name holds {part!r}.")
    if form != "text":
        print_value([_convert_setting(setting) for setting in settings], "", form)
        return
    for group in Group:
        members = [setting for setting in settings if setting.group is group]
        if members:
            click.echo(f"{group.title}: {_strip_links(group.about)}\n")
        for setting in members:
            click.echo(f"  {setting.name}: {describe_type(setting.name)}")
            click.echo(click.wrap_text(_strip_links(setting.description), 100, "      ", "      "))
            more = f"Or {setting.name}_file." if setting.is_secret else f"Example: {format_value(setting.example)}"
            click.echo(f"      Default: {format_value(setting.default)}. {more}\n")


def _convert_setting(setting: Setting) -> dict[str, str]:
    """Return what `config list` prints about a setting as one value."""
    return {
        "name": setting.name,
        "group": setting.group.title,
        "type": describe_type(setting.name),
        "description": _strip_links(setting.description),
        "default": format_value(setting.default),
        "example": format_value(setting.example),
    }


def _strip_links(text: str) -> str:
    """Return the text of the documentation without the addresses of its links."""
    return re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"docs/\2", text)


def _read_valid(file: Path | None) -> Reading:
    reading = read(file=file, environment=os.environ)
    try:
        reading.require()
    except ConfigError as error:
        raise CannotTellError(str(error)) from error
    return reading


@config.command("convert", epilog=_CONVERT_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "env"]),
    default="json",
    show_default=True,
    help="json: a file for `karapace-like serve`. env: lines for a shell or an environment file.",
)
@click.option("--secrets", is_flag=True, help="Print passwords and tokens, too; without it they are to be set by hand.")
def convert_command(*, file: Path, form: str, secrets: bool) -> None:
    """Convert a configuration of Karapace (JSON), Confluent Schema Registry or Confluent REST Proxy (.properties).

    The settings go to standard output. Names without a counterpart go to standard error, each with the reason.
    Settings are added where the other product's default is another one.

    Exit codes: 0 everything is converted, 1 something is to be done by hand, 2 the file is no such configuration.
    """
    try:
        conversion = convert_file(file)
    except ConfigError as error:
        raise CannotTellError(str(error)) from error
    if not secrets:
        conversion.leave_out_secrets()
    click.echo(_FORMS[form](conversion), nl=False)
    click.echo(f"Converted from {conversion.product.name}: {len(conversion.settings)} settings.", err=True)
    for name, reason in conversion.unconverted.items():
        click.echo(f"Not converted: {name}: {reason}.", err=True)
    if conversion.unconverted:
        raise click.exceptions.Exit(1)


def _format_json(conversion: Conversion) -> str:
    return msgspec.json.format(msgspec.json.encode(conversion.settings), indent=2).decode() + "\n"


def _format_env(conversion: Conversion) -> str:
    lines = []
    for name, value in conversion.settings.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        lines.append(f"{ENVIRONMENT_PREFIX}{name.removeprefix('karapace_').upper()}={shlex.quote(text)}\n")
    return "".join(lines)


_FORMS = {"json": _format_json, "env": _format_env}

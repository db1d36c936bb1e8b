"""The command line `karapace-like`. Each command is a module of this package, imported only when it is called."""

import codecs
import io
import os
import sys
import traceback
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

import click

from karapace_like.cli.failures import CannotTellError, find_failure
from karapace_like.process.ending import run_as_process

_COMMANDS = {
    "serve": "Serve the schema registry and the Kafka REST proxy.",
    "config": "Check, show, list and convert the settings of the service.",
    "kafka": "Run an embedded Apache Kafka for trials and tests.",
    "check": "Check schema files for compatibility with earlier versions.",
    "lint": "Check the style of schema files.",
    "rules": "Try the rules of schemas on records.",
    "diff": "Compare two versions of a schema.",
    "impact": "List the registered versions and subjects that a schema file would break.",
    "pull": "Write the schemas and settings of a registry to files.",
    "register": "Register schema files.",
    "plan": "Show the changes that `apply` would make to a registry.",
    "apply": "Bring a registry to the state that a folder describes.",
    "subjects": "List the subjects of a registry.",
    "versions": "List the versions of a subject.",
    "show": "Show a schema in a registry.",
    "find": "Find a word or an id in the schemas of a registry.",
    "delete": "Delete a subject or a version.",
    "level": "Show or set a compatibility level.",
    "mode": "Show or set a mode.",
    "produce": "Write lines to a topic as records.",
    "consume": "Show the records of a topic.",
    "tail": "Show the records that arrive in a topic.",
    "export": "Back up a running registry.",
    "import": "Restore a backup with its ids and versions.",
    "verify": "Compare a backup with a registry.",
    "mirror": "Keep a copy of a registry in another one, until it is promoted.",
    "takeover": "Watch a group of two products, and say which node is safe to stop.",
    "keys": "List, rotate and rewrap the keys of a DEK registry.",
    "doctor": "Diagnose and repair a schemas topic.",
    "passwd": "Create an authfile entry for a user.",
    "completion": "Print a completion script for a shell.",
}
"""Name -> summary; it stands here so that the list of commands imports none of them."""
_SERVICES = frozenset({"serve", "kafka"})
"""Commands that run until a signal ends them; their exit code 1 means a failure."""

_PROGRAM = "karapace-like"
_PIPE_CLOSED = 141
"""The exit code that shells give to a process that SIGPIPE ended."""


def _set_output_encoding() -> None:
    """Write UTF-8, as files of reports have it, unless to a terminal, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a failure never ends with 1, which means incompatible schemas."""
        _set_output_encoding()
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of the output has closed it. The rest of the buffer is discarded.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(_PIPE_CLOSED) from None
        except click.exceptions.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if (failure := find_failure(error)) is not None:
                raise failure from error
            if ctx.invoked_subcommand in _SERVICES:
                raise
            traceback.print_exc()
            raise CannotTellError("This is a bug in karapace-like. Please report it with the lines above.") from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(f"{__name__}.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        similar = get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and similar:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{similar[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


_EPILOG = """\b
Examples:
  karapace-like serve --dev
  karapace-like check --against origin/main
  karapace-like export registry.jsonl --registry http://localhost:8081

\b
Environment:
  KARAPACE_*               settings of the service; docs/configuration.md lists them
  KARAPACE_LIKE_REGISTRY   registry of the commands: --registry
  KARAPACE_LIKE_PROXY      REST proxy of produce, consume and tail: --proxy
  KARAPACE_LIKE_USER, KARAPACE_LIKE_PASSWORD, KARAPACE_LIKE_TOKEN   credentials at both
"""


@click.group(
    cls=_LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(package_name="karapace-like")
@click.pass_context
def main(context: click.Context) -> None:
    """A Confluent-compatible schema registry and a Kafka REST proxy in one service, and tools for CI and operators.

    `karapace-like COMMAND --help` describes a command, its exit codes and examples.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run() -> NoReturn:
    """Run the command line of this process, and end the process with the exit code of the command."""
    run_as_process(partial(main, prog_name=_PROGRAM))

"""The command line `karapace-like`. A command is a file of this folder, imported only when it is the one typed."""

import os
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

_COMMANDS = {
    "serve": "Serve the schema registry and the Kafka REST proxy.",
    "kafka": "Run a real Apache Kafka for trials and tests.",
    "check": "Check that schemas in files may follow the versions before them.",
    "lint": "Look at how schemas in files are written.",
    "diff": "Tell two versions of a schema apart.",
    "impact": "Tell who would be affected by a schema: versions, and subjects that refer to it.",
    "register": "Register schemas in files.",
    "plan": "Show what would make a registry what a folder says.",
    "apply": "Make a registry what a folder says.",
    "export": "Back a registry up while it runs.",
    "import": "Restore a backup, with its ids and versions.",
    "verify": "Compare a backup with a registry.",
    "doctor": "Find and repair what is wrong with a schemas topic.",
    "passwd": "Print an entry of an authfile.",
    "completion": "Print what makes a shell complete commands and options.",
}
"""Name -> what it does, said here so that the list of commands needs none of them."""
_SERVICES = frozenset({"serve", "kafka"})
"""Those that run until they are ended: their exit code 1 says that something failed."""


_PIPE_CLOSED = 141
"""The exit code that shells give to what ended because nobody read its output any more."""


class _RefusedError(click.ClickException):
    """The command could not do its work; exit code 2, as for wrong arguments."""

    exit_code = 2


class _InterruptedError(click.ClickException):
    """The user left off; the exit code is the one that shells give it."""

    exit_code = 130


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """What could not be done never ends with 1, which says that schemas are incompatible."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read the output has enough. What is left in the buffer goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(_PIPE_CLOSED) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise _RefusedError(f"{where}{error.strerror or error}.") from error
        except (KeyboardInterrupt, click.Abort) as error:
            raise _InterruptedError("Interrupted.") from error
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            if ctx.invoked_subcommand in _SERVICES:
                raise
            traceback.print_exc()
            raise _RefusedError("A fault of karapace-like itself. Please report it with the lines above.") from error

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
  KARAPACE_*               settings of the service, as docs/configuration.md lists them
  KARAPACE_LIKE_REGISTRY   the registry that commands ask: --registry
  KARAPACE_LIKE_USER, KARAPACE_LIKE_PASSWORD, KARAPACE_LIKE_TOKEN   who asks
"""


@click.group(
    cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="karapace-like")
def main() -> None:
    """A Confluent-compatible schema registry and a Kafka REST proxy in one service, and tools for CI and operators.

    `karapace-like COMMAND --help` tells what a command takes, with its exit codes and examples.
    """

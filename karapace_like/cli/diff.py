"""`karapace-like diff`: the differences between two versions of a schema."""

import sys

import click

from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.diffing import compare_versions, format_lines
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.operands import RegisteredName, parse_registered_name, read_file_version

_EXAMPLES = """\b
Examples:
  karapace-like diff old.avsc new.avsc
  karapace-like diff origin/main:schemas/orders.avsc schemas/orders.avsc
  karapace-like diff orders@1 orders@latest --registry http://localhost:8081
  karapace-like diff orders@latest schemas/orders.avsc --registry http://localhost:8081
"""


@click.command(epilog=_EXAMPLES)
@click.argument("old")
@click.argument("new")
@format_option
@registry_options(required=False)
def diff(*, old: str, new: str, form: str, registry: str | None, **credentials: str | None) -> None:
    """Compare two versions of a schema: fields, types, defaults, documentation, and compatibility in both directions.

    OLD and NEW are files, files of a Git revision (REVISION:PATH), or versions in a registry (SUBJECT@VERSION, where
    VERSION may be `latest`). Layout is ignored.

    Exit codes: 0 equal, 1 different, 2 error.
    """

    def open_version(operand: str) -> Earlier:
        name = parse_registered_name(operand)
        if name is None:
            try:
                return read_file_version(operand)
            except InvalidSchemaError as error:
                raise ToolError(f"{operand} cannot be read: {error}") from error
        if registry is None:
            raise ToolError(f"{operand} is a version in a registry: name the registry with --registry URL.")
        return _open_registered_version(name, registry, credentials)

    with report_failures():
        difference = compare_versions(open_version(old), open_version(new))
    print_value(difference, format_lines(difference).removesuffix("\n"), form)
    sys.exit(1 if difference.changes else 0)


def _open_registered_version(name: RegisteredName, registry: str, credentials: dict[str, str | None]) -> Earlier:
    from karapace_like.tooling.remote import Remote  # noqa: PLC0415 - brings an HTTP client

    async def read(remote: Remote) -> Earlier:
        registered = await remote.fetch_version(name.subject, name.version)
        if registered is None:
            raise ToolError(f"The registry has no version {name.version} of {name.subject!r}.")
        return await remote.resolve(registered)

    return ask_registry(read, registry, credentials)

"""`karapace-like diff`: what is different between two versions of a schema."""

import sys

import click
import msgspec

from karapace_like.cli.outcome import failures_told
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.diffing import difference
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.operands import RegisteredName, in_files, registered_name

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
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@registry_options(required=False)
def diff(*, old: str, new: str, as_json: bool, registry: str | None, **credentials: str | None) -> None:
    """Tell two versions of a schema apart: fields, types, defaults, documentation, and who can read whose data.

    OLD and NEW are files, files of a Git revision (REVISION:PATH), or versions in a registry (SUBJECT@VERSION, where
    VERSION may be `latest`). Layout makes no difference.

    Exit codes: 0 no difference, 1 there is one, 2 could not tell.
    """

    def version(operand: str) -> Earlier:
        name = registered_name(operand)
        if name is None:
            try:
                return in_files(operand)
            except InvalidSchemaError as error:
                raise ToolError(f"{operand} cannot be read: {error}") from error
        if registry is None:
            raise ToolError(f"{operand} is a version in a registry: say which one, by --registry URL.")
        return _registered(name, registry, credentials)

    with failures_told():
        found = difference(version(old), version(new))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo(found.text(), nl=False)
    sys.exit(1 if found.changes else 0)


def _registered(name: RegisteredName, registry: str, credentials: dict[str, str | None]) -> Earlier:
    from karapace_like.tooling.remote import Remote  # noqa: PLC0415 - brings an HTTP client

    async def read(remote: Remote) -> Earlier:
        found = await remote.version(name.subject, name.version)
        if found is None:
            raise ToolError(f"The registry has no version {name.version} of {name.subject!r}.")
        return await remote.earlier(found)

    return ask_registry(read, registry, credentials)

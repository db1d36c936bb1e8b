"""`karapace-like keys export`, `import` and `verify`: backups of the keys of a DEK registry."""

import sys
from pathlib import Path

import click

from karapace_like.backup import archive, key_archives
from karapace_like.backup.errors import ArchiveError
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.keys.store import KeyStore
from karapace_like.tooling.remote import Remote

_EXPORT_EXAMPLES = """\b
Examples:
  karapace-like keys export keys.jsonl
  karapace-like keys export keys.jsonl --secrets
"""
_IMPORT_EXAMPLES = """\b
Examples:
  karapace-like keys import keys.jsonl
"""
_VERIFY_EXAMPLES = """\b
Examples:
  karapace-like keys verify keys.jsonl
"""
_file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command("export", epilog=_EXPORT_EXAMPLES)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--secrets", is_flag=True, help="Include secrets of KEKs, as far as the registry shows them to you.")
@registry_options(required=True)
@format_option
def export_command(*, file: Path, secrets: bool, form: str, registry: str, **credentials: str | None) -> None:
    """Write all KEKs and wrapped DEKs of a DEK registry to FILE, which only you may read.

    Exit codes: 0 written, 2 error.
    """
    try:
        archive.check_writable(file)
        store = _read(registry, credentials, with_secrets=secrets)
        count = key_archives.write_archive(file, store)
    except ArchiveError as error:
        raise CannotTellError(str(error)) from error
    print_value({"file": str(file), "keys": count}, f"{count} keys written to {file}", form)


@click.command("import", epilog=_IMPORT_EXAMPLES)
@_file_argument
@registry_options(required=True)
@format_option
def import_command(*, file: Path, form: str, registry: str, **credentials: str | None) -> None:
    """Create the KEKs and DEKs of FILE that the registry lacks; those that it has stay as they are.

    A DEK of a shared KEK is unwrapped as a check, for which its KMS has to be at hand: with an archive without secrets,
    set kmsProps of the KEK, and run the command again.

    Exit codes: 0 restored, 1 restored in part, 2 error.
    """
    backup = _read_archive(file)

    async def restore(remote: Remote) -> key_archives.KeyOutcome:
        return await key_archives.restore(remote.client, backup)

    outcome = ask_registry(restore, registry, credentials)
    print_value(outcome, f"{outcome.keks} KEKs and {outcome.deks} DEKs created", form)
    for line in outcome.refused if form == "text" else ():
        click.echo(line, err=True)
    if outcome.refused:
        sys.exit(1)


@click.command("verify", epilog=_VERIFY_EXAMPLES)
@_file_argument
@registry_options(required=True)
@format_option
def verify_command(*, file: Path, form: str, registry: str, **credentials: str | None) -> None:
    """Compare FILE with the keys of a registry, and list the differences. Secrets are compared where both have them.

    Exit codes: 0 equal, 1 different, 2 error.
    """
    backup = _read_archive(file)
    differences = list(map(str, key_archives.find_differences(backup, _read(registry, credentials, with_secrets=True))))
    print_value({"differences": differences}, "\n".join(differences) or "Equal", form)
    if differences and form == "text":
        click.echo(f"{len(differences)} differences", err=True)
    if differences:
        sys.exit(1)


def _read_archive(file: Path) -> KeyStore:
    try:
        return key_archives.read_archive(file)
    except ArchiveError as error:
        raise CannotTellError(str(error)) from error


def _read(registry: str, credentials: dict[str, str | None], *, with_secrets: bool) -> KeyStore:
    async def read(remote: Remote) -> KeyStore:
        return await key_archives.read(remote.client, with_secrets=with_secrets)

    return ask_registry(read, registry, credentials)

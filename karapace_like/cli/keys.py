"""`karapace-like keys`: the keys of a DEK registry."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click
import msgspec

from karapace_like.cli.arguments import NON_EMPTY
from karapace_like.cli.key_archives import export_command, import_command, verify_command
from karapace_like.cli.printing import format_option, print_item, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.keys import ALGORITHMS, KeysRemote, ListedDek, ListedKek, require_sharing
from karapace_like.tooling.remote import Remote

T = TypeVar("T")

_EXAMPLES = """\b
Examples:
  karapace-like keys list
"""
_LIST_EXAMPLES = """\b
Examples:
  karapace-like keys list
  karapace-like keys list people
"""
_REWRAP_EXAMPLES = """\b
Examples:
  karapace-like keys rewrap people
  karapace-like keys rewrap people --subject people-value
"""
_ROTATE_EXAMPLES = """\b
Examples:
  karapace-like keys rotate people
  karapace-like keys rotate people --subject people-value --algorithm AES256_GCM
"""
_kek_argument = click.argument("kek", type=NON_EMPTY)
_subject_option = click.option("--subject", type=NON_EMPTY, help="Only DEKs of this subject.")
_algorithm_option = click.option("--algorithm", type=click.Choice(ALGORITHMS), help="Only DEKs of this algorithm.")


@click.group(epilog=_EXAMPLES)
def keys() -> None:
    """Work with the keys of a DEK registry; docs/encryption.md explains them.

    Exit codes: 0 done, 2 error.
    """


for _command in (export_command, import_command, verify_command):
    keys.add_command(_command)


@keys.command("list", epilog=_LIST_EXAMPLES)
@click.argument("kek", required=False, type=NON_EMPTY)
@registry_options(required=True)
@format_option
def list_command(*, kek: str | None, form: str, registry: str, **credentials: str | None) -> None:
    """List the KEKs, or KEK alone, with their DEKs. Neither keys nor properties of the KMS are printed.

    Exit codes: 0 done, 2 error.
    """

    async def work(remote: KeysRemote) -> list[_KekWithDeks]:
        return [
            _KekWithDeks(listed, [dek async for dek in remote.list_deks(listed)])
            for listed in await remote.list_keks(kek)
        ]

    listed = _ask(work, registry, credentials)
    values = [
        {**msgspec.to_builtins(kek_with_deks.kek), "deks": [dek._asdict() for dek in kek_with_deks.deks]}
        for kek_with_deks in listed
    ]
    print_value(values, "\n".join(line for kek_with_deks in listed for line in _describe(kek_with_deks)), form)


class _KekWithDeks(NamedTuple):
    """A KEK and what it wraps."""

    kek: ListedKek
    deks: Sequence[ListedDek]


def _describe(listed: _KekWithDeks) -> Iterator[str]:
    kek = listed.kek
    yield f"{kek.name}  {kek.kms_type}://{kek.kms_key_id}{' shared' if kek.shared else ''}"
    for dek in listed.deks:
        yield f"  {dek.subject}  {dek.algorithm}  versions {', '.join(map(str, dek.versions))}"


@keys.command("rewrap", epilog=_REWRAP_EXAMPLES)
@_kek_argument
@_subject_option
@_algorithm_option
@registry_options(required=True)
@format_option
def rewrap_command(
    *, kek: str, subject: str | None, algorithm: str | None, form: str, registry: str, **credentials: str | None
) -> None:
    """Wrap the DEKs of the shared KEK again, with the current version of the KMS's key.

    The DEKs stay the same, and records stay readable. Earlier versions of the KMS's key are not needed afterwards.

    Exit codes: 0 done, 2 error; what was wrapped before it stays.
    """

    async def work(remote: KeysRemote) -> None:
        await _change(remote, kek, subject, algorithm, form, _rewrap)

    _ask(work, registry, credentials)


@keys.command("rotate", epilog=_ROTATE_EXAMPLES)
@_kek_argument
@_subject_option
@_algorithm_option
@registry_options(required=True)
@format_option
def rotate_command(
    *, kek: str, subject: str | None, algorithm: str | None, form: str, registry: str, **credentials: str | None
) -> None:
    """Generate the next version of the DEKs of the shared KEK.

    Clients use it for new records if their rule has encrypt.dek.expiry.days; earlier records stay readable.

    Exit codes: 0 done, 2 error; what was rotated before it stays.
    """

    async def work(remote: KeysRemote) -> None:
        await _change(remote, kek, subject, algorithm, form, _rotate)

    _ask(work, registry, credentials)


async def _change(
    remote: KeysRemote,
    kek: str,
    subject: str | None,
    algorithm: str | None,
    form: str,
    change: Callable[[KeysRemote, Any], Awaitable[tuple[Mapping[str, int], str]]],
) -> None:
    """Change each DEK, and print what was done; say so where there is none."""
    [listed] = await remote.list_keks(kek)
    require_sharing(listed)
    count = 0
    async for dek in remote.list_deks(listed, subject):
        if algorithm in {None, dek.algorithm}:
            done, words = await change(remote, dek)
            value = {"subject": dek.subject, "algorithm": dek.algorithm, **done}
            print_item(value, f"{dek.subject}  {dek.algorithm}  {words}", form)
            count += 1
    if not count:
        click.echo(f"The KEK {kek} has no such DEK.", err=True)


async def _rewrap(remote: KeysRemote, dek: Any) -> tuple[Mapping[str, int], str]:
    count = await remote.rewrap(dek)
    return {"versions_wrapped": count}, f"{count} versions wrapped"


async def _rotate(remote: KeysRemote, dek: Any) -> tuple[Mapping[str, int], str]:
    version = await remote.rotate(dek)
    return {"version": version}, f"version {version}"


def _ask(work: Callable[[KeysRemote], Awaitable[T]], registry: str, credentials: dict[str, str | None]) -> T:
    async def ask(remote: Remote) -> T:
        return await work(KeysRemote(remote.client))

    return ask_registry(ask, registry, credentials)

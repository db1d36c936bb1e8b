"""How commands reach a registry: the options, and what is told where it cannot be reached or refuses.

The client is imported where it is used: a command that is run without a registry starts without it.
"""

import netrc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import click

from karapace_like.cli.progress import ProgressBar
from karapace_like.tooling.errors import ToolError

if TYPE_CHECKING:
    from karapace_like.tooling.remote import Remote

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., object])


def registry_options(*, required: bool) -> Callable[[C], C]:
    """`--registry`, `--user`, `--password` and `--token`."""

    def decorate(command: C) -> C:
        for option in (
            click.option(
                "--token",
                envvar="KARAPACE_LIKE_TOKEN",
                show_envvar=True,
                help="A bearer token instead of user and password.",
            ),
            click.option(
                "--password",
                envvar="KARAPACE_LIKE_PASSWORD",
                show_envvar=True,
                help="Of the user. In the environment, other users do not see it.",
            ),
            click.option(
                "--user",
                envvar="KARAPACE_LIKE_USER",
                show_envvar=True,
                help="Who asks, where the registry wants to know.  [default: the URL's, else ~/.netrc's]",
            ),
            click.option(
                "--registry",
                metavar="URL",
                required=required,
                envvar="KARAPACE_LIKE_REGISTRY",
                show_envvar=True,
                help="A registry: this service's, Confluent's or Karapace's.",
            ),
        ):
            command = option(command)
        return command

    return decorate


def ask_registry(work: "Callable[[Remote], Awaitable[T]]", registry: str, credentials: Mapping[str, str | None]) -> T:
    """What the work answers, given `user`, `password` and `token`; raises ToolError as `registry_failures` does."""
    import asyncio  # noqa: PLC0415 - see above

    async def inside() -> T:
        async with reached(registry, credentials) as remote:
            return await work(remote)

    with registry_failures():
        return asyncio.run(inside())


@asynccontextmanager
async def reached(registry: str, credentials: Mapping[str, str | None]) -> "AsyncIterator[Remote]":
    """The registry, which has answered as one; raises what `registry_failures` understands."""
    from karapace_like.client.registry_client import Credentials, RegistryClient  # noqa: PLC0415 - see above
    from karapace_like.tooling.remote import Remote  # noqa: PLC0415 - see above

    user, password, token = _given(registry, credentials)
    if user is not None and ":" in user:
        raise ToolError(f"The user {user!r} holds a colon, which no user may. Look at --user and --password.")
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ToolError("The token holds what no bearer token may: white space or unusual characters. Look at --token.")
    async with RegistryClient(registry, Credentials(user, password, token)) as client:
        remote = Remote(client, ProgressBar())
        await remote.greet()
        yield remote


@contextmanager
def registry_failures() -> Iterator[None]:
    """Raise ToolError that says what is wrong with the registry or the credentials."""
    from karapace_like.client.registry_client import RefusedError, UnreachableError  # noqa: PLC0415 - see above

    try:
        yield
    except UnreachableError as error:
        raise ToolError(f"{error}. Look at --registry, and whether the service runs.") from error
    except RefusedError as error:
        hint = " Look at --user, --password and --token." if error.status in {401, 403} else ""
        raise ToolError(f"The registry refused: {error} ({error.code}).{hint}") from error


def _given(registry: str, options: Mapping[str, str | None]) -> tuple[str | None, str | None, str | None]:
    """(user, password, token) of the options, or those that `~/.netrc` has for the registry.

    A token that was read from a file often ends with the file's line end, which is no part of it.
    """
    user, token = options["user"], options["token"]
    if user is None and token is None:
        return *_from_netrc(registry), None
    return user, options["password"], token and token.strip()


def _from_netrc(registry: str) -> tuple[str | None, str | None]:
    """(user, password) of the registry's host; a URL with a user of its own needs none."""
    try:
        parts = urlsplit(registry)
        if parts.username or not parts.hostname:
            return None, None
        found = netrc.netrc().authenticators(parts.hostname)
    except (ValueError, netrc.NetrcParseError, OSError):
        return None, None
    return (found[0], found[2]) if found else (None, None)

"""Access of commands to a registry: the options, the credentials, and the messages of failures.

Functions import the client where they use it, so that a command without a registry starts without it.
"""

import netrc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import click

from karapace_like.cli.progress import ProgressBar
from karapace_like.tooling import project
from karapace_like.tooling.errors import ToolError

if TYPE_CHECKING:
    from karapace_like.client.proxy_client import ProxyClient
    from karapace_like.tooling.remote import Remote

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., object])


class ProxyAccess(NamedTuple):
    """Where the records of topics are read and written: a REST proxy, or Kafka itself."""

    proxy: str | None
    bootstrap_servers: str | None
    config_file: Path | None
    """JSON file of the service, with the TLS and SASL settings of the Kafka."""
    registry: str | None
    """The registry of the schemas, for Kafka itself."""
    user: str | None
    password: str | None
    token: str | None

    @property
    def credentials(self) -> Mapping[str, str | None]:
        """Those at the REST proxy or the registry, as `ask_proxy` takes them."""
        return {"user": self.user, "password": self.password, "token": self.token}


def proxy_options(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that say where records are, and pass them to the command as `access`."""

    @wraps(command)
    def with_access(**arguments: Any) -> object:
        access = ProxyAccess(**{name: arguments.pop(name) for name in ProxyAccess._fields})
        return command(access=access, **arguments)

    decorated: Callable[..., object] = _add_credentials(with_access)
    for option in (
        click.option(
            "--registry",
            metavar="URL|PROFILE",
            envvar="KARAPACE_LIKE_REGISTRY",
            help="With --bootstrap-servers: the registry of the schemas.  [default: the schemas topic is read]",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="With --bootstrap-servers: JSON file of the service, for TLS and SASL; KARAPACE_* are read as well.",
        ),
        click.option(
            "--bootstrap-servers",
            "--bootstrap-uri",
            "bootstrap_servers",
            metavar="HOST:PORT,...",
            help="Kafka brokers, instead of a REST proxy. Needs the installation with [server].",
        ),
        click.option(
            "--proxy",
            metavar="URL|PROFILE",
            envvar="KARAPACE_LIKE_PROXY",
            show_envvar=True,
            help="URL of a REST proxy: this service's, Confluent's or Karapace's; or a profile with `proxy`.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def _add_credentials(command: C) -> C:
    for option in (
        click.option(
            "--token",
            envvar="KARAPACE_LIKE_TOKEN",
            show_envvar=True,
            help="Bearer token, instead of user and password.",
        ),
        click.option(
            "--password",
            envvar="KARAPACE_LIKE_PASSWORD",
            show_envvar=True,
            help="Password of the user; hidden from other users in the environment variable.",
        ),
        click.option(
            "--user",
            envvar="KARAPACE_LIKE_USER",
            show_envvar=True,
            help="User name.  [default: that of the URL, else of ~/.netrc]",
        ),
    ):
        command = option(command)
    return command


def registry_options(*, required: bool, names: Sequence[str] = ("--registry",)) -> Callable[[C], C]:
    """Return a decorator that adds `--registry`, or the other `names` of it, `--user`, `--password` and `--token`."""

    def decorate(command: C) -> C:
        return click.option(
            *names,
            "registry",
            metavar="URL|PROFILE",
            required=required,
            envvar="KARAPACE_LIKE_REGISTRY",
            show_envvar=True,
            help="URL of a registry: this service's, Confluent's or Karapace's; or a profile of the settings file.",
        )(_add_credentials(command))

    return decorate


def ask_registry(work: "Callable[[Remote], Awaitable[T]]", registry: str, credentials: Mapping[str, str | None]) -> T:
    """Return the result of the work; `credentials` are `user`, `password` and `token`. Raises ToolError."""
    import asyncio  # noqa: PLC0415 - see above

    async def open_and_work() -> T:
        async with open_registry(registry, credentials) as remote:
            return await work(remote)

    with registry_failures():
        return asyncio.run(open_and_work())


@asynccontextmanager
async def open_registry(registry: str, credentials: Mapping[str, str | None]) -> "AsyncIterator[Remote]":
    """Yield the registry once it has answered; raises UnreachableError, RefusedError, ToolError."""
    from karapace_like.client.registry_client import Credentials, RegistryClient  # noqa: PLC0415 - see above
    from karapace_like.tooling.remote import Remote  # noqa: PLC0415 - see above

    registry, credentials = _apply_profile(registry, credentials, lambda profile: profile.registry)
    async with RegistryClient(registry, Credentials(*_check_credentials(registry, credentials))) as client:
        remote = Remote(client, ProgressBar())
        await remote.check_is_registry()
        yield remote


def ask_proxy(work: "Callable[[ProxyClient], Awaitable[T]]", access: ProxyAccess) -> T:
    """Return the result of the work; see `ask_registry`."""
    import asyncio  # noqa: PLC0415 - see above

    async def open_and_work() -> T:
        async with _open_proxy(access) as client:
            return await work(client)

    option = "--bootstrap-servers" if access.bootstrap_servers else "--proxy"
    with registry_failures("REST proxy", option):
        return asyncio.run(open_and_work())


def _open_proxy(access: ProxyAccess) -> "AbstractAsyncContextManager[ProxyClient]":
    """Return the client of the REST proxy, or of one that runs as long as the command; raises ToolError."""
    from karapace_like.client.proxy_client import ProxyClient  # noqa: PLC0415 - see above
    from karapace_like.client.registry_client import Credentials  # noqa: PLC0415 - see above

    origin = click.get_current_context().get_parameter_source("proxy")
    if access.bootstrap_servers is not None:
        if origin is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("--proxy and --bootstrap-servers exclude each other: leave one of them out.")
        from karapace_like.cli.local_proxy import open_local_proxy  # noqa: PLC0415 - needs the server

        registry, known = access.registry, access.credentials
        if registry is not None:
            registry, known = _apply_profile(registry, known, lambda profile: profile.registry)
        return open_local_proxy(access.bootstrap_servers, access.config_file, registry, known)
    if access.proxy is None:
        raise click.UsageError(
            "Name where the topic is: --proxy URL of a REST proxy, or --bootstrap-servers HOST:PORT of Kafka."
        )
    url, known = _apply_profile(access.proxy, access.credentials, _find_proxy)
    return ProxyClient(url, Credentials(*_check_credentials(url, known)))


def _find_proxy(profile: "project.ProfileSettings") -> str:
    if profile.proxy is None:
        raise ToolError(f"The profile has no REST proxy. Add `proxy` to it in {project.FILE_NAME}, or name the URL.")
    return profile.proxy


def _check_credentials(url: str, options: Mapping[str, str | None]) -> tuple[str | None, str | None, str | None]:
    """Return (user, password, token); raises ToolError for what no header can carry."""
    user, password, token = _find_credentials(url, options)
    if user is not None and ":" in user:
        raise ToolError(f"The user {user!r} has a colon, which a user name must not have. Check --user and --password.")
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ToolError("The token has white space or characters other than printable ASCII. Check --token.")
    return user, password, token


@contextmanager
def registry_failures(service: str = "registry", option: str = "--registry") -> Iterator[None]:
    """Turn failures of the client into a ToolError that names the option to check."""
    from karapace_like.client.registry_client import RefusedError, UnreachableError  # noqa: PLC0415 - see above

    try:
        yield
    except UnreachableError as error:
        raise ToolError(f"{error}. Check {option}, and that the service runs.") from error
    except RefusedError as error:
        if error.is_unknown_call:
            reason = str(error).rstrip(".")
            raise ToolError(
                f"The {service} has no call {error.call}: {reason}. This command needs it, and some products have it "
                f"not. Check {option}."
            ) from error
        hint = " Check --user, --password and --token." if error.status in {401, 403} else ""
        raise ToolError(f"The {service} rejected the request: {error.sentence}.{hint}") from error


def _apply_profile(
    registry: str, credentials: Mapping[str, str | None], find_url: "Callable[[project.ProfileSettings], str]"
) -> tuple[str, Mapping[str, str | None]]:
    """Return the URL and the credentials of a profile; what is no profile's name stays. Raises ToolError."""
    settings = None if "://" in registry else project.find_file(Path.cwd())
    profiles = {} if settings is None else project.parse(settings.read_bytes(), str(settings)).profiles
    profile = profiles.get(registry)
    if profile is None:
        if profiles:
            raise ToolError(
                f"{registry!r} is neither the URL of a registry nor a profile of {settings}. Its profiles are "
                f"{', '.join(profiles)}."
            )
        return registry, credentials
    own = {
        "user": profile.user,
        "password": _read_variable(registry, profile.password_env),
        "token": _read_variable(registry, profile.token_env),
    }
    return find_url(profile), own if any(own.values()) else credentials


def _read_variable(profile: str, name: str | None) -> str | None:
    if name is not None and name not in os.environ:
        raise ToolError(f"The profile {profile} takes a secret from the variable {name}, which is not set. Set it.")
    return None if name is None else os.environ[name]


def _find_credentials(registry: str, options: Mapping[str, str | None]) -> tuple[str | None, str | None, str | None]:
    """Return (user, password, token) of the options, or else those of `~/.netrc` for the registry.

    White space around a token, such as the line end of a file, is removed.
    """
    user, token = options["user"], options["token"]
    if user is None and token is None:
        return *_read_netrc(registry), None
    return user, options["password"], token and token.strip()


def _read_netrc(registry: str) -> tuple[str | None, str | None]:
    """Return (user, password) of the registry's host, None for a URL with a user of its own."""
    try:
        parts = urlsplit(registry)
        if parts.username or not parts.hostname:
            return None, None
        entry = netrc.netrc().authenticators(parts.hostname)
    except (ValueError, netrc.NetrcParseError, OSError):
        return None, None
    return (entry[0], entry[2]) if entry else (None, None)

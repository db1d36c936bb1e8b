"""Warnings about settings that are allowed and risky."""

from collections.abc import Iterator

from karapace_like.config.choices import ClientAuth
from karapace_like.config.errors import ConfigError
from karapace_like.config.settings import Settings
from karapace_like.process.loopback import is_loopback


def find_warnings(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each risk that an operator may not have meant."""
    try:
        exposed = [address for address in settings.addresses if not is_loopback(address.host)]
    except ConfigError:
        return
    if exposed and not _has_access_control(settings):
        address = exposed[0]
        yield (
            f"Every client that reaches {address.host}:{address.port} may read and change everything: no access "
            "control is set. Set registry_authfile or sasl_oauthbearer_authentication_enabled, or listen on 127.0.0.1."
        )
    takes_passwords = settings.registry_authfile is not None or settings.rest_authorization
    if takes_passwords and any(not address.is_tls for address in exposed):
        yield "Passwords cross the network in plain text: an exposed listener is http. Set server_tls_certfile."


def _has_access_control(settings: Settings) -> bool:
    return (
        settings.registry_authfile is not None
        or settings.sasl_oauthbearer_authentication_enabled
        or (settings.rest_authorization and not settings.karapace_registry)
        or settings.server_tls_client_auth is ClientAuth.REQUIRED
    )

"""Access control and TLS as the settings say, and their files, which may be replaced while the service runs."""

import asyncio
import re
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from karapace_like import watching
from karapace_like.access import authfile, certificates
from karapace_like.access.authfile import AuthfileError
from karapace_like.access.certificates import MappingRulesError, Rule
from karapace_like.access.quotas import Quotas
from karapace_like.config import ClientAuth, ConfigError, Settings
from karapace_like.tls import ClientTlsSettings, ServerTls, ServerTlsSettings
from karapace_like.web.access import Access
from karapace_like.web.authentication import Authentication, certified_name
from karapace_like.web.peers import Peers

if TYPE_CHECKING:
    from karapace_like.web.tokens import Tokens

_CLIENT_CERTIFICATES = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Security:
    """What was made of the settings."""

    access: Access | None
    """None: whoever reaches a listener may do everything."""
    tls: ServerTls | None
    quotas: Quotas | None
    peers: Peers
    """The other nodes, and how they prove that they are some."""
    _settings: Settings

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the files; raises ConfigError."""
        return cls(_access(settings), _tls(settings), _quotas(settings), _peers(settings), settings)

    async def watch(self) -> None:
        """Take files that have changed into use, until cancelled."""
        await asyncio.gather(*self._watches())

    def _watches(self) -> list[Coroutine[Any, Any, None]]:
        watches = []
        if self.tls is not None:
            files = _tls_settings(self._settings).files
            watches.append(watching.watch(files, self.tls.read, self.tls.use, ssl.SSLError))
        peers_tls = _peers_tls(self._settings)
        if peers_tls is not None:
            watches.append(watching.watch(peers_tls.files, peers_tls.read, self.peers.use, ssl.SSLError))
        if self.access is not None and self._settings.registry_authfile is not None:
            file = Path(self._settings.registry_authfile)
            read = lambda: authfile.parse(file.read_bytes())  # noqa: E731 - as short as it gets
            watches.append(watching.watch([file], read, self.access.use, AuthfileError))
        return watches


def _access(settings: Settings) -> Access | None:
    takes_tokens = settings.sasl_oauthbearer_authentication_enabled
    if settings.registry_authfile is None and not takes_tokens:
        return None
    decides_by_roles = takes_tokens and settings.sasl_oauthbearer_authorization_enabled
    access = Access(
        Authentication(tokens=_tokens(settings) if takes_tokens else None, rules=_rules(settings)),
        open_paths=settings.sasl_oauthbearer_skip_auth_paths,
        method_roles=settings.sasl_oauthbearer_method_roles if decides_by_roles else None,
    )
    if settings.registry_authfile is not None:
        try:
            access.use(authfile.parse(Path(settings.registry_authfile).read_bytes()))
        except (OSError, AuthfileError) as error:
            raise ConfigError(f"registry_authfile: {error}") from error
    return access


def _rules(settings: Settings) -> tuple[Rule, ...]:
    try:
        return certificates.parse_rules(settings.server_tls_principal_mapping_rules)
    except MappingRulesError as error:
        raise ConfigError(f"server_tls_principal_mapping_rules: {error}") from error


def _peers(settings: Settings) -> Peers:
    tls = _peers_tls(settings)
    try:
        context = None if tls is None else tls.read()
    except OSError as error:
        raise ConfigError(f"forwarding_certfile, forwarding_keyfile or forwarding_cafile: {error}") from error
    if settings.forwarding_principals is None:
        return Peers(settings.forwarding_secret, tls=context)
    nodes, rules = re.compile(settings.forwarding_principals), _rules(settings)

    def is_node(transport: asyncio.BaseTransport | None) -> bool:
        name = certified_name(rules, transport)
        return name is not None and nodes.fullmatch(name) is not None

    return Peers(settings.forwarding_secret, is_node=is_node, tls=context)


def _peers_tls(settings: Settings) -> ClientTlsSettings | None:
    if settings.forwarding_cafile is None and settings.forwarding_certfile is None:
        return None
    return ClientTlsSettings(
        authorities=Path(settings.forwarding_cafile) if settings.forwarding_cafile else None,
        certificate=Path(settings.forwarding_certfile) if settings.forwarding_certfile else None,
        key=Path(settings.forwarding_keyfile) if settings.forwarding_keyfile else None,
        password=settings.forwarding_key_password,
    )


def _quotas(settings: Settings) -> Quotas | None:
    requests, size = settings.http_principal_requests_per_second, settings.http_principal_bytes_per_second
    return Quotas(requests=requests, bytes_=size) if requests or size else None


def _tokens(settings: Settings) -> "Tokens":
    from karapace_like.access.tokens import TokenRules  # noqa: PLC0415 - 10 MB of cryptography, for who takes tokens
    from karapace_like.web.tokens import Tokens  # noqa: PLC0415

    audiences = (settings.sasl_oauthbearer_expected_audience or "").split(",")
    path = settings.sasl_oauthbearer_roles_claim_path
    rules = TokenRules(
        issuer=settings.sasl_oauthbearer_expected_issuer,
        audiences=frozenset(filter(None, map(str.strip, audiences))),
        authorized_party=settings.sasl_oauthbearer_client_id if settings.sasl_oauthbearer_enforce_azp else None,
        is_typed=settings.sasl_oauthbearer_require_access_token_typ,
        leeway=settings.sasl_oauthbearer_leeway_seconds,
        subject_claim=settings.sasl_oauthbearer_sub_claim_name,
        roles_path=tuple(path.split(".")) if path else (),
    )
    return Tokens(settings.sasl_oauthbearer_jwks_endpoint_url or "", rules)


def _tls_settings(settings: Settings) -> ServerTlsSettings:
    assert settings.server_tls_certfile is not None
    return ServerTlsSettings(
        certificate=Path(settings.server_tls_certfile),
        key=Path(settings.server_tls_keyfile) if settings.server_tls_keyfile else None,
        password=settings.server_tls_password,
        authorities=Path(settings.server_tls_cafile) if settings.server_tls_cafile else None,
        client_certificates=_CLIENT_CERTIFICATES[settings.server_tls_client_auth],
    )


def _tls(settings: Settings) -> ServerTls | None:
    if not any(each.is_tls for each in settings.addresses):
        return None
    try:
        return ServerTls(_tls_settings(settings))
    except OSError as error:
        raise ConfigError(f"server_tls_certfile, server_tls_keyfile or server_tls_cafile: {error}") from error

"""Builds access control and TLS, and the watchers of their files, which can be replaced while the service runs."""

import asyncio
import re
import ssl
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from karapace_like.access import authfile, certificates
from karapace_like.access.authfile import AuthfileError
from karapace_like.access.certificates import MappingRulesError, Rule
from karapace_like.access.policy import ResourceKind
from karapace_like.access.quotas import Quotas
from karapace_like.background import BackgroundTasks
from karapace_like.config import ClientAuth, ConfigError, Settings
from karapace_like.config.files import find_file_faults
from karapace_like.process.file_watcher import FileWatcher
from karapace_like.proxy.internal import InternalResources
from karapace_like.serve.tls import ClientTlsSettings, ServerTls, ServerTlsSettings
from karapace_like.web.callers.access import Access, OpenAccess
from karapace_like.web.callers.authentication import Authentication, find_certified_name
from karapace_like.web.cluster.peers import Peers

if TYPE_CHECKING:
    from karapace_like.web.callers.tokens import TokenVerifier

_CLIENT_CERTIFICATES = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Security:
    """Access control, TLS, quotas and the trust between nodes."""

    access: Access | OpenAccess
    """OpenAccess: every caller has all permissions."""
    tls: ServerTls | None
    quotas: Quotas | None
    peers: Peers
    """The other nodes and their authentication."""
    _settings: Settings

    @classmethod
    def build(cls, settings: Settings, background: BackgroundTasks, internal: InternalResources | None = None) -> Self:
        """Read the files; raises ConfigError.

        `background` runs the refresh of token keys; `internal` lists the resources that the REST proxy protects.
        """
        return cls(
            _build_access(settings, background, internal or InternalResources()),
            _build_tls(settings),
            _build_quotas(settings),
            _build_peers(settings),
            settings,
        )

    def watchers(self) -> list[FileWatcher]:
        """Return the watchers that reload changed certificates and the authfile."""
        watches = []
        if self.tls is not None:
            files = _make_tls_settings(self._settings).files
            watches.append(FileWatcher(files, self.tls.read, self.tls.use, ssl.SSLError))
        peers_tls = _make_peers_tls_settings(self._settings)
        if peers_tls is not None:
            watches.append(FileWatcher(peers_tls.files, peers_tls.read, self.peers.use_tls, ssl.SSLError))
        if isinstance(self.access, Access) and self._settings.registry_authfile is not None:
            file = Path(self._settings.registry_authfile)
            read = lambda: authfile.parse(file.read_bytes())  # noqa: E731 - a function of one expression
            watches.append(FileWatcher([file], read, self.access.use, AuthfileError))
        return watches


def _build_access(settings: Settings, background: BackgroundTasks, internal: InternalResources) -> Access | OpenAccess:
    takes_tokens = settings.sasl_oauthbearer_authentication_enabled
    if settings.registry_authfile is None and not takes_tokens:
        return OpenAccess()
    decides_by_roles = takes_tokens and settings.sasl_oauthbearer_authorization_enabled
    access = Access(
        Authentication(
            tokens=_build_token_verifier(settings, background) if takes_tokens else None,
            rules=_parse_mapping_rules(settings),
        ),
        open_paths=settings.sasl_oauthbearer_skip_auth_paths,
        method_roles=settings.sasl_oauthbearer_method_roles if decides_by_roles else None,
        # Without the setting, the proxy itself rejects internal resources and names the setting that allows them.
        is_reserved=partial(_is_reserved, internal) if internal.is_allowed else None,
    )
    if settings.registry_authfile is not None:
        try:
            access.use(authfile.parse(Path(settings.registry_authfile).read_bytes()))
        except (OSError, AuthfileError) as error:
            raise ConfigError(f"registry_authfile: {error}") from error
    return access


def _is_reserved(internal: InternalResources, resource: str) -> bool:
    """Return whether only a grant that names the resource applies to it."""
    kind, _, name = resource.partition(":")
    return (kind == ResourceKind.TOPIC and internal.is_internal_topic(name)) or (
        kind == ResourceKind.GROUP and internal.is_internal_group(name)
    )


def _parse_mapping_rules(settings: Settings) -> tuple[Rule, ...]:
    try:
        return certificates.parse_rules(settings.server_tls_principal_mapping_rules)
    except MappingRulesError as error:
        raise ConfigError(f"server_tls_principal_mapping_rules: {error}") from error


def _build_peers(settings: Settings) -> Peers:
    tls = _make_peers_tls_settings(settings)
    try:
        context = None if tls is None else tls.read()
    except OSError as error:
        raise _explain_files(settings, error) from error
    if settings.forwarding_principals is None:
        return Peers(settings.forwarding_secret, tls=context)
    nodes, rules = re.compile(settings.forwarding_principals), _parse_mapping_rules(settings)

    def is_node(transport: asyncio.BaseTransport | None) -> bool:
        name = find_certified_name(rules, transport)
        return name is not None and nodes.fullmatch(name) is not None

    return Peers(settings.forwarding_secret, is_node=is_node, tls=context)


def _make_peers_tls_settings(settings: Settings) -> ClientTlsSettings | None:
    if settings.forwarding_cafile is None and settings.forwarding_certfile is None:
        return None
    return ClientTlsSettings(
        authorities=Path(settings.forwarding_cafile) if settings.forwarding_cafile else None,
        certificate=Path(settings.forwarding_certfile) if settings.forwarding_certfile else None,
        key=Path(settings.forwarding_keyfile) if settings.forwarding_keyfile else None,
        password=settings.forwarding_key_password,
    )


def _build_quotas(settings: Settings) -> Quotas | None:
    requests, size = settings.http_principal_requests_per_second, settings.http_principal_bytes_per_second
    return Quotas(requests=requests, bytes_=size) if requests or size else None


def _build_token_verifier(settings: Settings, background: BackgroundTasks) -> "TokenVerifier":
    from karapace_like.access.tokens import TokenRules  # noqa: PLC0415 - 10 MB of cryptography, needed for tokens only
    from karapace_like.web.callers.tokens import TokenVerifier  # noqa: PLC0415

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
    return TokenVerifier(settings.sasl_oauthbearer_jwks_endpoint_url or "", rules, background)


def _make_tls_settings(settings: Settings) -> ServerTlsSettings:
    assert settings.server_tls_certfile is not None
    return ServerTlsSettings(
        certificate=Path(settings.server_tls_certfile),
        key=Path(settings.server_tls_keyfile) if settings.server_tls_keyfile else None,
        password=settings.server_tls_password,
        authorities=Path(settings.server_tls_cafile) if settings.server_tls_cafile else None,
        client_certificates=_CLIENT_CERTIFICATES[settings.server_tls_client_auth],
    )


def _build_tls(settings: Settings) -> ServerTls | None:
    if not any(listener.is_tls for listener in settings.addresses):
        return None
    try:
        return ServerTls(_make_tls_settings(settings))
    except OSError as error:
        raise _explain_files(settings, error) from error


def _explain_files(settings: Settings, error: OSError) -> ConfigError:
    """Return the error that names the files which cannot be used; OpenSSL names none."""
    return ConfigError(*([fault.sentence for fault in find_file_faults(settings)] or [f"TLS: {error}"]))
